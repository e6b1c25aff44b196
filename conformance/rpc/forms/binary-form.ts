import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { integer, pick, shuffled } from "../../random.js";
import type { FormAspect, FormChoice } from "./aspects.js";

/** A field of a binary encoding. */
interface Field {
  number: number;
  wireType: number;
  /** The value of a varint; otherwise the bytes of the value, without their length. */
  value: bigint | Uint8Array;
}

/** Highest field number of protobuf. */
const MAX_FIELD_NUMBER = 2 ** 29 - 1;
/** Maximum length of a tag, in bytes. */
const MAX_TAG_BYTES = 5;
/** Maximum length of a varint that is a length, in bytes: some decoders read no more. */
const MAX_LENGTH_BYTES = 5;
/** Maximum length of a varint that is a number, in bytes. */
const MAX_NUMBER_BYTES = 10;

/**
 * Returns another binary encoding of the same request, by the chapter "Binary codec" of the HTTP binding. `body` is the
 * canonical encoding of a message of this type, whose fields are all scalar. The result is about 1 KiB longer at most.
 */
export function varyBinary(schema: DescMessage, body: Uint8Array, choice: FormChoice): Uint8Array {
  let fields = parseFields(body);
  if (choice.applies("defaults")) fields = withDefaults(schema, fields, choice.random("defaults"));
  if (choice.applies("repeated-fields")) fields = withRepeated(schema, fields, choice.random("repeated-fields"));
  if (choice.applies("field-order")) fields = reordered(fields, choice.random("field-order"));
  if (choice.applies("unknown-fields")) fields = withUnknown(schema, fields, body, choice.random("unknown-fields"));
  return encodeFields(fields, surplusBytes(choice));
}

function parseFields(body: Uint8Array): Field[] {
  const reader = new BinaryReader(body);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const value = wireType === WireType.Varint ? BigInt(reader.uint64()) : reader.bytes();
    fields.push({ number, wireType, value });
  }
  return fields;
}

const isNumber = (field: DescField) => field.scalar === ScalarType.UINT32;

function fieldOf(field: DescField, value: bigint | Uint8Array): Field {
  return { number: field.number, wireType: isNumber(field) ? WireType.Varint : WireType.LengthDelimited, value };
}

/** Writes out some of the fields that have their default value, at least one. */
function withDefaults(schema: DescMessage, fields: readonly Field[], random: () => number): Field[] {
  const missing = schema.fields.filter(({ number }) => !fields.some((it) => it.number === number));
  const chosen = shuffled(random, missing).slice(0, integer(random, 1, Math.max(1, missing.length)));
  const added = chosen.map((field) => fieldOf(field, isNumber(field) ? 0n : new Uint8Array()));
  return [...fields, ...added].sort((one, other) => one.number - other.number);
}

/** Puts another value in front of some of the fields, at least one. The last one counts. */
function withRepeated(schema: DescMessage, fields: readonly Field[], random: () => number): Field[] {
  const chosen = new Set(shuffled(random, fields).slice(0, integer(random, 1, Math.max(1, fields.length))));
  return fields.flatMap((field) => {
    const known = schema.fields.find(({ number }) => number === field.number);
    if (known === undefined || !chosen.has(field)) return [field];
    return [fieldOf(known, otherValue(field.value, random)), field];
  });
}

/** Returns a value that differs from the given one: a valid one of its type. */
function otherValue(value: bigint | Uint8Array, random: () => number): bigint | Uint8Array {
  if (typeof value === "bigint") {
    const others = [0n, 1n, value + 1n, value - 1n, 0xffff_ffffn];
    return pick(
      random,
      others.filter((other) => other !== value && other >= 0n && other <= 0xffff_ffffn),
    );
  }
  const others = ["", "other", "\u00e9\u{1f600}", "a longer one, which the server reads before the right one"];
  const bytes = others.map((text) => Buffer.from(text)).filter((other) => !other.equals(value));
  return pick(random, bytes);
}

/** Shuffles the fields. Those of one number keep their order, because the last one counts. */
function reordered(fields: readonly Field[], random: () => number): Field[] {
  const order = shuffled(
    random,
    fields.map(({ number }) => number),
  );
  const queues = new Map(order.map((number) => [number, fields.filter((it) => it.number === number)]));
  return order.map((number) => queues.get(number)?.shift() as Field);
}

/** Inserts up to four unknown fields at any places. */
function withUnknown(schema: DescMessage, fields: readonly Field[], body: Uint8Array, random: () => number): Field[] {
  const result = [...fields];
  for (let missing = integer(random, 1, 4); missing > 0; missing -= 1)
    result.splice(integer(random, 0, result.length), 0, unknownField(schema, body, random));
  return result;
}

/** Makes a field whose number is above all known ones, and whose value may be like that of a known one. */
function unknownField(schema: DescMessage, body: Uint8Array, random: () => number): Field {
  const lowest = 1 + Math.max(0, ...schema.fields.map(({ number }) => number));
  const number = pick(random, [
    lowest,
    lowest + 1,
    15,
    16,
    // The low eight and sixteen bits are those of known fields.
    256 + integer(random, 1, 3),
    65_536 + integer(random, 1, 3),
    2047,
    2048,
    2 ** 28,
    MAX_FIELD_NUMBER,
    integer(random, lowest, MAX_FIELD_NUMBER),
  ]);
  const wireType = pick(random, [WireType.Varint, WireType.Bit64, WireType.LengthDelimited, WireType.Bit32]);
  return { number, wireType, value: unknownValue(wireType, body, random) };
}

function unknownValue(wireType: number, body: Uint8Array, random: () => number): bigint | Uint8Array {
  const bytes = (length: number) => Uint8Array.from({ length }, () => integer(random, 0, 255));
  switch (wireType) {
    case WireType.Varint:
      return pick(random, [0n, 1n, 200n, 0xffff_ffffn, 2n ** 53n + 1n, 2n ** 64n - 1n]);
    case WireType.Bit64:
      return bytes(8);
    case WireType.Bit32:
      return bytes(4);
    default: {
      // Bytes that are fields themselves, if one reads them as such.
      const known = body.subarray(0, 200);
      return pick(random, [new Uint8Array(), Buffer.from("text"), known, bytes(integer(random, 1, 40))]);
    }
  }
}

/** Chooses by how many bytes a varint is longer than needed: given its length, and the maximum. */
type Surplus = (length: number, maxLength: number) => number;

function surplusBytes(choice: FormChoice): Surplus {
  const aspect: FormAspect = "long-varints";
  if (!choice.applies(aspect)) return () => 0;
  const random = choice.random(aspect);
  // Often by one byte, which is what some encoders that reserve room for a length write.
  return (length, maxLength) =>
    random() < 0.5 ? 0 : Math.min(maxLength - length, pick(random, [1, 1, 2, integer(random, 1, MAX_NUMBER_BYTES)]));
}

function encodeFields(fields: readonly Field[], surplus: Surplus): Uint8Array {
  const parts = fields.flatMap(({ number, wireType, value }) => {
    const tag = varint((BigInt(number) << 3n) | BigInt(wireType), surplus, MAX_TAG_BYTES);
    if (typeof value === "bigint") return [tag, varint(value, surplus, MAX_NUMBER_BYTES)];
    if (wireType !== WireType.LengthDelimited) return [tag, value];
    return [tag, varint(BigInt(value.length), surplus, MAX_LENGTH_BYTES), value];
  });
  return Buffer.concat(parts);
}

/** Encodes a varint, with groups of zeros after its last group. */
function varint(value: bigint, surplus: Surplus, maxLength: number): Uint8Array {
  const groups: number[] = [];
  for (let rest = value; rest > 0n || groups.length === 0; rest >>= 7n) groups.push(Number(rest & 0x7fn));
  const missing = surplus(groups.length, maxLength);
  const all = [...groups, ...Array<number>(missing).fill(0)];
  return Uint8Array.from(all, (group, at) => (at < all.length - 1 ? group | 0x80 : group));
}
