import type { IncomingMessage } from "node:http";
import { type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  GetServerInfoRequestSchema,
  SendRequestSchema,
  SyncRequestSchema,
} from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Fault } from "./fault.js";
import { answers, bodies, errorOf, errors, instead, isJson, rpcOf } from "./seams.js";

const SCHEMAS: Readonly<Record<string, DescMessage>> = {
  GetServerInfo: GetServerInfoRequestSchema,
  Send: SendRequestSchema,
  Sync: SyncRequestSchema,
};

/** Changes binary bodies of the protocol's own unary calls. */
const binary = (change: (body: Buffer, schema: DescMessage, req: IncomingMessage) => Buffer) =>
  bodies((body, req) => {
    const schema = SCHEMAS[rpcOf(req)];
    return isJson(req) || schema === undefined ? body : change(body, schema, req);
  });

const decodes = (body: Uint8Array, schema: DescMessage) => {
  try {
    fromBinary(schema, body);
    return true;
  } catch {
    return false;
  }
};

/** The longest beginning of a body that decodes. */
function beginning(body: Buffer, schema: DescMessage): Buffer {
  for (let end = body.length; end > 0; end -= 1) {
    const part = body.subarray(0, end);
    if (decodes(part, schema)) return part;
  }
  return Buffer.alloc(0);
}

/** The fields of a body, as their places in it. Throws if it does not decode. */
function* fieldsOf(body: Uint8Array) {
  const reader = new BinaryReader(body);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [no, wireType] = reader.tag();
    reader.skip(wireType, no);
    yield { no, wireType: wireType as number, bytes: body.subarray(start, reader.pos) };
  }
}

/** Reads the bodies of an RPC without a bound; what is too long for the server behind that is left out, as it means nothing. */
const unbounded = (rpc: string) =>
  bodies((body, req) => {
    delete req.headers["content-length"];
    if (rpcOf(req) !== rpc || body.length < 1 << 20) return body;
    if (rpc === "Watch") return isJson(req) ? Buffer.from([0, 0, 0, 0, 2, 0x7b, 0x7d]) : Buffer.alloc(5);
    return isJson(req)
      ? Buffer.from(JSON.stringify(JSON.parse(body.toString())))
      : beginning(body.subarray(0, 256), SCHEMAS[rpc] as DescMessage);
  });

/** Faults of the chapter "HTTP binding": the bodies of binary calls, and of streams. */
export const httpBodies: readonly Fault[] = [
  {
    name: "http-body-of-max-payload",
    breaks: "HTTP-BODY-ROOM",
    about: "a body may be as long as the longest payload, which is too little for it in JSON",
    options: { maxPayloadBytes: 128 << 10 },
    handler: instead((req) => (Number(req.headers["content-length"]) > 132 << 10 ? { status: 413 } : undefined)),
  },
  {
    name: "http-body-of-16-kib",
    breaks: "HTTP-BODY-ROOM",
    about: "for calls other than Send a body may have 16 KiB",
    handler: instead((req) =>
      rpcOf(req) !== "Send" && Number(req.headers["content-length"]) > 16 << 10 ? { status: 413 } : undefined,
    ),
  },
  {
    name: "http-body-refused-too-late",
    breaks: "HTTP-BODY-LIMIT",
    about: "a body that is too long is answered with 413, after the call has been carried out",
    handler: (real) => {
      const tooLong = new WeakSet<object>();
      const measured = binary((body, schema, req) => {
        if (body.length < 1 << 20 || !decodes(body, schema)) return body;
        tooLong.add(req.socket);
        return Buffer.from(toBinary(schema, fromBinary(schema, body), { writeUnknownFields: false }));
      });
      return measured(
        answers((answer, { socket }) => (tooLong.delete(socket) ? { ...answer, status: 413 } : answer))(real),
      );
    },
  },
  {
    name: "http-body-limit-is-internal",
    breaks: "HTTP-BODY-LIMIT",
    about: "a body that is too long is answered with an internal error",
    handler: answers((answer, req) =>
      errorOf(answer)?.message.startsWith("the body is longer") && rpcOf(req) in SCHEMAS
        ? { ...answer, status: 500, body: Buffer.from('{"code":"internal"}') }
        : answer,
    ),
  },
  {
    name: "http-body-limit-is-again",
    breaks: "HTTP-BODY-LIMIT",
    about:
      "a body that is too long is answered with resource_exhausted, as Connect libraries do: the client sends it again",
    handler: answers((answer, req) =>
      errorOf(answer)?.message.startsWith("the body is longer") && rpcOf(req) in SCHEMAS
        ? { ...answer, status: 429, body: Buffer.from('{"code":"resource_exhausted"}') }
        : answer,
    ),
  },
  {
    name: "http-body-without-bound",
    breaks: "HTTP-BODY-LIMIT",
    about: "a Sync is read to its end, however long it is",
    handler: unbounded("Sync"),
  },
  {
    name: "http-body-of-info-without-bound",
    breaks: "HTTP-BODY-LIMIT",
    about: "GetServerInfo, which anybody can call, is read to its end, however long it is",
    handler: unbounded("GetServerInfo"),
  },
  {
    name: "http-body-of-watch-without-bound",
    breaks: "HTTP-BODY-LIMIT",
    about: "a Watch gets room for whatever length its envelope names",
    handler: unbounded("Watch"),
  },
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
    handler: answers((answer, req) =>
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
    handler: errors(({ details, ...error }) =>
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
      const fields = [...fieldsOf(body)];
      const end = fields.findIndex(({ no }) => no > 3);
      return end < 0 ? body : Buffer.concat(fields.slice(0, end).map(({ bytes }) => bytes));
    }),
  },
  {
    name: "http-stream-type-of-unary",
    breaks: "HTTP-STREAM",
    about: "a Watch is answered with the media type of unary calls",
    handler: (real) => (req, res) => {
      const { writeHead } = res;
      res.writeHead = ((status: number, headers: Record<string, string>) =>
        writeHead.call(res, status, {
          ...headers,
          "Content-Type": headers["Content-Type"]?.replace("connect+", ""),
        })) as typeof writeHead;
      return real(req, res);
    },
  },
  {
    name: "http-stream-end-is-empty",
    breaks: "HTTP-STREAM",
    about: "the end-of-stream message of a Watch that was refused is empty",
    handler: (real) => (req, res) => {
      const { end } = res;
      if (rpcOf(req) === "Watch")
        res.end = ((body: Buffer) =>
          end.call(res, body?.[0] === 2 ? Buffer.from([2, 0, 0, 0, 0]) : body, "utf8")) as typeof end;
      return real(req, res);
    },
  },
  {
    name: "http-stream-end-without-error",
    breaks: "HTTP-STREAM",
    about: "a Watch that is refused ends like one that went well",
    handler: (real) => (req, res) => {
      const { end } = res;
      if (rpcOf(req) === "Watch")
        res.end = ((body: Buffer) =>
          end.call(
            res,
            body?.[0] === 2 ? Buffer.from("\u0002\u0000\u0000\u0000\u0002{}") : body,
            "utf8",
          )) as typeof end;
      return real(req, res);
    },
  },
  {
    name: "http-surrogates-in-utf-8",
    breaks: "HTTP-MALFORMED",
    about: "halves of surrogate pairs, written in UTF-8 as some languages do, are taken",
    handler: bodies((body, req) => (isJson(req) ? body : withoutSurrogates(body))),
  },
  {
    name: "http-zero-does-not-count",
    breaks: "HTTP-BINARY",
    about:
      "a hand-written reader sets a field only if its value is true: an explicit 0 does not replace what stood before",
    handler: binary((body, schema) => (schema === SyncRequestSchema ? withoutLastZero(body) : body)),
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
