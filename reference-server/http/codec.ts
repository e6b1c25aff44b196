import {
  type DescMessage,
  fromBinary,
  fromJson,
  type MessageShape,
  toBinary,
  toJson,
  toJsonString,
} from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { ErrorDetailSchema, Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { type Refusal, refuse } from "../errors.js";

/** One of the two encodings of messages. */
export interface Codec {
  readonly name: "proto" | "json";
  decode<T extends DescMessage>(schema: T, body: Uint8Array): MessageShape<T>;
  encode<T extends DescMessage>(schema: T, message: MessageShape<T>): Uint8Array;
}

const proto: Codec = {
  name: "proto",
  decode: (schema, body) => fromBinary(schema, body),
  encode: (schema, message) => toBinary(schema, message),
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

const json: Codec = {
  name: "json",
  // Unknown members are ignored, as unknown fields are in the binary codec (HTTP-JSON-UNKNOWN).
  decode: (schema, body) => fromJson(schema, JSON.parse(utf8.decode(body)), { ignoreUnknownFields: true }),
  encode: (schema, message) => Buffer.from(toJsonString(schema, message)),
};

const CODECS = { proto, json };

/** The content type of a request: the codec, and whether the call is unary or a stream. */
export interface BodyType {
  codec: Codec;
  kind: "unary" | "stream";
  contentType: string;
}

const BODY_TYPES: ReadonlyMap<string, BodyType> = new Map(
  (["proto", "json"] as const).flatMap((name): [string, BodyType][] => [
    [`application/${name}`, { codec: CODECS[name], kind: "unary", contentType: `application/${name}` }],
    [
      `application/connect+${name}`,
      { codec: CODECS[name], kind: "stream", contentType: `application/connect+${name}` },
    ],
  ]),
);

/** Parses a content type. Case and parameters are ignored. Returns undefined if the server does not support it. */
export function bodyType(contentType = ""): BodyType | undefined {
  return BODY_TYPES.get(contentType) ?? BODY_TYPES.get(contentType.split(";", 1)[0]?.trim().toLowerCase() ?? "");
}

/**
 * Decodes a body.
 *
 * @throws Refusal MALFORMED if the body is not a valid encoding of the message.
 */
export function decode<T extends DescMessage>(codec: Codec, schema: T, body: Uint8Array): MessageShape<T> {
  try {
    return codec.decode(schema, body);
  } catch {
    // The error of the decoder may quote the body, which must not get into logs.
    throw refuse(Reason.MALFORMED, `the body is not a ${schema.name} in ${codec.name} encoding`);
  }
}

/** A Connect error as JSON: the body of a refused unary call, and a part of the end-of-stream message. */
export function errorJson({ code, message, detail }: Refusal): object {
  if (detail === undefined) return { code, message };
  const value = base64Encode(toBinary(ErrorDetailSchema, detail), "std_raw");
  return {
    code,
    message,
    details: [{ type: ErrorDetailSchema.typeName, value, debug: toJson(ErrorDetailSchema, detail) }],
  };
}

const FLAG_END = 0x02;
const ENVELOPE_HEADER = 5;

/** Wraps a message of a stream in an envelope: one byte of flags, four bytes of length, big-endian. */
export function envelope(body: Uint8Array, flags = 0): Buffer {
  const framed = Buffer.allocUnsafe(ENVELOPE_HEADER + body.length);
  framed[0] = flags;
  framed.writeUInt32BE(body.length, 1);
  framed.set(body, ENVELOPE_HEADER);
  return framed;
}

/** The end-of-stream message, with an error if given. */
export function endEnvelope(error?: Refusal): Buffer {
  return envelope(Buffer.from(JSON.stringify(error === undefined ? {} : { error: errorJson(error) })), FLAG_END);
}

/**
 * Returns the one message of a request stream.
 *
 * @throws Refusal MALFORMED if the body is not exactly one uncompressed envelope.
 */
export function openEnvelope(body: Buffer): Uint8Array {
  if (body.length < ENVELOPE_HEADER || body[0] !== 0 || body.readUInt32BE(1) !== body.length - ENVELOPE_HEADER) {
    throw refuse(Reason.MALFORMED, "the body is not exactly one uncompressed envelope");
  }
  return body.subarray(ENVELOPE_HEADER);
}
