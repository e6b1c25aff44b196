import {
  type DescMessage,
  fromBinary,
  fromJsonString,
  type JsonValue,
  type Message,
  ScalarType,
  toBinary,
  toJsonString,
  type UnknownField,
} from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { SeqSyncService } from "../../../proto/gen/seqsync/v1/service_pb.js";

/** Rewrites a response message into another valid encoding. */
export type Encoding = (body: Buffer, codec: "proto" | "json", method: string) => Buffer;

/** Adds what a later minor version may add at every level: fields of all wire types, members of all kinds. */
export const withUnknownFields: Encoding = (body, codec, method) => {
  if (codec === "json") return Buffer.from(JSON.stringify(addMembers(JSON.parse(body.toString()))));
  const schema = outputOf(method);
  const message = fromBinary(schema, body);
  addFields(message);
  const before = new BinaryWriter().tag(777, WireType.LengthDelimited).string("first").finish();
  return Buffer.concat([before, toBinary(schema, message)]);
};

/** Writes everything that may be omitted, in an unusual order and form. */
export const longhand: Encoding = (body, codec, method) => {
  const schema = outputOf(method);
  if (codec === "proto") return Buffer.from(longhandBinary(schema, fromBinary(schema, body)));
  const text = toJsonString(schema, fromJsonString(schema, body.toString()), {
    useProtoFieldName: true,
    alwaysEmitImplicit: true,
    prettySpaces: 2,
  });
  // Pads every fraction of a second to nine digits.
  const padded = text.replace(/"([-\dT:]+)(?:\.(\d+))?([Zs])"/g, (_, whole: string, part = "", end: string) => {
    return `"${whole}.${(part as string).padEnd(9, "0")}${end}"`;
  });
  return Buffer.from(padded);
};

/** Escapes what the JSON libraries of PHP, .NET, Java and Python escape by default. Leaves the binary codec as it is. */
export const escaped: Encoding = (body, codec) => {
  if (codec === "proto") return body;
  // Outside strings, a response has none of these characters.
  const text = body.toString().replace(/[+=&<>'\u007f-\uffff]|\\?\//g, (char) => {
    return char.endsWith("/") ? "\\/" : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return Buffer.from(text);
};

/**
 * Writes each field that is not repeated twice, first with another value, and each number in as many bytes as it may
 * have. Leaves JSON as it is.
 */
export const repeated: Encoding = (body, codec, method) => {
  if (codec === "json") return body;
  const schema = outputOf(method);
  return repeatedBinary(schema, fromBinary(schema, body));
};

function repeatedBinary(schema: DescMessage, message: Message): Buffer {
  const parts: Buffer[] = [];
  const bytes = (no: number, value: Uint8Array) =>
    parts.push(longVarint(no * 8 + 2, 5), longVarint(value.length, 10), Buffer.from(value));
  const varint = (no: number, value: number) => parts.push(longVarint(no * 8, 5), longVarint(value, 10));
  for (const { number, fieldKind, localName, ...field } of schema.fields) {
    const value = (message as unknown as Record<string, unknown>)[localName];
    if (value === undefined) continue;
    if (typeof value === "number") for (const one of [value + 1, value]) varint(number, one);
    else if (typeof value === "string") for (const one of ["before", value]) bytes(number, Buffer.from(one));
    else if (value instanceof Uint8Array) for (const one of [Buffer.from("before"), value]) bytes(number, one);
    else if (!Array.isArray(value)) bytes(number, toBinary(field.message as DescMessage, value as Message));
    else {
      for (const item of value) {
        if (typeof item === "number") varint(number, item);
        else bytes(number, repeatedBinary(field.message as DescMessage, item as Message));
      }
    }
  }
  return Buffer.concat(parts);
}

/** A varint in as many bytes as this. */
function longVarint(value: number, size: number): Buffer {
  const written = Buffer.alloc(size, 0x80);
  let rest = value;
  for (let at = 0; at < size; at += 1, rest = Math.floor(rest / 128)) written[at] = (rest % 128) | 0x80;
  written[size - 1] = (written[size - 1] as number) & 0x7f;
  return written;
}

function outputOf(method: string): DescMessage {
  const found = SeqSyncService.methods.find(({ name }) => name === method);
  if (found === undefined) throw new Error(`there is no method ${method}`);
  return found.output;
}

const UNKNOWN: UnknownField[] = [
  { no: 1000, wireType: WireType.Varint, data: Buffer.from("ffffffffffffffffff01", "hex") },
  { no: 1001, wireType: WireType.Bit64, data: Buffer.from("0102030405060708", "hex") },
  { no: 1002, wireType: WireType.LengthDelimited, data: Buffer.from("03ff00fe", "hex") },
  { no: 536_870_911, wireType: WireType.Bit32, data: Buffer.from("01020304", "hex") },
];

function addFields(message: Message): void {
  for (const value of Object.values(message)) {
    for (const inner of Array.isArray(value) ? value : [value]) if (isMessage(inner)) addFields(inner);
  }
  message.$unknown = [...UNKNOWN];
}

function isMessage(value: unknown): value is Message {
  return typeof value === "object" && value !== null && "$typeName" in value;
}

function addMembers(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(addMembers);
  if (typeof value !== "object" || value === null) return value;
  const known = Object.entries(value).map(([name, inner]) => [name, addMembers(inner)]);
  return { seqNew: 7, ...Object.fromEntries(known), later_one: { svrSeq: 1, epoch: [null, "x", -1.5, {}] } };
}

/** Writes fields in descending order, with defaults, unpacked, and times in two parts that a reader must merge. */
function longhandBinary(schema: DescMessage, message: Message): Uint8Array {
  const writer = new BinaryWriter();
  for (const field of [...schema.fields].reverse()) {
    const value = (message as unknown as Record<string, unknown>)[field.localName];
    if (field.fieldKind === "list") {
      for (const item of value as unknown[]) {
        if (field.listKind === "message") {
          writer.tag(field.number, WireType.LengthDelimited).bytes(longhandBinary(field.message, item as Message));
        } else writer.tag(field.number, WireType.Varint).int32(item as number);
      }
    } else if (field.fieldKind === "message") {
      if (value === undefined) continue;
      // A later part of a merged message may omit the fields of an earlier one.
      const { seconds, nanos } = value as { seconds: bigint; nanos: number };
      const first = new BinaryWriter().tag(1, WireType.Varint).int64(seconds).finish();
      const second = new BinaryWriter().tag(2, WireType.Varint).int32(nanos).finish();
      for (const part of [first, second]) writer.tag(field.number, WireType.LengthDelimited).bytes(part);
    } else if (field.fieldKind === "scalar") writeScalar(writer, field.number, field.scalar, value);
  }
  return writer.finish();
}

function writeScalar(writer: BinaryWriter, no: number, scalar: ScalarType, value: unknown): void {
  switch (scalar) {
    case ScalarType.UINT32:
      writer.tag(no, WireType.Varint).uint32(value as number);
      return;
    case ScalarType.STRING:
      writer.tag(no, WireType.LengthDelimited).string(value as string);
      return;
    case ScalarType.BYTES:
      writer.tag(no, WireType.LengthDelimited).bytes(value as Uint8Array);
      return;
    default:
      throw new Error(`no field of the protocol is a ${ScalarType[scalar]}`);
  }
}
