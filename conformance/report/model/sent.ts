import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { Exchange } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { SendRequest, SyncRequest } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { sendCall, syncCall } from "../../history/events.js";
import { mediaType } from "../../rpc/connect.js";
import { bodyText, codecOf, decodeBody, headerOf, requestLine, rpcOf } from "./decode.js";
import { describeBody, type NameOf } from "./describe.js";

/** Maximum length of a header in a diagram, in characters. */
const MAX_HEADER = 90;

export interface TextOptions {
  name: NameOf;
  /** The event of the call in the history, for bodies that were not kept in full. */
  event?: Event | undefined;
}

/**
 * Describes a request by what was sent: the call, and everything in which the request differs from an ordinary one.
 */
export function requestText(exchange: Exchange, options: TextOptions): string {
  return [callText(exchange, options), ...oddities(exchange)].join(", ");
}

function callText(exchange: Exchange, { name, event }: TextOptions): string {
  const { requestBody, requestSize, request, written } = exchange;
  const rpc = rpcOf(exchange);
  if (rpc === undefined) return `${request}, ${bodyText(requestBody, requestSize)}`;
  if (rpc.methodKind === "server_streaming") return `Watch${watchBody(exchange)}`;
  const codec = codecOf(headerOf(exchange.requestHeaders, "content-type"));
  const body = `${rpc.name}, body of ${bodyText(requestBody, requestSize)}`;
  if (codec === undefined) {
    // The message may be an ordinary one although its content type is not.
    const likely = requestBody[0] === 0x7b ? "json" : "proto";
    const decoded = requestSize === 0 ? undefined : decodeBody(likely, rpc.input, requestBody, requestSize);
    if (decoded?.isUsual) return messageText(rpc.name, decoded.message, name);
    return requestSize === 0 ? `${rpc.name}, no body` : body;
  }
  const isChunked = written.length > 0 && headerOf(exchange.requestHeaders, "transfer-encoding") !== undefined;
  const content = isChunked ? dechunked(requestBody) : requestBody;
  const decoded = decodeBody(codec, rpc.input, content, isChunked ? content.length : requestSize);
  if (decoded === undefined) {
    if (requestSize > requestBody.length && event !== undefined)
      return `${describeBody(event.body, name)}, body of ${requestSize} B`;
    if (requestSize > requestBody.length || written.length > 0) return body;
    return `${rpc.name}, body that does not decode: ${bodyText(requestBody, requestSize)}`;
  }
  const text = messageText(rpc.name, decoded.message, name);
  return decoded.isUsual ? text : `${text}, encoded as ${bodyText(requestBody, requestSize)}`;
}

function messageText(rpc: string, message: unknown, name: NameOf): string {
  if (rpc === "Send") return describeBody(sendCall({ ...(message as SendRequest), senderId: "" }), name);
  if (rpc === "Sync") return describeBody(syncCall({ ...(message as SyncRequest), userId: "" }), name);
  return rpc;
}

/** The content of the chunks of a body, as far as they are whole. */
function dechunked(body: Uint8Array): Uint8Array {
  const bytes = Buffer.from(body);
  const parts: Uint8Array[] = [];
  for (let at = 0; ; ) {
    const line = bytes.indexOf("\r\n", at);
    const size = line < 0 ? 0 : Number.parseInt(bytes.toString("latin1", at, line), 16);
    if (!(size > 0)) return Buffer.concat(parts);
    parts.push(bytes.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}

/** The body of a Watch, unless it is one envelope with the empty message. */
function watchBody({ requestBody, requestSize, requestHeaders }: Exchange): string {
  const usual =
    codecOf(headerOf(requestHeaders, "content-type")) === "json" ? [0, 0, 0, 0, 2, 0x7b, 0x7d] : [0, 0, 0, 0, 0];
  const isUsual = Buffer.compare(requestBody, Buffer.from(usual)) === 0 && requestSize === usual.length;
  return isUsual ? "" : `, body of ${bodyText(requestBody, requestSize)}`;
}

/** Headers that the suite writes into every request over a connection of its own. */
const ORDINARY_WRITTEN = ["host", "connection", "content-length", "transfer-encoding"];

/** Everything unusual about a request except its message. */
function oddities(exchange: Exchange): string[] {
  const { requestHeaders, chunks, written, client } = exchange;
  const { method, path } = requestLine(exchange);
  const rpc = rpcOf(exchange);
  const odd: string[] = [];
  if (rpc !== undefined) {
    if (method !== "POST") odd.push(`by ${method}`);
    if (/[?#]/.test(path)) odd.push(`path ${path}`);
    const type = headerOf(requestHeaders, "content-type");
    const isStream = rpc.methodKind === "server_streaming";
    const wanted = isStream ? /^application\/connect\+(proto|json)$/ : /^application\/(proto|json)$/;
    if (type === undefined) odd.push("without Content-Type");
    else if (type !== mediaType(type) || !wanted.test(type)) odd.push(`with Content-Type: ${type}`);
    const credential = headerOf(requestHeaders, "authorization");
    if (credential === undefined) {
      if (rpc.name !== "GetServerInfo") odd.push("without Authorization");
    } else if (credential !== "Bearer $SEQSYNC_TOKEN" || rpc.name === "GetServerInfo") {
      odd.push(`with Authorization: ${short(credential.replace("$SEQSYNC_TOKEN", `<${ownerOf(client)}'s token>`))}`);
    }
  }
  for (const header of requestHeaders) {
    const name = header.slice(0, header.indexOf(":")).toLowerCase();
    const isKnown = rpc !== undefined && (name === "content-type" || name === "authorization");
    if (!isKnown && !(written.length > 0 && ORDINARY_WRITTEN.includes(name)))
      odd.push(`with ${short(header.replace("$SEQSYNC_TOKEN", `<${ownerOf(client)}'s token>`))}`);
  }
  if (chunks > 0) odd.push(chunks === 1 ? "in one chunk" : `in ${chunks} chunks`);
  if (written.length > 0) odd.push(...framing(exchange));
  return odd;
}

const ownerOf = (client: string) => client.split("'", 1)[0] ?? client;

/** The framing of a body that was written to a connection of its own. */
function framing({ requestHeaders, requestBody, requestSize }: Exchange): string[] {
  const length = headerOf(requestHeaders, "content-length");
  const coding = headerOf(requestHeaders, "transfer-encoding");
  const odd = ["on a connection of its own"];
  const body = Buffer.from(requestBody).toString("latin1");
  if (coding !== undefined)
    odd.push(`Transfer-Encoding: ${coding}${/(^|\r\n)0\r\n\r\n$/.test(body) ? "" : ", without the last chunk"}`);
  if (length !== undefined && Number(length) !== requestSize)
    odd.push(`Content-Length ${length} but ${requestSize} B sent`);
  return odd;
}

const short = (text: string) =>
  text.length <= MAX_HEADER ? text : `${text.slice(0, MAX_HEADER)}… (${text.length} characters)`;
