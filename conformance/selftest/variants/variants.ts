import { randomInt } from "node:crypto";
import type { RequestListener, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { listener, type Options, SERVER_OPTIONS } from "../../../docs/guides/connect/server.js";
import { Store } from "../../../docs/guides/connect/store.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { type Running, serve } from "../support/serve.js";
import { longhand, withUnknownFields } from "./encodings.js";
import { forgetful, rateLimited } from "./rate-limits.js";
import { type ErrorJson, rewriteResponses } from "./rewrite-responses.js";
import {
  Archive,
  BackwardClock,
  LazyTips,
  LongEpochs,
  OneMessagePages,
  RecipientFirst,
  StoppedClock,
  UnevenPages,
} from "./stores.js";

/** A server that does something unusual that the specification allows. The suite has nothing to say against it. */
export interface Variant {
  name: string;
  /** What it does that others don't. */
  what: string;
  /** Ids of the cases that it is most likely to upset. */
  upsets: RegExp;
  start(): Promise<Running>;
}

/** An oddity made of the server's options and of what is put in front of it. */
function variant(
  name: string,
  what: string,
  options: () => Options,
  wrap: (inner: RequestListener) => RequestListener = (inner) => inner,
  upsets = /^/,
): Variant {
  return {
    name,
    what,
    upsets,
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

const usual = () => ({});
const { CORE, JSON: JSON_CODEC, WATCH } = Profile;

/** All of them. A soak can run the whole suite on each. */
export const VARIANTS: readonly Variant[] = [
  variant(
    "one-message-pages",
    "every page has one message",
    () => ({ store: new OneMessagePages() }),
    undefined,
    /^(sync|page|ack|dev|seq)/,
  ),
  variant(
    "uneven-pages",
    "every page has another length, on its own whim",
    () => ({ store: new UnevenPages() }),
    undefined,
    /^(sync|page|ack|dev|seq)/,
  ),
  variant(
    "least-limits",
    "max_page_size 1, max_payload_bytes 64",
    () => ({ store: new Store({ pageMessages: 1, payloadBytes: 64 }) }),
    undefined,
    /^send\/(all-byte-values|payload)|^page\/(size|cap|large)/,
  ),
  variant(
    "long-epoch",
    "an epoch of 64 bytes, with quotes, zeros and emoji",
    () => ({ store: new LongEpochs() }),
    undefined,
    /^(epoch|ack|sync|errors|watch)/,
  ),
  variant(
    "archive",
    "acknowledged messages are kept for ever, and given to nobody",
    () => ({ store: new Archive() }),
    undefined,
    /^(ack|page|sync|dev)/,
  ),
  variant(
    "backward-clock",
    "accepted_at falls, from the year 9999 on",
    () => ({ store: new BackwardClock() }),
    undefined,
    /^(send|seq|http)/,
  ),
  variant(
    "stopped-clock",
    "accepted_at is one nanosecond after 1970, always",
    () => ({ store: new StoppedClock() }),
    undefined,
    /^(send|seq|http)/,
  ),
  variant(
    "recipient-first",
    "of several refusals it gives another one",
    () => ({ store: new RecipientFirst() }),
    undefined,
    /^(errors|send)/,
  ),

  variant(
    "no-json",
    "JSON is neither declared nor served",
    () => ({ profiles: [CORE, WATCH] }),
    undefined,
    /^(info|http|watch|errors)/,
  ),
  variant(
    "no-watch",
    "Watch is neither declared nor served",
    () => ({ profiles: [CORE, JSON_CODEC] }),
    undefined,
    /^(info|http|watch|errors)/,
  ),
  variant("core-only", "nothing but CORE", () => ({ profiles: [CORE] }), undefined, /^(info|http|watch|errors)/),
  variant(
    "unknown-profile",
    "declares a profile of a later version first",
    () => ({
      profiles: [99 as Profile, WATCH, JSON_CODEC, CORE],
    }),
    (inner) => rewriteResponses(inner, { message: nameProfile }),
    /^(info|http)/,
  ),

  variant(
    "eager-watch",
    "a frame every 20 ms, the same one if nothing has changed",
    () => ({ heartbeatMs: 20 }),
    undefined,
    /^(watch|auth|epoch)/,
  ),
  variant(
    "lazy-watch",
    "tips come after 400 ms, many in one frame",
    () => ({ store: new LazyTips() }),
    undefined,
    /^(watch|auth|epoch)/,
  ),
  variant(
    "short-watch",
    "every Watch ends in order after a second",
    () => ({ watchMs: 1000 }),
    undefined,
    /^(watch|auth|epoch)/,
  ),
  variant(
    "twenty-watches",
    "more than 20 Watches are turned away",
    () => ({ store: new Store({ watches: 20 }) }),
    undefined,
    /^(watch|auth|epoch)/,
  ),

  variant(
    "credential-first",
    "who has no credential hears of that first, whatever the path, the method and the type",
    usual,
    (inner) => credentialFirst(inner),
    /^(http|auth|errors|info)/,
  ),

  variant("unknown-fields", "fields and members of a later version at every level", usual, (inner) =>
    rewriteResponses(inner, {
      message: withUnknownFields,
      error: (error) => ({ ...error, hint: { code: "unavailable" } }) as ErrorJson,
    }),
  ),
  variant("longhand", "defaults written out, fields in descending order, snake_case, white space", usual, (inner) =>
    rewriteResponses(inner, { message: longhand }),
  ),
  variant(
    "other-prose",
    "errors speak Chinese, or say nothing",
    usual,
    (inner) =>
      rewriteResponses(inner, {
        error: ({ message: _, ...rest }) =>
          rest.code.length % 2 === 0 ? rest : { ...rest, message: "出错了 \u2028 404" },
      }),
    /^(errors|auth|http|ack|epoch)/,
  ),
  variant(
    "more-details",
    "details of other types before and after ours, which has padding and a prefix",
    usual,
    (inner) =>
      rewriteResponses(inner, {
        error: surroundDetails,
        end: (end) => ({ metadata: { "x-trace": ["1", "2"] }, ...end }),
      }),
    /^(errors|auth|http|ack|epoch)/,
  ),

  variant("gzip", "answers are compressed for whom that suits", usual, (inner) =>
    rewriteResponses(inner, { send: compress }),
  ),
  variant("chunked", "answers come in chunks of odd sizes", usual, (inner) =>
    rewriteResponses(inner, { send: inChunks }),
  ),
  variant("close", "every answer closes its connection", usual, (inner) => (req, res) => {
    res.setHeader("Connection", "close");
    inner(req, res);
  }),
  variant("talkative", "parameters and headers that nobody asked for", usual, (inner) => (req, res) => {
    res.setHeader("WWW-Authenticate", 'Bearer realm="im"');
    res.setHeader("Set-Cookie", ["a=1; HttpOnly", "b=2"]);
    res.setHeader("Server-Timing", "db;dur=1");
    rewriteResponses(inner, { send: withCharset })(req, res);
  }),
  variant("latency", "each call takes 100 ms longer", usual, (inner) => (req, res) => {
    setTimeout(() => inner(req, res), 100);
  }),
  variant("late-answers", "answers take 0 to 60 ms, and overtake each other", usual, (inner) =>
    rewriteResponses(inner, { send: (res, body) => void setTimeout(() => res.end(body), randomInt(60)) }),
  ),
  variant("rate-limit", "every third call, and every third Watch, is told to try again, in all ways", usual, (inner) =>
    rateLimited(inner, 3),
  ),
  variant("forgetful", "every 20th call is carried out and answered with: try again", usual, (inner) =>
    forgetful(inner, 20),
  ),
];

/** Legal too, but so narrow that cases run into the bounds: they can only stay open, and never blame the server for it. */
export const TIGHT_LIMITS: readonly Variant[] = [
  variant("short-window", "a dedup window of one second", () => ({ store: new Store({ dedupWindowSeconds: 1 }) })),
  variant("small-inbox", "an inbox takes 20 messages, then BACKLOG_FULL", () => ({
    store: new Store({ pendingMessages: 20 }),
  })),
];

/** A gateway in front that looks for a bearer token before it looks at anything else; whether it is a good one the server knows. */
function credentialFirst(inner: RequestListener): RequestListener {
  const body =
    '{"code":"unauthenticated","message":"who are you?","details":[{"type":"seqsync.v1.ErrorDetail","value":"CAE"}]}';
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
  const foreign = { type: "google.rpc.ErrorInfo", value: "CgNhYmM", debug: { reason: "abc" } };
  const ours = (error.details ?? []).map(({ type, value }) => ({
    type: `type.googleapis.com/${type}`,
    value: Buffer.from(value, "base64").toString("base64"),
  }));
  return { ...error, details: [foreign, ...ours, { type: "acme.Trace", value: "" }] };
}

/** In JSON a server names its profiles, those of a later version too. */
function nameProfile(body: Buffer, codec: "proto" | "json", method: string): Buffer {
  return codec === "json" && method === "GetServerInfo"
    ? Buffer.from(body.toString().replace("99", '"PROFILE_LATER"'))
    : body;
}

function compress(res: ServerResponse, body: Buffer, { headers }: { headers: Record<string, unknown> }): void {
  if (!/\bgzip\b(?! *; *q=0)/.test(String(headers["accept-encoding"] ?? ""))) return void res.end(body);
  const packed = gzipSync(body);
  res.setHeader("Content-Encoding", "gzip").setHeader("Content-Length", packed.length).end(packed);
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
