import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { NoResponseFailure, RetriesExhausted } from "../findings.js";
import { noResponse, sendCall, syncCall } from "../history/events.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { SendArguments, SyncArguments } from "../rpc/client.js";
import {
  type Codec,
  describeRefusal,
  encode,
  interpret,
  isRetryableStatus,
  mediaType,
  parseError,
  resultOfError,
} from "../rpc/connect.js";
import { ENVELOPE_HEADER_BYTES, FLAG_END } from "../rpc/envelope.js";
import { varyRawRequest } from "../rpc/forms/vary-request.js";
import type { CallResult, Refusal } from "../rpc/result.js";
import { authorization, withRetryHints } from "../rpc/session.js";
import { parseEnd, type StreamEnd } from "../rpc/watch.js";
import type { Transport } from "../transport/http.js";
import { type Caller, type HttpRequest, type HttpResponse, mayBeTruncated } from "../transport/messages.js";
import { rawStatus } from "../transport/raw.js";
import type { TestAccount } from "./account.js";
import type { Context } from "./context.js";

export type Rpc = "GetServerInfo" | "Send" | "Sync" | "Watch";

export const METHOD = {
  GetServerInfo: SeqSyncService.method.getServerInfo,
  Send: SeqSyncService.method.send,
  Sync: SeqSyncService.method.sync,
  Watch: SeqSyncService.method.watch,
} as const;

/** The effect of a call if the server executes it. */
export type IntendedEffect = { send: SendArguments } | { sync: SyncArguments };

/** A call that the typed client cannot make. */
export interface RawCall {
  rpc: Rpc;
  /** The account whose credential is sent. Default: no credential. */
  by?: TestAccount | undefined;
  /** Default: the path of the RPC. */
  path?: string;
  method?: NonNullable<HttpRequest["method"]>;
  /** Default: the content type of the case's codec. Null omits the header. */
  contentType?: string | null;
  /** Further headers, which override content type and credential. */
  headers?: Readonly<Record<string, string>>;
  /** Default: none. */
  body?: HttpRequest["body"];
  /** The effect of the call on an inbox, which is recorded as indeterminate. Default: none. */
  intendedEffect?: IntendedEffect;
  /** Connections to use. Default: those of the session. */
  transport?: Transport;
}

/** A response of any status, with the Connect error that it contains, if any. */
export type RawResponse = HttpResponse & { text: string; refusal: Refusal | undefined };

/** The result of an attempt whose response the case interprets. */
export type RawResult = Exclude<CallResult<RawResponse>, { kind: "refusal" | "malformed" }>;

/**
 * Makes a call, with retries. If no attempt gets a response, throws: NoResponseFailure of `requirement`, or
 * RetriesExhausted.
 */
export async function rawCall(t: Context, requirement: RequirementId, call: RawCall): Promise<RawResponse> {
  return responseOf(await t.session.retry(() => rawAttempt(t, call)), requirement, call);
}

/** Makes a call. Retries only retryable errors. */
export function rawRetryingErrors(t: Context, call: RawCall): Promise<Exclude<RawResult, { kind: "retryable" }>> {
  return t.session.retryRetryable(() => rawAttempt(t, call));
}

/**
 * Makes a call. Retries retryable errors, and broken connections, but not a call that got no response in time: the
 * server may have opened a stream.
 */
export async function rawRetryingUnlessLate(
  t: Context,
  call: RawCall,
): Promise<Exclude<RawResult, { kind: "retryable" }>> {
  const result = await t.session.retry(async () => {
    const attempt = await rawAttempt(t, call);
    return attempt.kind === "no-response" && attempt.timedOut ? { kind: "late" as const, attempt } : attempt;
  });
  if (result.kind === "retryable") throw new RetriesExhausted(result.why, result.refusal?.code);
  return result.kind === "late" ? result.attempt : result;
}

/** Makes one attempt of a call. */
export async function rawAttempt(t: Context, call: RawCall): Promise<RawResult> {
  const { rpc, by, path = pathOf(rpc), method, body, transport = t.session.transport } = call;
  const contentType = call.contentType === undefined ? contentTypeOf(rpc, t.session.codec) : call.contentType;
  const endpoint = t.session.nextEndpoint();
  const caller = recordIndeterminate(t, call, endpoint);
  const message: HttpRequest = {
    endpoint,
    path,
    ...(method === undefined ? {} : { method }),
    ...varyRawRequest(
      {
        ...(contentType === null ? {} : { "content-type": contentType }),
        ...authorization(by?.token),
        ...call.headers,
      },
      // A case with connections of its own, or another method, is about them.
      method === undefined && call.transport === undefined ? t.session.forms?.next() : undefined,
      t.session.transport.headers,
    ),
    ...(body === undefined ? {} : { body }),
    signal: t.signal,
    ...(caller === undefined ? {} : { caller }),
  };
  const result = await t.session.exchange(message, transport);
  if (result.kind !== "response") return result;
  const classified = classify(result.value);
  return classified.kind === "retryable" ? withRetryHints(classified, result.value.headers) : classified;
}

/**
 * Records a call as one without a response: the judge then allows for its effect, and does not report its message as
 * unknown. The case itself checks whether the server was allowed to execute the call. Returns the caller for the
 * record of the exchange.
 */
export function recordIndeterminate(t: Context, { intendedEffect, by }: RawCall, endpoint: number): Caller | undefined {
  if (intendedEffect === undefined || by === undefined) return undefined;
  const { userId, name } = by;
  const event =
    "sync" in intendedEffect
      ? syncCall({ ...intendedEffect.sync, userId })
      : sendCall({ ...intendedEffect.send, senderId: userId });
  const op = t.recorder.call(name, endpoint, event);
  t.recorder.complete(op, noResponse("raw request; the case checks the response itself"));
  return { client: name, op };
}

function classify(response: HttpResponse): RawResult {
  const { status } = response;
  const end = endOfStream(response);
  if (end?.kind === "retryable") return end;
  const text = Buffer.from(response.body).toString("utf8");
  const refusal = status === 200 ? undefined : parseError(status, text);
  if (refusal === undefined && isRetryableStatus(status)) return { kind: "retryable", why: `HTTP ${status}` };
  const error = refusal === undefined ? undefined : resultOfError(refusal);
  if (error?.kind === "retryable") return error;
  const value = { ...response, text, refusal };
  return isCutJson(value) ? { kind: "response", value, mayBeTruncated: true } : { kind: "response", value };
}

/** Whether a JSON body does not decode, and may be a part of one. */
function isCutJson({ headers, text }: RawResponse): boolean {
  if (!mayBeTruncated(headers) || mediaType(headers["content-type"]) !== "application/json") return false;
  try {
    JSON.parse(text);
    return false;
  } catch {
    return true;
  }
}

/**
 * The end of a stream that consists of an end-of-stream message only. To a content type of streams a server may respond
 * with a stream before it knows the RPC, and reports a retryable error there.
 */
function endOfStream({ status, headers, body }: HttpResponse): StreamEnd | undefined {
  const isStream = status === 200 && mediaType(headers["content-type"]).startsWith("application/connect+");
  return isStream && body[0] === FLAG_END ? parseEnd({ body: body.subarray(ENVELOPE_HEADER_BYTES) }) : undefined;
}

function responseOf<T>(
  result: Exclude<CallResult<T>, { kind: "refusal" | "malformed" }>,
  requirement: RequirementId,
  { rpc }: RawCall,
): T {
  switch (result.kind) {
    case "response":
      return result.value;
    case "retryable":
      throw new RetriesExhausted(result.why, result.refusal?.code);
    case "no-response":
      throw new NoResponseFailure(requirement, rpc, result.why);
  }
}

/** Expects a success, and returns its message. */
export function expectResponse<T extends DescMessage>(
  t: Context,
  requirement: RequirementId,
  schema: T,
  response: HttpResponse,
  what: string,
): MessageShape<T> {
  const result = interpret(t.session.codec, schema, response);
  if (result.kind === "response") return result.value;
  if (result.kind === "refusal") t.throwIfServerLimit(result.refusal);
  const actual = result.kind === "refusal" ? describeRefusal(result.refusal) : (malformedText(result) ?? result.why);
  return t.fail(
    requirement,
    `${what} did not succeed`,
    "HTTP 200 with the response message",
    actual,
    response.exchange,
  );
}

const malformedText = (result: CallResult<unknown>) => (result.kind === "malformed" ? result.actual : undefined);

/** Expects HTTP 200. The case is inconclusive if a limit of the server refused the call. */
export function expectOk(t: Context, requirement: RequirementId, response: RawResponse, what: string): void {
  if (response.status === 200) return;
  if (response.refusal !== undefined) t.throwIfServerLimit(response.refusal);
  t.fail(requirement, `${what} did not succeed`, "HTTP 200", describeResponse(response), response.exchange);
}

/** Expects a refusal with this reason, as `Context.refused` does for typed calls. */
export function expectRawRefusal(
  t: Context,
  response: RawResponse,
  reason: Reason,
  requirement: RequirementId,
  what: string,
): Refusal {
  const { refusal } = response;
  if (response.status === 200) {
    const error = parseError(200, response.text);
    if (error === undefined) return t.refused({ kind: "response", value: response }, reason, requirement, what);
    t.fail(
      "ERR-SHAPE",
      `${what} was refused with status 200`,
      "the HTTP status of the Connect code",
      `HTTP 200 with ${error.code}`,
    );
  }
  if (refusal !== undefined) return t.refused({ kind: "refusal", refusal }, reason, requirement, what);
  const expected = `a Connect error with ${Reason[reason]}`;
  return t.fail(
    "ERR-SHAPE",
    `${what} was refused without a Connect error`,
    expected,
    describeResponse(response),
    response.exchange,
  );
}

/** Describes a response in a few words. */
export function describeResponse({ status, refusal }: Pick<RawResponse, "status" | "refusal">): string {
  if (refusal !== undefined) return describeRefusal(refusal);
  return status === 200 ? "HTTP 200: it was not refused" : `HTTP ${status} without a Connect error`;
}

/** Expects a response to have Cache-Control: no-store. */
export function expectNoStore(t: Context, { headers }: HttpResponse, what: string): void {
  const value = headers["cache-control"];
  const directives = value?.split(",").map((directive) => directive.trim().toLowerCase()) ?? [];
  if (!directives.includes("no-store"))
    t.fail(
      "HTTP-NO-STORE",
      `${what} has no Cache-Control: no-store`,
      "Cache-Control: no-store",
      value ?? "no Cache-Control",
    );
}

/** Expects a response to have no content coding, or one that its request offered. */
export function expectOfferedEncoding(
  t: Context,
  { headers }: HttpResponse,
  offered: readonly string[],
  what: string,
): void {
  const used = headers["content-encoding"]?.toLowerCase() ?? "identity";
  if (used !== "identity" && !offered.includes(used))
    t.fail(
      "HTTP-COMPRESSION",
      `${what} has a Content-Encoding that the request did not offer`,
      ["identity", ...offered].join(" or "),
      used,
    );
}

export const pathOf = (rpc: Rpc) => `/${SeqSyncService.typeName}/${rpc}`;

export const contentTypeOf = (rpc: Rpc, codec: Codec) =>
  rpc === "Watch" ? `application/connect+${codec}` : `application/${codec}`;

/** Builds a Send in the case's codec, with its intended effect. */
export function sendOf(t: Context, by: TestAccount, to: { userId: string }, options: Partial<SendArguments> = {}) {
  // A short payload: a case may compute with the length of the body.
  const payload = Buffer.from("raw").subarray(0, t.info.maxPayloadBytes);
  const send = { recipientId: to.userId, clientMessageId: t.newId(), payload, ...options };
  const body = encode(t.session.codec, METHOD.Send.input, send);
  return { rpc: "Send", by, body, intendedEffect: { send }, send } as const;
}

/** Builds a Sync in the case's codec, with its intended effect. */
export function syncOf(t: Context, by: TestAccount, options: Partial<SyncArguments> = {}) {
  const sync = { cliSeq: 0, epoch: "", pageSize: 0, ...options };
  const body = encode(t.session.codec, METHOD.Sync.input, sync);
  return { rpc: "Sync", by, body, intendedEffect: { sync }, sync } as const;
}

/** The head of an HTTP/1.1 request without the headers about its body, and the endpoint to send it to. */
export function rawHead(t: Context, { rpc, by, contentType, headers = {} }: RawCall) {
  const endpoint = t.session.nextEndpoint();
  const base = t.session.transport.base(endpoint);
  const type = contentType === undefined ? contentTypeOf(rpc, t.session.codec) : contentType;
  const all = {
    host: base.host,
    connection: "close",
    ...t.session.transport.headers,
    ...(type === null ? {} : { "content-type": type }),
    ...authorization(by?.token),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const path = base.pathname.replace(/\/$/, "") + pathOf(rpc);
  return { endpoint, head: [`POST ${path} HTTP/1.1`, ...lines].join("\r\n") };
}

/** How a body travels: the header line that tells its end, and its bytes. */
export type Framing = (body: Uint8Array) => { line: string; body: Uint8Array };

const withContentLength: Framing = (body) => ({ line: `content-length: ${body.length}`, body });

/**
 * Makes a call over a new HTTP/1.1 connection, with further header lines and with retries. Returns the status. If
 * no attempt gets a response, throws NoResponseFailure of `requirement`, or RetriesExhausted.
 */
export async function callOnOwnConnection(
  t: Context,
  requirement: RequirementId,
  call: RawCall & { body: Uint8Array },
  headerLines: readonly string[] = [],
  frame: Framing = withContentLength,
): Promise<number> {
  const result = await t.session.retry(
    async (): Promise<Exclude<CallResult<number>, { kind: "refusal" | "malformed" }>> => {
      const { head, endpoint } = rawHead(t, call);
      const caller = recordIndeterminate(t, call, endpoint);
      const { line, body } = frame(call.body);
      const bytes = Buffer.concat([Buffer.from([head, ...headerLines, line, "", ""].join("\r\n")), body]);
      const status = rawStatus(
        await t.session.transport.raw(endpoint, bytes, { timeoutMs: t.deadline(5000), ...(caller && { caller }) }),
      );
      if (status === 0) return { kind: "no-response", why: "no HTTP response was received" };
      return isRetryableStatus(status)
        ? { kind: "retryable", why: `HTTP ${status}` }
        : { kind: "response", value: status };
    },
  );
  return responseOf(result, requirement, call);
}

/** Extends a body to `size` bytes without changing its meaning: with an unknown field, or with white space. */
export function padded(t: Context, body: Uint8Array, size: number): Uint8Array {
  const missing = size - body.length;
  if (t.session.codec === "json") return Buffer.concat([body, Buffer.alloc(missing, " ")]);
  return Buffer.concat([body, unknownField(missing)]);
}

/** Encodes an unknown field of `size` bytes in total, at least 4: field 15, length-delimited. */
export function unknownField(size: number): Uint8Array {
  for (const lengthBytes of [1, 2, 3, 4, 5]) {
    const length = varint(size - 1 - lengthBytes);
    if (length.length === lengthBytes)
      return Buffer.concat([Buffer.from([0x7a]), length, Buffer.alloc(size - 1 - lengthBytes, "x")]);
  }
  // No length results in exactly this size: a varint field of two bytes fills the gap.
  return Buffer.concat([Buffer.from([0x78, 1]), unknownField(size - 2)]);
}

/** Encodes a varint. */
export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 0x80);
  }
}

/** Makes a body undecodable: appends an unfinished field, or removes the end of the JSON object. */
export function truncated(t: Context, body: Uint8Array): Uint8Array {
  const unfinishedField = Buffer.from([0x7a, 5, 1]);
  return t.session.codec === "proto" ? Buffer.concat([body, unfinishedField]) : body.subarray(0, -1);
}

/** The RPCs that the server declares. */
export function rpcsOf(t: Context): readonly Rpc[] {
  const unary = ["GetServerInfo", "Send", "Sync"] as const;
  return t.info.profiles.includes(Profile.WATCH) ? [...unary, "Watch"] : unary;
}

/** The empty message as a body. */
export const emptyBody = (codec: Codec) => Buffer.from(codec === "proto" ? "" : "{}");
