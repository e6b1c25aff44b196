import { randomInt } from "node:crypto";
import type { RequestListener, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { listener, type Options, SERVER_OPTIONS } from "../../../docs/guides/connect/server.js";
import { type Limits, Store } from "../../../docs/guides/connect/store.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { type Running, serve } from "../support/serve.js";
import { longhand, withUnknownFields } from "./encodings.js";
import { startHardIds } from "./hard-ids.js";
import { forgetful, rateLimited } from "./rate-limits.js";
import { type ErrorJson, rewriteResponses } from "./rewrite-responses.js";
import {
  Archive,
  BackwardClock,
  DelayedNotifications,
  LongEpochs,
  OneMessagePages,
  RecipientFirst,
  StoppedClock,
  UnevenPages,
} from "./stores.js";

/** A server with unusual behaviour that the specification allows. The suite must not blame it for anything. */
export interface Variant {
  name: string;
  /** The unusual behaviour. */
  about: string;
  /** Matches the ids of the cases that the behaviour is most likely to affect. */
  affects: RegExp;
  start(): Promise<Running>;
}

/** Makes a variant of the Connect guide's server: with these options, and with `wrap` around its listener. */
function variant(
  name: string,
  about: string,
  options: () => Options,
  wrap: (inner: RequestListener) => RequestListener = (inner) => inner,
  affects = /^/,
): Variant {
  return {
    name,
    about,
    affects,
    async start() {
      const shutdown = new AbortController();
      const server = listener({ fixtures: true, ...options(), shutdown: shutdown.signal });
      const running = await serve(wrap(server), SERVER_OPTIONS);
      return {
        url: running.url,
        stop() {
          shutdown.abort();
          return running.stop();
        },
      };
    },
  };
}

const defaults = () => ({});

/** Smallest legal limits, alone and combined, and a maximum payload size that the suite does not send. */
const TIGHT: readonly [name: string, limits: Partial<Limits>][] = [
  ["payload-1-byte", { payloadBytes: 1 }],
  ["payload-7-bytes", { payloadBytes: 7 }],
  ["inbox-1-message", { pendingMessages: 1 }],
  ["inbox-3-messages", { pendingMessages: 3 }],
  ["all-limits-1", { payloadBytes: 1, pendingMessages: 1, pageMessages: 1, dedupWindowSeconds: 1 }],
  ["payload-4-gib", { payloadBytes: 0xffff_ffff }],
];
const { CORE, JSON: JSON_CODEC, WATCH } = Profile;

/** All variants. The soak runs the whole suite against each. */
export const VARIANTS: readonly Variant[] = [
  variant(
    "one-message-pages",
    "returns one message in each page",
    () => ({ store: new OneMessagePages() }),
    undefined,
    /^(sync|page|ack|devices|seq)/,
  ),
  variant(
    "uneven-pages",
    "returns pages of varying length, whatever page_size is",
    () => ({ store: new UnevenPages() }),
    undefined,
    /^(sync|page|ack|devices|seq)/,
  ),
  variant(
    "least-limits",
    "declares max_page_size 1 and max_payload_bytes 64",
    () => ({ store: new Store({ pageMessages: 1, payloadBytes: 64 }) }),
    undefined,
    /^send\/(all-byte-values|payload)|^page\/(size|cap|large)/,
  ),
  variant(
    "long-epoch",
    "uses epochs of 64 bytes, with quotes, NUL characters and emoji",
    () => ({ store: new LongEpochs() }),
    undefined,
    /^(epoch|ack|sync|errors|watch)/,
  ),
  variant(
    "archive",
    "retains acked messages without delivering them",
    () => ({ store: new Archive() }),
    undefined,
    /^(ack|page|sync|devices)/,
  ),
  variant(
    "backward-clock",
    "has a clock that runs backwards, from the year 9999",
    () => ({ store: new BackwardClock() }),
    undefined,
    /^(send|seq|http)/,
  ),
  variant(
    "stopped-clock",
    "has a clock that always shows one nanosecond after the start of 1970",
    () => ({ store: new StoppedClock() }),
    undefined,
    /^(send|seq|http)/,
  ),
  variant(
    "recipient-first",
    "checks the recipient before a reused id",
    () => ({ store: new RecipientFirst() }),
    undefined,
    /^(errors|send)/,
  ),

  variant(
    "no-json",
    "neither declares nor serves JSON",
    () => ({ profiles: [CORE, WATCH] }),
    undefined,
    /^(info|http|watch|errors)/,
  ),
  variant(
    "no-watch",
    "neither declares nor serves Watch",
    () => ({ profiles: [CORE, JSON_CODEC] }),
    undefined,
    /^(info|http|watch|errors)/,
  ),
  variant(
    "core-only",
    "declares and serves only CORE",
    () => ({ profiles: [CORE] }),
    undefined,
    /^(info|http|watch|errors)/,
  ),
  variant(
    "unknown-profile",
    "declares an unknown profile first, as of a later version",
    () => ({
      profiles: [99 as Profile, WATCH, JSON_CODEC, CORE],
    }),
    (inner) => rewriteResponses(inner, { message: nameProfile }),
    /^(info|http)/,
  ),

  variant(
    "eager-watch",
    "sends a frame every 20 ms, even if nothing has changed",
    () => ({ heartbeatMs: 20 }),
    undefined,
    /^(watch|auth|epoch)/,
  ),
  variant(
    "lazy-watch",
    "sends frames 400 ms after a change, one for all changes until then",
    () => ({ store: new DelayedNotifications() }),
    undefined,
    /^(watch|auth|epoch)/,
  ),
  variant(
    "short-watch",
    "ends every Watch after a second, without an error",
    () => ({ watchMs: 1000 }),
    undefined,
    /^(watch|auth|epoch)/,
  ),
  variant(
    "twenty-watches",
    "accepts at most 20 Watches of an account",
    () => ({ store: new Store({ watches: 20 }) }),
    undefined,
    /^(watch|auth|epoch)/,
  ),

  variant(
    "credential-first",
    "checks for a credential before the path, the method and the content type",
    defaults,
    (inner) => credentialFirst(inner),
    /^(http|auth|errors|info)/,
  ),

  variant(
    "unknown-fields",
    "adds unknown fields and members at every level, as a later version may",
    defaults,
    (inner) =>
      rewriteResponses(inner, {
        message: withUnknownFields,
        error: (error) => ({ ...error, hint: { code: "unavailable" } }) as ErrorJson,
      }),
  ),
  variant(
    "longhand",
    "writes defaults, fields in descending order, snake_case names and white space",
    defaults,
    (inner) => rewriteResponses(inner, { message: longhand }),
  ),
  variant(
    "other-prose",
    "writes error messages in Chinese, or none",
    defaults,
    (inner) =>
      rewriteResponses(inner, {
        error: ({ message: _, ...rest }) =>
          rest.code.length % 2 === 0 ? rest : { ...rest, message: "出错了 \u2028 404" },
      }),
    /^(errors|auth|http|ack|epoch)/,
  ),
  variant(
    "more-details",
    "adds error details of other types around the ErrorDetail, whose type has a prefix and whose base64 is padded",
    defaults,
    (inner) =>
      rewriteResponses(inner, {
        error: surroundDetails,
        end: (end) => ({ metadata: { "x-trace": ["1", "2"] }, ...end }),
      }),
    /^(errors|auth|http|ack|epoch)/,
  ),

  variant("gzip", "compresses responses for clients that accept gzip", defaults, (inner) =>
    rewriteResponses(inner, { send: compress }),
  ),
  variant("chunked", "sends responses in chunks of 1, 3, 5, ... bytes", defaults, (inner) =>
    rewriteResponses(inner, { send: inChunks }),
  ),
  variant("close", "closes the connection after each response", defaults, (inner) => (req, res) => {
    res.setHeader("Connection", "close");
    inner(req, res);
  }),
  variant("talkative", "adds media type parameters and headers to responses", defaults, (inner) => (req, res) => {
    res.setHeader("WWW-Authenticate", 'Bearer realm="im"');
    res.setHeader("Set-Cookie", ["a=1; HttpOnly", "b=2"]);
    res.setHeader("Server-Timing", "db;dur=1");
    rewriteResponses(inner, { send: withCharset })(req, res);
  }),
  variant("latency", "delays each request by 100 ms", defaults, (inner) => (req, res) => {
    setTimeout(() => inner(req, res), 100);
  }),
  variant("late-answers", "delays responses by 0 to 60 ms, so that they overtake each other", defaults, (inner) =>
    rewriteResponses(inner, { send: (res, body) => void setTimeout(() => res.end(body), randomInt(60)) }),
  ),
  variant(
    "rate-limit",
    "responds to every third call and every third Watch with a retryable error, of all kinds in turn",
    defaults,
    (inner) => rateLimited(inner, 3),
  ),
  variant("forgetful", "executes every 20th call and responds with a retryable error", defaults, (inner) =>
    forgetful(inner, 20),
  ),

  variant("early-hints", "sends 103 Early Hints before each response", defaults, (inner) => (req, res) => {
    res.writeEarlyHints({ link: "</style.css>; rel=preload" });
    inner(req, res);
  }),
  variant("unexpected-continue", "sends 100 Continue before each response", defaults, (inner) => (req, res) => {
    res.writeContinue();
    inner(req, res);
  }),
  { name: "hard-ids", about: "has user ids and epochs that are hard to handle", affects: /^/, start: startHardIds },
  variant("payload-63-bytes", "limits payloads to 63 bytes", () => ({ store: new Store({ payloadBytes: 63 }) })),
];

/**
 * Variants whose limits are so tight that some cases cannot run. Such cases must be inconclusive, and must not blame
 * the server.
 */
export const TIGHT_LIMITS: readonly Variant[] = [
  variant("short-window", "declares a dedup window of one second", () => ({
    store: new Store({ dedupWindowSeconds: 1 }),
  })),
  variant("small-inbox", "limits an inbox to 20 messages", () => ({
    store: new Store({ pendingMessages: 20 }),
  })),
  ...TIGHT.map(([name, limits]) =>
    variant(name, `has the limits ${JSON.stringify(limits)}`, () => ({ store: new Store(limits) })),
  ),
];

/** Adds a gateway that requires a bearer token before all other checks; the server then checks the token itself. */
function credentialFirst(inner: RequestListener): RequestListener {
  const body =
    '{"code":"unauthenticated","message":"a bearer token is required","details":[{"type":"seqsync.v1.ErrorDetail","value":"CAE"}]}';
  return (req, res) => {
    const isOpen = /\.SeqSyncService\/GetServerInfo(\?|$)|\.FixtureService\//.test(req.url ?? "");
    const isStream = /^application\/connect\+(proto|json)/i.test(req.headers["content-type"] ?? "");
    if (isOpen || isStream || /^bearer +\S/i.test(req.headers.authorization ?? "")) return inner(req, res);
    req.resume();
    res.writeHead(401, { "Content-Type": "application/json", "Cache-Control": "no-store", Connection: "close" });
    res.end(body);
  };
}

function surroundDetails(error: ErrorJson): ErrorJson {
  const other = { type: "google.rpc.ErrorInfo", value: "CgNhYmM", debug: { reason: "abc" } };
  const ours = (error.details ?? []).map(({ type, value }) => ({
    type: `type.googleapis.com/${type}`,
    value: Buffer.from(value, "base64").toString("base64"),
  }));
  return { ...error, details: [other, ...ours, { type: "acme.Trace", value: "" }] };
}

/** Replaces the number of the unknown profile by a name, which JSON requires. */
function nameProfile(body: Buffer, codec: "proto" | "json", method: string): Buffer {
  return codec === "json" && method === "GetServerInfo"
    ? Buffer.from(body.toString().replace("99", '"PROFILE_LATER"'))
    : body;
}

function compress(res: ServerResponse, body: Buffer, { headers }: { headers: Record<string, unknown> }): void {
  if (!/\bgzip\b(?! *; *q=0)/.test(String(headers["accept-encoding"] ?? ""))) return void res.end(body);
  const compressed = gzipSync(body);
  res.setHeader("Content-Encoding", "gzip").setHeader("Content-Length", compressed.length).end(compressed);
}

function inChunks(res: ServerResponse, body: Buffer): void {
  res.removeHeader("Content-Length");
  res.flushHeaders();
  for (let at = 0, size = 1; at < body.length; at += size, size += 2) res.write(body.subarray(at, at + size));
  res.end();
}

function withCharset(res: ServerResponse, body: Buffer): void {
  if (res.getHeader("content-type") === "application/json") {
    res.setHeader("Content-Type", "Application/JSON;charset=UTF-8");
  }
  res.end(body);
}
