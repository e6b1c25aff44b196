import type { RequestListener } from "node:http";
import { listener, type Options, SERVER_OPTIONS } from "../../../docs/guides/connect/server.js";
import { type Limits, Store } from "../../../docs/guides/connect/store.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { Refusal } from "../../../reference-server/errors.js";
import { operations } from "../../../reference-server/http/methods.js";
import { type HandlerOptions, type ServiceOptions, startReferenceServer } from "../../../reference-server/index.js";
import { type Running, serve } from "../support/serve.js";
import { CONNECTIONS } from "./connections.js";
import { fluctuatingInbox } from "./fluctuating-inbox.js";
import { HARD_IDS, hardIds } from "./hard-ids.js";
import { rewriteResponses } from "./rewrite-responses.js";
import {
  Archive,
  BackwardClock,
  DelayedNotifications,
  LongEpochs,
  OneMessagePages,
  RecipientFirst,
  RisingLimits,
  StoppedClock,
  UnevenPages,
} from "./stores.js";
import { WRAPPERS } from "./wrappers.js";

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

/** Makes a variant of the reference server with these options. */
function reference(name: string, about: string, options: () => ServiceOptions & HandlerOptions): Variant {
  return {
    name,
    about,
    affects: /^/,
    async start() {
      const server = await startReferenceServer({ fixtures: true, ...options() });
      return { url: server.url, stop: () => server.close(0) };
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

  ...WRAPPERS.map(({ name, about, wrap, affects }) => variant(name, about, defaults, wrap, affects)),
  ...Object.entries(HARD_IDS).map(([name, kind]) => reference(name, kind.about, () => hardIds(kind))),
  variant("payload-63-bytes", "limits payloads to 63 bytes", () => ({ store: new Store({ payloadBytes: 63 }) })),
  ...CONNECTIONS,
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
  variant("rising-limits", "raises its limits for payloads and pages during the run", () => ({
    store: new RisingLimits({ payloadBytes: 1000, pageMessages: 20 }),
  })),
  reference("partial-fixtures", "has CreateAccount without start_seq, and no other fixture", () => ({
    operations: PARTIAL_FIXTURES,
  })),
  reference("window-1-ms", "declares a dedup window of one millisecond", () => ({ dedupWindowMs: 1 })),
  reference("fluctuating-inbox", "refuses every tenth Send to an inbox that is not empty, at random", () => ({
    newInbox: fluctuatingInbox(0.1, Math.random),
  })),
];

const noFixture = (): never => {
  throw new Refusal("unimplemented", "this fixture is not available");
};

/** Fixtures of a server on which accounts can be made, but nothing else can be arranged. */
const PARTIAL_FIXTURES: NonNullable<HandlerOptions["operations"]> = {
  createAccount: (service, request) =>
    request.startSeq === 0 ? operations.createAccount(service, request) : noFixture(),
  rotateEpoch: noFixture,
  revokeToken: noFixture,
  stepClock: noFixture,
};

/** Replaces the number of the unknown profile by a name, which JSON requires. */
function nameProfile(body: Buffer, codec: "proto" | "json", method: string): Buffer {
  return codec === "json" && method === "GetServerInfo"
    ? Buffer.from(body.toString().replace("99", '"PROFILE_LATER"'))
    : body;
}
