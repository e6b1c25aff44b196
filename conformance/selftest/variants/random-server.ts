import fc from "fast-check";
import { listener, SERVER_OPTIONS } from "../../../docs/guides/connect/server.js";
import { type Limits, Store } from "../../../docs/guides/connect/store.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { createHandler, listen, Service } from "../../../reference-server/index.js";
import { seeded } from "../../random.js";
import { PROXY_SWITCHES, startFrontProxy } from "../support/front-proxy.js";
import { type Running, serve } from "../support/serve.js";
import { fluctuatingInbox } from "./fluctuating-inbox.js";
import { HARD_IDS, hardIds } from "./hard-ids.js";
import { Archive, DelayedNotifications, LongEpochs, OneMessagePages, RecipientFirst, UnevenPages } from "./stores.js";
import { WRAPPERS } from "./wrappers.js";

/** The stores of the Connect guide's server. */
const STORES = { Store, Archive, DelayedNotifications, LongEpochs, OneMessagePages, RecipientFirst, UnevenPages };
const CLOCKS: Readonly<Record<string, () => () => number>> = {
  right: () => Date.now,
  stopped: () => () => 1,
  backwards: () => {
    let now = Date.UTC(9999, 11, 31);
    return () => (now -= 1001);
  },
};

/** The choices for a server that conforms to the specification, in a form that can be printed. */
export interface Recipe {
  server: "reference" | "connect";
  maxPayloadBytes: number;
  maxPageSize: number;
  maxPageBytes: number;
  maxBacklog: number;
  dedupWindowMs: number;
  profiles: readonly ("JSON" | "WATCH")[];
  heartbeatMs: number;
  /** Reference server: share of the Sends to an inbox with messages that are refused with BACKLOG_FULL. */
  refused: number;
  /** Reference server: a kind of ids; "random" for ordinary ones. */
  ids: string;
  /** Reference server: its clock. */
  clock: string;
  /** Connect server: the class of its store. */
  store: keyof typeof STORES;
  /** Names of wrappers, the innermost first. */
  wrappers: readonly string[];
  /** Names of proxy switches. */
  proxy: readonly string[];
}

const keys = <T extends object>(of: T) => Object.keys(of) as (keyof T & string)[];
const small = (...larger: number[]) =>
  fc.oneof(fc.integer({ min: 1, max: 24 }), fc.constantFrom(...larger), fc.constant(larger.at(-1) as number));
/** Two of these names on average, in any order. */
const some = (names: readonly string[]) => fc.uniqueArray(fc.constantFrom(...names), { maxLength: 4 });

const recipes: fc.Arbitrary<Recipe> = fc.record({
  server: fc.constantFrom("reference", "connect"),
  maxPayloadBytes: small(63, 64, 65, 1000, 0xffff_ffff, 65_536),
  maxPageSize: small(100, 0xffff_ffff, 1000),
  maxPageBytes: fc.constantFrom(1, 100, 4 << 20),
  maxBacklog: small(100, 199, 10_000),
  dedupWindowMs: fc.constantFrom(1, 1000, 60_000, 86_400_000, 315_576_000_000_000),
  profiles: fc.subarray(["JSON", "WATCH"]),
  heartbeatMs: fc.constantFrom(20, 15_000),
  refused: fc.constantFrom(0, 0, 0.02, 0.5),
  ids: fc.constantFrom("random", ...keys(HARD_IDS)),
  clock: fc.constantFrom(...keys(CLOCKS)),
  store: fc.constantFrom(...keys(STORES)),
  wrappers: some(WRAPPERS.map(({ name }) => name).filter((name) => name !== "latency")),
  proxy: fc.oneof(fc.constant([]), some(PROXY_SWITCHES.map(({ name }) => name))),
});

/** Draws a server at random, determined by the seed. */
export function recipeOf(seed: number): Recipe {
  const [recipe] = fc.sample(recipes, { seed, numRuns: 1 });
  if (recipe === undefined) throw new Error("fast-check generated no recipe");
  return recipe;
}

/** Starts the server of a recipe. */
export async function startRecipe(recipe: Recipe, seed: number): Promise<Running> {
  const running = await (recipe.server === "reference" ? startReference(recipe, seed) : startConnect(recipe));
  const switches = PROXY_SWITCHES.filter(({ name }) => recipe.proxy.includes(name)).map((it) => it.switches);
  return switches.length === 0 ? running : startFrontProxy(running, Object.assign({}, ...switches));
}

async function startReference(recipe: Recipe, seed: number): Promise<Running> {
  const { refused, ids, clock, profiles } = recipe;
  const { operations, ...newIds } = HARD_IDS[ids] === undefined ? {} : hardIds(HARD_IDS[ids]);
  const service = new Service({
    ...recipe,
    ...newIds,
    profiles: profiles.map((name) => Profile[name]),
    now: (CLOCKS[clock] as () => () => number)(),
    ...(refused === 0 ? {} : { newInbox: fluctuatingInbox(refused, seeded(seed, "refused")) }),
  });
  const handler = createHandler(service, { fixtures: true, ...(operations === undefined ? {} : { operations }) });
  const server = await listen(wrapped(handler, recipe));
  return { url: server.url, stop: () => server.close(0) };
}

async function startConnect(recipe: Recipe): Promise<Running> {
  const limits: Partial<Limits> = {
    pageMessages: recipe.maxPageSize,
    pageBytes: recipe.maxPageBytes,
    payloadBytes: recipe.maxPayloadBytes,
    pendingMessages: recipe.maxBacklog,
    dedupWindowSeconds: Math.ceil(recipe.dedupWindowMs / 1000),
  };
  const shutdown = new AbortController();
  const options = {
    fixtures: true,
    store: new STORES[recipe.store](limits),
    profiles: [Profile.CORE, ...recipe.profiles.map((name) => Profile[name])],
    heartbeatMs: recipe.heartbeatMs,
    shutdown: shutdown.signal,
  };
  const running = await serve(wrapped(listener(options), recipe), SERVER_OPTIONS);
  return {
    url: running.url,
    stop() {
      shutdown.abort();
      return running.stop();
    },
  };
}

function wrapped(inner: Parameters<(typeof WRAPPERS)[number]["wrap"]>[0], { wrappers }: Recipe) {
  return wrappers.reduce(
    (listener, name) => WRAPPERS.find((it) => it.name === name)?.wrap(listener) ?? listener,
    inner,
  );
}
