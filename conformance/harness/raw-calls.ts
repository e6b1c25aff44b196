import { setTimeout as pause } from "node:timers/promises";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { NoResponseFailure, RetriesExhausted } from "../findings.js";
import { fingerprintOf } from "../history/fingerprint.js";
import type { EventBody } from "../history/recorder.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { SendArguments, SyncArguments } from "../rpc/client.js";
import {
  type Codec,
  describeRefusal,
  encode,
  interpret,
  isRetryable,
  isRetryableStatus,
  parseError,
  type Refusal,
} from "../rpc/connect.js";
import { authorization, RETRY_DELAYS } from "../rpc/session.js";
import { NoResponseError } from "../transport/errors.js";
import type { Transport } from "../transport/http.js";
import type { HttpRequest, HttpResponse } from "../transport/messages.js";
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

/** What a call would do if a server carried it out. */
export type IntendedEffect = { send: SendArguments } | { sync: SyncArguments };

/** A request that typed calls cannot make. */
export interface RawCall {
  rpc: Rpc;
  /** Whose credential it has. Default: nobody's. */
  by?: TestAccount | undefined;
  /** Default: where the RPC is. */
  path?: string;
  method?: NonNullable<HttpRequest["method"]>;
  /** Default: that of the case's codec. Null leaves it away. */
  contentType?: string | null;
  /** Beyond content type and credential, or instead of them. */
  headers?: Readonly<Record<string, string>>;
  /** Default: nothing. */
  body?: HttpRequest["body"];
  /** What it would do to an inbox. The judge hears that it may have happened; whether it was to, the case decides. */
  intendedEffect?: IntendedEffect;
  /** Which connections it goes over. Default: any. */
  transport?: Transport;
}

/** An answer, and the Connect error in it if there is one. */
export type RawAnswer = HttpResponse & { text: string; refusal: Refusal | undefined };

/** Makes a call as it stands, again if the server asks for it. `requirement` is blamed if no answer comes at all. */
export async function rawCall(t: Context, requirement: RequirementId, call: RawCall): Promise<RawAnswer> {
  for (let tries = 0; ; tries += 1) {
    const outcome = await rawOnce(t, call);
    if (!("lost" in outcome)) return outcome;
    const wait = RETRY_DELAYS.noResponse[tries];
    if (wait === undefined) throw new NoResponseFailure(requirement, call.rpc, outcome.lost);
    t.session.retried += 1;
    await pause(wait);
  }
}

/** Makes a call as it stands until it is answered or its answer is lost: again only if the server asks for it. */
export async function rawOnce(t: Context, call: RawCall): Promise<RawAnswer | { lost: string }> {
  for (let tries = 0; ; tries += 1) {
    const outcome = await rawAttempt(t, call);
    const again = "lost" in outcome ? undefined : asksForMore(outcome);
    if (again === undefined) return outcome;
    await waitAsAsked(t, tries, again);
  }
}

/** Waits as a server wants that has asked for another try, `tries` times before. */
export async function waitAsAsked(t: Context, tries: number, why: string): Promise<void> {
  const wait = RETRY_DELAYS.retryable[tries];
  if (wait === undefined) throw new RetriesExhausted(why);
  t.session.retried += 1;
  await pause(wait);
}

/** Makes a call as it stands, once, whatever comes of it. */
export async function rawAttempt(t: Context, call: RawCall): Promise<RawAnswer | { lost: string }> {
  const { rpc, by, path = pathOf(rpc), method, body, transport: over = t.session.transport } = call;
  const contentType = call.contentType === undefined ? contentTypeOf(rpc, t.session.codec) : call.contentType;
  const endpoint = t.session.nextEndpoint();
  recordAsPossible(t, call, endpoint);
  try {
    const answer = await over.request({
      endpoint,
      path,
      ...(method === undefined ? {} : { method }),
      headers: {
        ...(contentType === null ? {} : { "content-type": contentType }),
        ...authorization(by?.token),
        ...call.headers,
      },
      ...(body === undefined ? {} : { body }),
      signal: t.signal,
    });
    return withError(answer);
  } catch (error) {
    if (error instanceof NoResponseError) return { lost: error.message };
    throw error;
  }
}

/**
 * Tells the judge of a call whose effect the case itself decides about: as of one whose answer was lost, which may have had
 * its effect or not. So a server that wrongly carries it out is blamed for that, and not for a message out of nowhere.
 */
export function recordAsPossible(t: Context, { intendedEffect, by, rpc }: RawCall, endpoint: number): void {
  if (intendedEffect === undefined || by === undefined) return;
  const op = t.recorder.call(by.name, endpoint, eventOf(intendedEffect, by));
  t.recorder.complete(op, {
    case: "noResponse",
    value: {
      $typeName: "seqsync.conformance.v1.NoResponse",
      why: `a ${rpc} in a form that the case looks into itself`,
    },
  });
}

function eventOf(intendedEffect: IntendedEffect, by: TestAccount): EventBody {
  if ("sync" in intendedEffect) {
    return {
      case: "syncCall",
      value: { $typeName: "seqsync.conformance.v1.SyncCall", ...intendedEffect.sync, userId: by.userId },
    };
  }
  const { send } = intendedEffect;
  return {
    case: "sendCall",
    value: {
      $typeName: "seqsync.conformance.v1.SendCall",
      ...send,
      senderId: by.userId,
      payload: fingerprintOf(send.payload),
    },
  };
}

/** Why the call is to be made again; undefined if it was answered. */
export function asksForMore({ status, refusal }: RawAnswer): string | undefined {
  if (refusal !== undefined) return isRetryable(refusal) ? refusal.code : undefined;
  return isRetryableStatus(status) ? `HTTP ${status}` : undefined;
}

function withError(answer: HttpResponse): RawAnswer {
  const text = Buffer.from(answer.body).toString("utf8");
  return { ...answer, text, refusal: answer.status === 200 ? undefined : parseError(answer.status, text) };
}

/** The message of a successful answer. Any other answer breaks `requirement`. */
export function answered<T extends DescMessage>(
  t: Context,
  requirement: RequirementId,
  schema: T,
  answer: HttpResponse,
  what: string,
): MessageShape<T> {
  const outcome = interpret(t.session.codec, schema, answer);
  if (outcome.kind === "response") return outcome.value;
  const actual = outcome.kind === "refusal" ? describeRefusal(outcome.refusal) : outcome.why;
  return t.fail(requirement, `${what} was not answered`, "HTTP 200 with the answer", actual);
}

/** Expects a refusal for this reason, as `Context.refused` does for typed calls. */
export function rawRefused(
  t: Context,
  answer: RawAnswer,
  reason: Reason,
  requirement: RequirementId,
  what: string,
): Refusal {
  const { refusal } = answer;
  if (answer.status === 200) {
    const error = parseError(200, answer.text);
    if (error === undefined) return t.refused({ kind: "response", value: answer }, reason, requirement, what);
    t.fail("ERR-SHAPE", `${what} was refused with a success's status`, "the code's HTTP status", `200, ${error.code}`);
  }
  if (refusal !== undefined) return t.refused({ kind: "refusal", refusal }, reason, requirement, what);
  const expected = `a Connect error with ${Reason[reason]}`;
  return t.fail("ERR-SHAPE", `${what} was refused without a Connect error`, expected, describeAnswer(answer));
}

/** What an answer is, in a few words, for people. */
export function describeAnswer({ status, refusal }: RawAnswer): string {
  return refusal === undefined ? `HTTP ${status}` : describeRefusal(refusal);
}

/** Expects an answer to Send or Sync to say that nobody may keep it. */
export function hasNoStore(t: Context, { headers }: HttpResponse, what: string): void {
  const said = headers["cache-control"];
  const directives = said?.split(",").map((it) => it.trim().toLowerCase()) ?? [];
  if (!directives.includes("no-store"))
    t.fail("HTTP-NO-STORE", what, "Cache-Control with no-store", said ?? "no Cache-Control");
}

/** Expects an answer to be in plain bytes, or packed in one of the ways that its request has offered. */
export function isPackedAsOffered(
  t: Context,
  { headers }: HttpResponse,
  offered: readonly string[],
  what: string,
): void {
  const used = headers["content-encoding"] ?? "identity";
  if (used !== "identity" && !offered.includes(used))
    t.fail("HTTP-COMPRESSION", what, ["plain bytes", ...offered].join(" or "), used);
}

export const pathOf = (rpc: Rpc) => `/${SeqSyncService.typeName}/${rpc}`;

export const contentTypeOf = (rpc: Rpc, codec: Codec) =>
  rpc === "Watch" ? `application/connect+${codec}` : `application/${codec}`;

/** A Send in the case's codec, and its intended effect. */
export function sendOf(t: Context, by: TestAccount, to: { userId: string }, options: Partial<SendArguments> = {}) {
  const send = { recipientId: to.userId, clientMessageId: t.newId(), payload: Buffer.from("raw"), ...options };
  const body = encode(t.session.codec, METHOD.Send.input, send);
  return { rpc: "Send", by, body, intendedEffect: { send }, send } as const;
}

/** A Sync in the case's codec, and its intended effect. */
export function syncOf(t: Context, by: TestAccount, options: Partial<SyncArguments> = {}) {
  const sync = { cliSeq: 0, epoch: "", pageSize: 0, ...options };
  const body = encode(t.session.codec, METHOD.Sync.input, sync);
  return { rpc: "Sync", by, body, intendedEffect: { sync }, sync } as const;
}

/** The head of a call over HTTP/1.1, without what it says about its body, and where to send it. */
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

/** Makes a call over a connection of its own, with further header lines; again if the server asks for it. Answers the status; `requirement` is blamed if there is none. */
export async function exchange(
  t: Context,
  requirement: RequirementId,
  call: RawCall & { body: Uint8Array },
  more: readonly string[] = [],
): Promise<number> {
  for (let tries = 0; ; tries += 1) {
    const { head, endpoint } = rawHead(t, call);
    recordAsPossible(t, call, endpoint);
    const lines = [head, ...more, `content-length: ${call.body.length}`, "", ""].join("\r\n");
    const bytes = Buffer.concat([Buffer.from(lines), call.body]);
    const answer = await t.session.transport.raw(endpoint, bytes, { timeoutMs: t.deadline(5000) });
    const status = rawStatus(answer);
    const busyNow = isRetryableStatus(status);
    if (status !== 0 && !busyNow) return status;
    const wait = RETRY_DELAYS[busyNow ? "retryable" : "noResponse"][tries];
    if (wait === undefined && busyNow) throw new RetriesExhausted(`HTTP ${status}`);
    if (wait === undefined) throw new NoResponseFailure(requirement, call.rpc, "nothing came back that is HTTP");
    await pause(wait);
  }
}

/** A body made longer by something that means nothing: an unknown field, or white space. */
export function padded(t: Context, body: Uint8Array, size: number): Uint8Array {
  const rest = size - body.length;
  if (t.session.codec === "json") return Buffer.concat([body, Buffer.alloc(rest, " ")]);
  return Buffer.concat([body, unknownField(rest)]);
}

/** Field 15, length-delimited, of `size` bytes in all. From 4 on. */
export function unknownField(size: number): Uint8Array {
  for (const lengthBytes of [1, 2, 3, 4, 5]) {
    const length = varint(size - 1 - lengthBytes);
    if (length.length === lengthBytes)
      return Buffer.concat([Buffer.from([0x7a]), length, Buffer.alloc(size - 1 - lengthBytes, "x")]);
  }
  // No length gives exactly this size: a small varint field makes up for it.
  return Buffer.concat([Buffer.from([0x78, 1]), unknownField(size - 2)]);
}

export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 0x80);
  }
}

/** A body that begins well and does not decode: its last field, or its object, does not end. */
export function broken(t: Context, body: Uint8Array): Uint8Array {
  const field15of5bytes = Buffer.from([0x7a, 5, 1]);
  return t.session.codec === "proto" ? Buffer.concat([body, field15of5bytes]) : body.subarray(0, -1);
}

/** The RPCs that the server has, by what it declares. */
export function rpcsOf(t: Context): readonly Rpc[] {
  const unary = ["GetServerInfo", "Send", "Sync"] as const;
  return t.info.profiles.includes(Profile.WATCH) ? [...unary, "Watch"] : unary;
}
