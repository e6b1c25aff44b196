import type { IncomingMessage, ServerResponse } from "node:http";
import { type DescMethod, fromBinary, fromJsonString } from "@bufbuild/protobuf";
import { type ConnectError, createContextKey, createContextValues } from "@connectrpc/connect";
import { createAsyncIterable, type UniversalHandler } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { refusal } from "./refusal.js";

/** The bearer token of a call, for its handler. */
export const tokenKey = createContextKey("");
/** The refusal of a call that is refused before its handler runs; an interceptor throws it. */
export const refusalKey = createContextKey<ConnectError | undefined>(undefined);

interface MediaType {
  stream: boolean;
  codec: "proto" | "json";
}

export interface Route {
  /** Undefined if there is no RPC at this path. */
  handler: UniversalHandler | undefined;
  /** Whether a call with this token may use the handler. */
  isAllowed: (token: string) => boolean;
  /** Whether the JSON codec is served. */
  json: boolean;
  /** Maximum length of a body, in bytes. */
  bodyLimit: number;
}

/**
 * Runs between `node:http` and the library, for requirements that the library alone does not satisfy: the credential is
 * checked before the body; a body that does not decode is refused with `invalid_argument`, one that is too long with
 * 413, and JSON that is not UTF-8 with `invalid_argument`.
 */
export async function serve(
  req: IncomingMessage,
  res: ServerResponse,
  { handler, isAllowed, json, bodyLimit }: Route,
): Promise<void> {
  if (handler === undefined) return plain(res, 404);
  if (req.method !== "POST") return plain(res.setHeader("Allow", "POST"), 405);
  const type = mediaType(req.headers["content-type"]);
  const stream = handler.method.methodKind === "server_streaming";
  if (type?.stream !== stream || (type.codec === "json" && !json)) return plain(res, 415);
  const body = await readBody(req, bodyLimit);
  if (body === undefined) return plain(res.setHeader("Connection", "close"), 413);

  const token = bearerToken(req.headers.authorization);
  const refused = !isAllowed(token)
    ? refusal(Reason.CREDENTIAL_INVALID)
    : decodes(body, handler.method, type, req)
      ? undefined
      : refusal(Reason.MALFORMED);
  const values = createContextValues().set(tokenKey, token).set(refusalKey, refused);
  const call = universalRequestFromNodeRequest(req, res, undefined, values);
  call.header.delete("Content-Length");
  res.setHeader("Cache-Control", "no-store");
  // An empty body replaces that of a refused call, so that the library decodes it and runs the interceptor.
  const response = await handler({
    ...call,
    body: createAsyncIterable([refused === undefined ? body : emptyBody(type)]),
  });
  await universalResponseToNodeResponse(response, res);
}

/** Sends a plain HTTP response with an empty body. */
function plain(res: ServerResponse, status: number): void {
  res.writeHead(status, { "Content-Length": 0 }).end();
}

/** Parses a content type; undefined if it is not one of the four of the specification. */
function mediaType(header = ""): MediaType | undefined {
  const [, connect, codec] = /^application\/(connect\+)?(proto|json(?=$|; ?charset=utf-8$))/i.exec(header) ?? [];
  if (codec === undefined) return undefined;
  return { stream: connect !== undefined, codec: codec.toLowerCase().startsWith("json") ? "json" : "proto" };
}

/** Reads the whole body; undefined if it is too long. Rejects if it is cut off: the call then has no effect. */
async function readBody(req: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  if (Number(req.headers["content-length"] ?? 0) > limit) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length;
    if (size > limit) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

/** The bearer token, or the empty string if there is none; no token is empty. */
function bearerToken(header = ""): string {
  return /^bearer +([\x21-\x7e]{1,4096})$/i.exec(header)?.[1] ?? "";
}

/** Whether the library can decode a body. For a malformed binary body the library itself would return `internal`. */
function decodes(body: Buffer, method: DescMethod, { stream, codec }: MediaType, req: IncomingMessage): boolean {
  // The library refuses compressed bodies, because compression is switched off.
  const encoding = req.headers[stream ? "connect-content-encoding" : "content-encoding"];
  if (encoding !== undefined && encoding !== "identity") return true;
  // The library also refuses malformed envelopes.
  if (stream && (body.length < 5 || body[0] !== 0 || body.readUInt32BE(1) !== body.length - 5)) return true;
  const message = stream ? body.subarray(5) : body;
  try {
    if (codec === "proto") fromBinary(method.input, message);
    else fromJsonString(method.input, UTF8.decode(message), { ignoreUnknownFields: true });
    return true;
  } catch {
    return false;
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

function emptyBody({ stream, codec }: MediaType): Buffer {
  const message = Buffer.from(codec === "json" ? "{}" : "");
  return stream ? Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]) : message;
}
