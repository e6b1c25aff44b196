import type { Message } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { Exchange } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse, SendResponse, SyncResponse } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { refused, sendReturn, syncReturn, watchFrame } from "../../history/events.js";
import { mediaType, parseError } from "../../rpc/connect.js";
import { FLAG_END } from "../../rpc/envelope.js";
import { decodeFrame, parseEnd } from "../../rpc/watch.js";
import { bodyText, codecOf, decodeBody, headerOf, rpcOf } from "./decode.js";
import { describeBody } from "./describe.js";
import type { TextOptions } from "./sent.js";

export interface ResponseOptions extends TextOptions {
  /** The violated requirement: what it is about is shown. */
  requirement: string;
}

/** Describes the response of a unary call, by what was received. */
export function responseText(exchange: Exchange, options: ResponseOptions): string {
  const { status, responseHeaders, responseBody, responseSize, noResponse } = exchange;
  if (status === 0) return `no response: ${noResponse}`;
  const type = headerOf(responseHeaders, "content-type");
  const rpc = rpcOf(exchange);
  const codec = codecOf(type);
  const asked = codecOf(headerOf(exchange.requestHeaders, "content-type"));
  const error = parseError(status, Buffer.from(responseBody).toString("utf8"));
  const head = headText(exchange, options.requirement);
  const isAboutType = options.requirement === "HTTP-ANSWER-TYPE";
  // That the client closed the connection says nothing about the server.
  const broken = noResponse === "" || /^the client closed/.test(noResponse) ? "" : `; then: ${noResponse}`;
  if (status !== 200 && error !== undefined) {
    const isUsual = mediaType(type) === "application/json";
    return `${describeBody(refused(error))}${isUsual ? "" : `, Content-Type ${type ?? "absent"}`}${head.slice(`HTTP ${status}`.length)}${broken}`;
  }
  const body = bodyText(responseBody, responseSize);
  const isWrongType = codec === undefined || codec !== (asked ?? codec);
  const typeNote = isWrongType && (!isAboutType || type === undefined) ? `, Content-Type ${type ?? "absent"}` : "";
  const plain = `${head}${typeNote}: ${body}${broken}`;
  if (rpc === undefined || codec === undefined || status > 299) return plain;
  const decoded = decodeBody(codec, rpc.output, responseBody, responseSize);
  if (decoded === undefined) {
    // The history does not have the responses of raw requests.
    if (responseSize > responseBody.length && options.event !== undefined && options.event.body.case !== "noResponse")
      return `${head}${typeNote}: ${describeBody(options.event.body, options.name)}`;
    return responseSize > responseBody.length
      ? plain
      : `${head}${typeNote}: body that does not decode: ${body}${broken}`;
  }
  const text = messageText(rpc.name, decoded.message, options);
  const unknown = unknownFields(decoded.message);
  const isShown =
    (!decoded.isUsual && unknown === "") || (options.requirement.startsWith("HTTP-JSON") && codec === "json");
  return `${head}${typeNote}: ${text}${unknown}${isShown ? `, encoded as ${body}` : ""}${broken}`;
}

/** The fields of a message that the protocol does not have. */
function unknownFields({ $unknown = [] }: Message): string {
  return $unknown
    .map(({ no, wireType, data }) => {
      const value = wireType === WireType.Varint ? new BinaryReader(data).uint64() : bodyText(data, data.length);
      return `, unknown field ${no}: ${value}`;
    })
    .join("");
}

/** Headers that are shown if the requirement is about them. */
const ABOUT: Readonly<Record<string, string>> = {
  "HTTP-NO-STORE": "cache-control",
  "HTTP-ANSWER-TYPE": "content-type",
  "HTTP-METHOD": "allow",
};

/** The status, with the headers that an ordinary response does not have, and those that the requirement is about. */
function headText({ status, responseHeaders }: Exchange, requirement: string): string {
  const shown = responseHeaders.filter((header) => {
    const name = header.slice(0, header.indexOf(":")).toLowerCase();
    return name === "content-encoding" || name === ABOUT[requirement];
  });
  const about = ABOUT[requirement];
  if (about !== undefined && headerOf(responseHeaders, about) === undefined) shown.push(`no ${about}`);
  return [`HTTP ${status}`, ...shown].join(", ");
}

function messageText(rpc: string, message: unknown, { name }: TextOptions): string {
  if (rpc === "Send") return describeBody(sendReturn((message as SendResponse).acceptedAt), name);
  if (rpc === "Sync") return describeBody(syncReturn(message as SyncResponse), name);
  return infoText(message as GetServerInfoResponse);
}

function infoText(info: GetServerInfoResponse): string {
  const { specVersion, profiles, maxPageSize, maxPayloadBytes, dedupWindow } = info;
  const window = dedupWindow === undefined ? "no dedup_window" : `dedup_window ${dedupWindow.seconds} s`;
  const names = profiles.map((profile) => Profile[profile] ?? String(profile)).join(" ");
  return `spec_version ${specVersion}, profiles ${names || "none"}, max_page_size ${maxPageSize}, max_payload_bytes ${maxPayloadBytes}, ${window}`;
}

/** A part of a stream, and when it arrived. */
export interface StreamPart {
  at: bigint;
  text: string;
}

/** Describes a stream part by part, by what was received: frames, and how it ended. */
export function streamParts(exchange: Exchange): StreamPart[] {
  const { responseBody, responseSize, responseHeaders, parts, noResponse, endedAtMicros } = exchange;
  const codec = codecOf(headerOf(responseHeaders, "content-type"));
  const found: StreamPart[] = [];
  let at = 0;
  while (at < responseBody.length) {
    const rest = responseBody.subarray(at);
    const length = rest.length < 5 ? Number.POSITIVE_INFINITY : Buffer.from(rest).readUInt32BE(1);
    const isWhole = rest.length >= 5 + length;
    const body = rest.subarray(5, isWhole ? 5 + length : undefined);
    at += isWhole ? 5 + length : rest.length;
    const text = isWhole
      ? envelopeText(codec ?? "proto", rest[0] as number, body)
      : responseSize > responseBody.length
        ? `${responseSize} B in total`
        : `an envelope that is not complete: ${bodyText(rest, rest.length)}`;
    found.push({ at: arrivalOf(parts, at, endedAtMicros), text });
  }
  // The client closes most Watches itself, which says nothing about the server.
  if (noResponse !== "" && !/^the client closed/.test(noResponse))
    found.push({ at: endedAtMicros, text: `the stream broke: ${noResponse}` });
  return found;
}

function envelopeText(codec: "proto" | "json", flags: number, body: Uint8Array): string {
  if (flags === FLAG_END) {
    const end = parseEnd({ body });
    if (end.kind === "end") return "end-of-stream message without an error";
    const refusal = end.kind === "refusal" || end.kind === "retryable" ? end.refusal : undefined;
    if (refusal !== undefined) return `end-of-stream message: ${describeBody(refused(refusal))}`;
    return `end-of-stream message that is wrong: ${bodyText(body, body.length)}`;
  }
  const frame = decodeFrame(codec, { flags, body });
  if (!("kind" in frame)) return describeBody(watchFrame(frame));
  return `envelope with flags ${flags} that is no frame: ${bodyText(body, body.length)}`;
}

function arrivalOf(parts: Exchange["parts"], end: number, otherwise: bigint): bigint {
  let size = 0;
  for (const part of parts) {
    size += part.size;
    if (size >= end) return part.atMicros;
  }
  return parts.at(-1)?.atMicros ?? otherwise;
}

/** The event of the outcome of a call: not its call, and no frame. */
export const isOutcome = ({ body }: Event) =>
  body.case === "sendReturn" || body.case === "syncReturn" || body.case === "refused" || body.case === "noResponse";
