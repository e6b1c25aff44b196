import type { CheckOptions } from "../run/check-options.js";
import { didYouMean } from "../suggest.js";
import { SEED } from "./failure.js";

/**
 * Options of `describeConformance`: those of `check`, with URLs that may become known only in a `beforeAll` hook.
 */
export interface ConformanceOptions extends Omit<CheckOptions, "urls" | "signal" | "onStart" | "onResult"> {
  /**
   * Base URLs of the server, at least one, http or https. Several URLs are front ends of one deployment. A function is
   * called once, after the `beforeAll` hooks above it: it may start the server.
   */
  urls: readonly string[] | (() => readonly string[] | Promise<readonly string[]>);
  /**
   * Name of the `describe` block.
   * @default "Seq Sync conformance"
   */
  name?: string;
}

const MAX_SEED = 0xffff_ffff;

/** The names of all options: the compiler complains if one is missing. */
const OPTIONS = {
  accounts: true,
  accountsName: true,
  bail: true,
  codecs: true,
  concurrency: true,
  connectTimeoutMs: true,
  curlArguments: true,
  fixtureToken: true,
  headers: true,
  http2: true,
  invocation: true,
  knownFailures: true,
  maxRequestsPerSecond: true,
  name: true,
  onExchange: true,
  onHistory: true,
  onProgram: true,
  proxy: true,
  restart: true,
  seed: true,
  select: true,
  shard: true,
  thorough: true,
  timeLimitMs: true,
  timeoutScale: true,
  tls: true,
  urls: true,
  vary: true,
  waitMs: true,
} as const satisfies Record<keyof ConformanceOptions, true>;

/**
 * Checks options that a program without types may have passed.
 *
 * @throws TypeError for an option that does not exist, and for a value of the wrong type.
 */
export function checkOptions(options: ConformanceOptions): void {
  const wrong = (what: string) => new TypeError(`describeConformance: ${what}`);
  if (typeof options !== "object" || options === null) throw wrong('expected options, such as { urls: ["http://…"] }');
  for (const name of Object.keys(options))
    if (!Object.hasOwn(OPTIONS, name))
      throw wrong(`unknown option "${name}"${didYouMean(name, Object.keys(OPTIONS)) || `; use ${names}`}`);
  const { urls, select, codecs, seed, thorough } = options;
  if (typeof urls !== "function" && !isList(urls, (url) => typeof url === "string"))
    throw wrong('"urls" must be a list of URLs, or a function that returns one');
  if (select !== undefined && typeof select !== "function") throw wrong('"select" must be a function');
  if (codecs !== undefined && !isList(codecs, (codec) => codec === "proto" || codec === "json"))
    throw wrong('"codecs" must be a list of "proto" and "json"');
  if (seed !== undefined && !isSeed(seed)) throw wrong(`"seed" must be a whole number from 0 to ${MAX_SEED}`);
  if (thorough !== undefined && typeof thorough !== "boolean") throw wrong('"thorough" must be true or false');
}

const names = Object.keys(OPTIONS).join(", ");

const isList = (value: unknown, isElement: (element: unknown) => boolean) =>
  Array.isArray(value) && value.every(isElement);

const isSeed = (value: unknown) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_SEED;

/**
 * Returns the seed in the environment, with which a failing test runs again; undefined if there is none.
 *
 * @throws TypeError if it is not a seed.
 */
export function seedOf(env: NodeJS.ProcessEnv): number | undefined {
  const text = env[SEED];
  if (text === undefined || text === "") return undefined;
  if (!/^\d+$/.test(text) || !isSeed(Number(text)))
    throw new TypeError(`the environment variable ${SEED} must be a whole number from 0 to ${MAX_SEED}`);
  return Number(text);
}
