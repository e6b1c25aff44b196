import type { IncomingMessage } from "node:http";
import { type DescMessage, fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  GetServerInfoRequestSchema,
  SendRequestSchema,
  SyncRequestSchema,
} from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { errorOf, isJson, mapBodies, mapErrors, mapResponses, rpcOf } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

/** The requests of the protocol's own unary calls. */
export const SCHEMAS: Readonly<Record<string, DescMessage>> = {
  GetServerInfo: GetServerInfoRequestSchema,
  Send: SendRequestSchema,
  Sync: SyncRequestSchema,
};

/** Changes binary bodies of the protocol's own unary calls. */
export const binary = (change: (body: Buffer, schema: DescMessage, req: IncomingMessage) => Buffer) =>
  mapBodies((body, req) => {
    const schema = SCHEMAS[rpcOf(req)];
    return isJson(req) || schema === undefined ? body : change(body, schema, req);
  });

export const decodes = (body: Uint8Array, schema: DescMessage) => {
  try {
    fromBinary(schema, body);
    return true;
  } catch {
    return false;
  }
};

/** The longest beginning of a body that decodes. */
export function beginning(body: Buffer, schema: DescMessage): Buffer {
  for (let end = body.length; end > 0; end -= 1) {
    const part = body.subarray(0, end);
    if (decodes(part, schema)) return part;
  }
  return Buffer.alloc(0);
}

interface Field {
  no: number;
  wireType: number;
  /** With its tag. */
  bytes: Uint8Array;
}

/** The fields of a body, as their places in it. Throws if it does not decode. */
function* fieldsOf(body: Uint8Array): Generator<Field> {
  const reader = new BinaryReader(body);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [no, wireType] = reader.tag();
    reader.skip(wireType, no);
    yield { no, wireType: wireType as number, bytes: body.subarray(start, reader.pos) };
  }
}

/** Changes the fields of binary bodies that decode. */
const fields = (change: (field: Field, before: readonly Field[]) => Uint8Array | undefined) =>
  binary((body, schema) => {
    if (!decodes(body, schema)) return body;
    const all = [...fieldsOf(body)];
    return Buffer.concat(all.map((field, index) => change(field, all.slice(0, index)) ?? new Uint8Array()));
  });

/** Faults of the chapter "HTTP binding" that only the binary codec has. */
export const httpMalformed: readonly Mutant[] = [
  {
    name: "http-malformed-is-empty",
    breaks: "HTTP-MALFORMED",
    about: "a Sync that does not decode is taken for the empty message",
    handler: binary((body, schema) =>
      schema === SyncRequestSchema && !decodes(body, schema) ? Buffer.alloc(0) : body,
    ),
  },
  {
    name: "http-malformed-used-so-far",
    breaks: "HTTP-MALFORMED",
    about: "a body that does not decode is used up to the point where it breaks",
    handler: binary((body, schema) => (decodes(body, schema) ? body : beginning(body, schema))),
  },
  {
    name: "http-malformed-is-internal",
    breaks: "HTTP-MALFORMED",
    about: "a body that does not decode is answered with an internal error",
    handler: mapResponses((answer, req) =>
      errorOf(answer)?.details?.[0]?.debug.reason === "REASON_MALFORMED" && !isJson(req)
        ? { ...answer, status: 500, body: Buffer.from('{"code":"internal"}') }
        : answer,
    ),
  },
  {
    name: "http-text-not-checked",
    breaks: "HTTP-MALFORMED",
    about: "a string that is not UTF-8 is taken, with other characters in place of what is wrong",
    handler: binary((body, schema) => {
      if (decodes(body, schema) || schema !== SendRequestSchema) return body;
      try {
        // The payload is the only field of Send that is no text.
        return Buffer.concat(
          [...fieldsOf(body)].map(({ no, bytes }) =>
            no === 3 ? bytes : field(no, Buffer.from(Buffer.from(contentOf(bytes)).toString("utf8"))),
          ),
        );
      } catch {
        return body;
      }
    }),
  },
  {
    name: "http-malformed-without-reason",
    breaks: "HTTP-MALFORMED-REASON",
    about: "a body that does not decode is refused without a reason, as by a stock library",
    handler: mapErrors(({ details, ...error }) =>
      details?.[0]?.debug.reason === "REASON_MALFORMED" ? error : { ...error, details },
    ),
  },
  {
    name: "http-unknown-field-refused",
    breaks: "HTTP-UNKNOWN-FIELDS",
    about: "a field that is not known is malformed",
    handler: binary((body, schema) =>
      decodes(body, schema) && (fromBinary(schema, body).$unknown ?? []).length > 0 ? Buffer.from([0]) : body,
    ),
  },
  {
    name: "http-unknown-field-of-64-bits-refused",
    breaks: "HTTP-UNKNOWN-FIELDS",
    about: "the reader skips varints and strings, and fails at fixed 64-bit numbers",
    handler: binary((body, schema) =>
      decodes(body, schema) && [...fieldsOf(body)].some(({ wireType }) => wireType === 1) ? Buffer.from([0]) : body,
    ),
  },
  {
    name: "http-unknown-field-ends-the-message",
    breaks: "HTTP-UNKNOWN-FIELDS",
    about: "what follows an unknown field is not read",
    handler: binary((body, schema) => {
      if (!decodes(body, schema)) return body;
      const all = [...fieldsOf(body)];
      const end = all.findIndex(({ no }) => no > 3);
      return end < 0 ? body : Buffer.concat(all.slice(0, end).map(({ bytes }) => bytes));
    }),
  },
  {
    name: "http-surrogates-in-utf-8",
    breaks: "HTTP-MALFORMED",
    about: "halves of surrogate pairs, written in UTF-8 as some languages do, are taken",
    handler: mapBodies((body, req) => (isJson(req) ? body : withoutSurrogates(body))),
  },
  {
    name: "http-zero-does-not-count",
    breaks: "HTTP-BINARY",
    about:
      "a hand-written reader sets a field only if its value is true: an explicit 0 does not replace what stood before",
    handler: binary((body, schema) => (schema === SyncRequestSchema ? withoutLastZero(body) : body)),
  },
  {
    name: "http-payload-shorter-than-its-length",
    breaks: "HTTP-MALFORMED",
    about: "a payload that is shorter than its length is taken as far as it goes, as slices do not check",
    handler: binary((body, schema) => {
      const at = body.lastIndexOf(0x1a);
      if (schema !== SendRequestSchema || at < 0 || at + 2 > body.length || decodes(body, schema)) return body;
      const mended = Buffer.from(body);
      mended[at + 1] = body.length - at - 2;
      return mended;
    }),
  },
  {
    name: "http-malformed-send-is-422",
    breaks: "ERR-SHAPE",
    about: "a Send that does not decode is answered with 422, as web frameworks answer what does not validate",
    handler: mapResponses((answer, req) =>
      rpcOf(req) === "Send" && errorOf(answer)?.details?.[0]?.debug.reason === "REASON_MALFORMED"
        ? { ...answer, status: 422 }
        : answer,
    ),
  },
  {
    name: "http-malformed-info-is-text",
    breaks: "ERR-SHAPE",
    about: "the refusal of a GetServerInfo that does not decode has the type text/plain",
    handler: mapResponses((answer, req) =>
      rpcOf(req) === "GetServerInfo" && answer.status === 400
        ? { ...answer, headers: { ...answer.headers, "content-type": "text/plain" } }
        : answer,
    ),
  },
  {
    name: "http-first-text-counts",
    breaks: "HTTP-BINARY",
    about: "of a string that comes twice the first one counts",
    handler: fields(({ no, wireType, bytes }, before) =>
      wireType === WireType.LengthDelimited && no <= 3 && before.some((it) => it.no === no) ? undefined : bytes,
    ),
  },
  {
    name: "http-number-of-ten-bytes-refused",
    breaks: "HTTP-BINARY",
    about: "a cli_seq of more than five bytes is malformed, also where the further ones say nothing",
    handler: fields(({ no, wireType, bytes }) =>
      wireType === WireType.Varint && no <= 3 && bytes.length > 6 ? Buffer.of(0) : bytes,
    ),
  },
  {
    name: "http-field-number-of-a-byte",
    breaks: "HTTP-UNKNOWN-FIELDS",
    about: "numbers of fields are kept in a byte: 257 is taken for 1",
    handler: fields(({ no, wireType, bytes }) =>
      no > 0xff && no < 0x800 ? Buffer.concat([Buffer.of(((no & 0xff) << 3) | wireType), bytes.subarray(2)]) : bytes,
    ),
  },
];

/** A length-delimited field. */
const field = (no: number, content: Uint8Array) =>
  new BinaryWriter().tag(no, WireType.LengthDelimited).bytes(content).finish();

/** What is in a length-delimited field. */
function contentOf(bytes: Uint8Array): Uint8Array {
  const reader = new BinaryReader(bytes);
  reader.tag();
  return reader.bytes();
}

/** Each half of a surrogate pair as the character that stands for what cannot be read. */
function withoutSurrogates(body: Buffer): Buffer {
  const text = body.toString("latin1").replace(/\xed[\xa0-\xbf][\x80-\xbf]/g, "\xef\xbf\xbd");
  return Buffer.from(text, "latin1");
}

/** A SyncRequest without the explicit 0 that follows another cli_seq: all that it has are cli_seqs. */
function withoutLastZero(body: Buffer): Buffer {
  const reader = new BinaryReader(body);
  let before = 0;
  for (let count = 0; reader.pos < reader.len; count += 1) {
    const [field, type] = reader.tag();
    if (field !== 1 || type !== WireType.Varint) return body;
    const at = reader.pos - 1;
    if (reader.uint32() === 0 && reader.pos === reader.len && count > 0) before = at;
  }
  return before === 0 ? body : body.subarray(0, before);
}
