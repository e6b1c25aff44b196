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

/** Request schemas of the unary RPCs of SeqSyncService. */
export const SCHEMAS: Readonly<Record<string, DescMessage>> = {
  GetServerInfo: GetServerInfoRequestSchema,
  Send: SendRequestSchema,
  Sync: SyncRequestSchema,
};

/** Changes the binary bodies of unary calls; `map` selects those that are not too long. */
export const mapBinaryBodies = (
  change: (body: Buffer, schema: DescMessage, req: IncomingMessage) => Buffer,
  map = mapBodies,
) =>
  map((body, req) => {
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

/** Returns the longest prefix of a body that can be decoded. */
export function decodablePrefix(body: Buffer, schema: DescMessage): Buffer {
  for (let end = body.length; end > 0; end -= 1) {
    const part = body.subarray(0, end);
    if (decodes(part, schema)) return part;
  }
  return Buffer.alloc(0);
}

interface Field {
  no: number;
  wireType: number;
  /** The encoded field, including its tag. */
  bytes: Uint8Array;
}

/** Yields the fields of a body. Throws if it cannot be decoded. */
function* fieldsOf(body: Uint8Array): Generator<Field> {
  const reader = new BinaryReader(body);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [no, wireType] = reader.tag();
    reader.skip(wireType, no);
    yield { no, wireType: wireType as number, bytes: body.subarray(start, reader.pos) };
  }
}

/** Changes the fields of valid binary bodies; undefined removes a field. */
export const mapFields = (change: (field: Field, before: readonly Field[]) => Uint8Array | undefined) =>
  mapBinaryBodies((body, schema) => {
    if (!decodes(body, schema)) return body;
    const all = [...fieldsOf(body)];
    return Buffer.concat(all.map((field, index) => change(field, all.slice(0, index)) ?? new Uint8Array()));
  });

/** Mutants of the chapter "HTTP binding": the binary codec. */
export const httpMalformed: readonly Mutant[] = [
  {
    name: "http-malformed-is-empty",
    breaks: "HTTP-MALFORMED",
    about: "treats a Sync that cannot be decoded as the empty message",
    handler: mapBinaryBodies((body, schema) =>
      schema === SyncRequestSchema && !decodes(body, schema) ? Buffer.alloc(0) : body,
    ),
  },
  {
    name: "http-malformed-used-so-far",
    breaks: "HTTP-MALFORMED",
    about: "executes the longest prefix of a malformed body that can be decoded",
    handler: mapBinaryBodies((body, schema) => (decodes(body, schema) ? body : decodablePrefix(body, schema))),
  },
  {
    name: "http-malformed-is-internal",
    breaks: "HTTP-MALFORMED",
    about: "responds with an internal error to a binary body that cannot be decoded",
    handler: mapResponses((response, req) =>
      errorOf(response)?.details?.[0]?.debug.reason === "REASON_MALFORMED" && !isJson(req)
        ? { ...response, status: 500, body: Buffer.from('{"code":"internal"}') }
        : response,
    ),
  },
  {
    name: "http-text-not-checked",
    breaks: "HTTP-MALFORMED",
    about: "accepts strings that are not UTF-8, and replaces the invalid bytes",
    handler: mapBinaryBodies((body, schema) => {
      if (decodes(body, schema) || schema !== SendRequestSchema) return body;
      try {
        // The payload is the only field of Send that is not a string.
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
    about: "refuses a malformed body without a reason, as stock libraries do",
    handler: mapErrors(({ details, ...error }) =>
      details?.[0]?.debug.reason === "REASON_MALFORMED" ? error : { ...error, details },
    ),
  },
  {
    name: "http-unknown-field-refused",
    breaks: "HTTP-UNKNOWN-FIELDS",
    about: "refuses unknown fields as malformed",
    handler: mapBinaryBodies((body, schema) =>
      decodes(body, schema) && (fromBinary(schema, body).$unknown ?? []).length > 0 ? Buffer.from([0]) : body,
    ),
  },
  {
    name: "http-unknown-field-of-64-bits-refused",
    breaks: "HTTP-UNKNOWN-FIELDS",
    about: "skips unknown varints and strings, but fails on unknown fixed 64-bit fields",
    handler: mapBinaryBodies((body, schema) =>
      decodes(body, schema) && [...fieldsOf(body)].some(({ wireType }) => wireType === 1) ? Buffer.from([0]) : body,
    ),
  },
  {
    name: "http-unknown-field-ends-the-message",
    breaks: "HTTP-UNKNOWN-FIELDS",
    about: "ignores everything after an unknown field",
    handler: mapBinaryBodies((body, schema) => {
      if (!decodes(body, schema)) return body;
      const all = [...fieldsOf(body)];
      const end = all.findIndex(({ no }) => no > 3);
      return end < 0 ? body : Buffer.concat(all.slice(0, end).map(({ bytes }) => bytes));
    }),
  },
  {
    name: "http-surrogates-in-utf-8",
    breaks: "HTTP-MALFORMED",
    about: "accepts surrogates encoded in UTF-8, as some languages write them",
    handler: mapBodies((body, req) => (isJson(req) ? body : withoutSurrogates(body))),
  },
  {
    name: "http-zero-does-not-count",
    breaks: "HTTP-BINARY",
    about: "ignores an explicit 0, so that an earlier value of the same field stays",
    handler: mapBinaryBodies((body, schema) => (schema === SyncRequestSchema ? withoutLastZero(body) : body)),
  },
  {
    name: "http-payload-shorter-than-its-length",
    breaks: "HTTP-MALFORMED",
    about: "accepts a payload that is shorter than its declared length",
    handler: mapBinaryBodies((body, schema) => {
      const at = body.lastIndexOf(0x1a);
      if (schema !== SendRequestSchema || at < 0 || at + 2 > body.length || decodes(body, schema)) return body;
      const repaired = Buffer.from(body);
      repaired[at + 1] = body.length - at - 2;
      return repaired;
    }),
  },
  {
    name: "http-malformed-send-is-422",
    breaks: "ERR-SHAPE",
    about: "responds to a malformed Send with 422, as web frameworks do for validation errors",
    handler: mapResponses((response, req) =>
      rpcOf(req) === "Send" && errorOf(response)?.details?.[0]?.debug.reason === "REASON_MALFORMED"
        ? { ...response, status: 422 }
        : response,
    ),
  },
  {
    name: "http-malformed-info-is-text",
    breaks: "ERR-SHAPE",
    about: "sends the refusal of a malformed GetServerInfo as text/plain",
    handler: mapResponses((response, req) =>
      rpcOf(req) === "GetServerInfo" && response.status === 400
        ? { ...response, headers: { ...response.headers, "content-type": "text/plain" } }
        : response,
    ),
  },
  {
    name: "http-first-text-counts",
    breaks: "HTTP-BINARY",
    about: "takes the first value of a string field that occurs twice",
    handler: mapFields(({ no, wireType, bytes }, before) =>
      wireType === WireType.LengthDelimited && no <= 3 && before.some((it) => it.no === no) ? undefined : bytes,
    ),
  },
  {
    name: "http-number-of-ten-bytes-refused",
    breaks: "HTTP-BINARY",
    about: "refuses numbers encoded in more than five varint bytes, which is valid",
    handler: mapFields(({ no, wireType, bytes }) =>
      wireType === WireType.Varint && no <= 3 && bytes.length > 6 ? Buffer.of(0) : bytes,
    ),
  },
  {
    name: "http-field-number-of-a-byte",
    breaks: "HTTP-UNKNOWN-FIELDS",
    about: "truncates field numbers to a byte, so that 257 becomes 1",
    handler: mapFields(({ no, wireType, bytes }) =>
      no > 0xff && no < 0x800 ? Buffer.concat([Buffer.of(((no & 0xff) << 3) | wireType), bytes.subarray(2)]) : bytes,
    ),
  },
];

/** Encodes a length-delimited field. */
export const field = (no: number, content: Uint8Array) =>
  new BinaryWriter().tag(no, WireType.LengthDelimited).bytes(content).finish();

/** Returns the content of a length-delimited field. */
export function contentOf(bytes: Uint8Array): Uint8Array {
  const reader = new BinaryReader(bytes);
  reader.tag();
  return reader.bytes();
}

/** Replaces each surrogate by U+FFFD. */
function withoutSurrogates(body: Buffer): Buffer {
  const text = body.toString("latin1").replace(/\xed[\xa0-\xbf][\x80-\xbf]/g, "\xef\xbf\xbd");
  return Buffer.from(text, "latin1");
}

/**
 * Removes an explicit 0 at the end of a SyncRequest that consists of several cli_seq fields. Other bodies, such as those
 * that do not decode, are left as they are.
 */
function withoutLastZero(body: Buffer): Buffer {
  const reader = new BinaryReader(body);
  let before = 0;
  try {
    for (let count = 0; reader.pos < reader.len; count += 1) {
      const [field, type] = reader.tag();
      if (field !== 1 || type !== WireType.Varint) return body;
      const at = reader.pos - 1;
      if (reader.uint32() === 0 && reader.pos === reader.len && count > 0) before = at;
    }
  } catch {
    return body;
  }
  return before === 0 ? body : body.subarray(0, before);
}
