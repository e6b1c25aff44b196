import fc from "fast-check";
import type { Codec } from "../rpc/connect.js";
import { type FaultLevel, NETWORK_FAULTS, type Operation, type Program, type Step, WRONG_CALLS } from "./program.js";

export interface ProgramOptions {
  /** Number of accounts, from 2. Most programs use two of them. */
  accounts: number;
  devices: number;
  faults: FaultLevel;
  /** Whether the source of accounts can make an inbox lose its data. */
  rotate: boolean;
  /** Whether the source of accounts can revoke a token. */
  revoke: boolean;
  /** Whether the server declares WATCH. */
  watch: boolean;
  /** Whether the server declares JSON. */
  json: boolean;
  /** Whether requests and contents vary. */
  vary: boolean;
  /** Maximum size of a payload, in bytes. */
  maxPayloadBytes: number;
  /** Maximum number of steps. */
  steps: number;
}

/** Largest payload that programs send, in bytes, whatever the server accepts. */
const MAX_BYTES = 256 << 10;
/** Largest sum of the payloads of a burst, in bytes. */
const MAX_BURST_BYTES = 1 << 20;

/**
 * Generates programs. They shrink to fewer, sequential steps without faults, in the plain form, and each choice to the
 * simplest one, which comes first.
 */
export function programs(options: ProgramOptions): fc.Arbitrary<Program> {
  const step = fc.record({
    operation: operations(options),
    fault: faultOf(options.faults),
    begins: weighted({ after: 4, together: 3, "in-turn": 3 }),
  });
  const steps: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 1, maxLength: options.steps, size: "max" });
  // A seed is as good as any other: the only simpler one is 0.
  const seed = fc.noShrink(fc.integer({ min: 1, max: 0x7fff_ffff }));
  const variation = options.vary
    ? fc.oneof({ withCrossShrink: true }, { weight: 1, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: seed })
    : fc.constant(0);
  return fc.record({ variation, steps });
}

function operations(options: ProgramOptions): fc.Arbitrary<Operation> {
  const { accounts, devices, rotate, revoke, watch, json, maxPayloadBytes } = options;
  // Most operations use one account, because a violation concerns a single inbox.
  const account = fc.oneof(
    { weight: 30, arbitrary: fc.nat(Math.min(accounts, 2) - 1) },
    { weight: 1, arbitrary: fc.nat(accounts - 1) },
  );
  const target = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: account });
  const codec: fc.Arbitrary<Codec> = json ? weighted({ proto: 1, json: 1 }) : fc.constant("proto");
  const limit = Math.min(maxPayloadBytes, MAX_BYTES);
  const size = sizes(limit);

  const send: fc.Arbitrary<Operation> = fc.record({
    kind: fc.constant("send"),
    from: account,
    to: target,
    id: weighted({ new: 6, repeat: 3, reuse: 1, others: 1 }),
    size,
    codec,
  });
  const burst: fc.Arbitrary<Operation> = fc
    .record({
      kind: fc.constant("burst" as const),
      from: account,
      to: target,
      count: fc.integer({ min: 2, max: 12 }),
      size,
      codec,
    })
    .map((it) => ({ ...it, count: Math.max(2, Math.min(it.count, Math.floor(MAX_BURST_BYTES / (it.size + 1)))) }));
  const sync: fc.Arbitrary<Operation> = fc.record({
    kind: fc.constant("sync"),
    account: target,
    device: fc.nat(devices - 1),
    cursor: weighted({ own: 10, stale: 3, zero: 2, other: 1, ahead: 1 }),
    epoch: weighted({ own: 8, none: 3, wrong: 1 }),
    pageSize: fc.oneof(
      { weight: 2, arbitrary: fc.constant(0) },
      { weight: 3, arbitrary: fc.integer({ min: 1, max: 3 }) },
    ),
    store: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    codec,
  });
  const wrongCalls = WRONG_CALLS.filter((call) => call !== "send-too-large" || maxPayloadBytes <= MAX_BYTES);
  const wrong: fc.Arbitrary<Operation> = fc.record({
    kind: fc.constant("wrong"),
    account: target,
    call: fc.constantFrom(...wrongCalls),
    codec,
  });
  const of = <K extends Operation["kind"]>(kind: K) => fc.record({ kind: fc.constant(kind), account: target });
  const some = (isPossible: boolean, weight: number, arbitrary: fc.Arbitrary<Operation>) =>
    isPossible ? [{ weight, arbitrary }] : [];
  return fc.oneof(
    { weight: 100, arbitrary: send },
    { weight: 120, arbitrary: sync },
    { weight: 4, arbitrary: burst },
    { weight: 8, arbitrary: wrong },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("info" as const), codec }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("idle" as const), ms: weightedNumber(IDLE_MS) }) },
    ...some(watch, 12, fc.record({ kind: fc.constant("watch" as const), account: target, codec })),
    ...some(watch, 3, of("close-watch") as fc.Arbitrary<Operation>),
    ...some(rotate, 10, of("rotate") as fc.Arbitrary<Operation>),
    ...some(revoke, 3, fc.record({ kind: fc.constant("revoke" as const), account: fc.oneof(account, target) })),
    // Each takes time in which no other program runs. It is skipped if the server cannot be restarted: a program must
    // not depend on that, so that its seed and path name it in every command.
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
  );
}

/** Durations of pauses in milliseconds, with weights. */
const IDLE_MS: readonly (readonly [ms: number, weight: number])[] = [
  [5, 6],
  [50, 3],
  [200, 1],
];

/** Payload sizes: mostly a few bytes, now and then some KiB, rarely the largest. */
function sizes(limit: number): fc.Arbitrary<number> {
  const upTo = (...list: number[]) => fc.constantFrom(...list.map((size) => Math.min(size, limit)));
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 80, arbitrary: fc.nat(Math.min(8, limit)) },
    { weight: 17, arbitrary: upTo(0, 100, 1000) },
    { weight: 2, arbitrary: upTo(4096, 10_000, 16_384) },
    { weight: 1, arbitrary: upTo(32_768, 65_535, limit - 1, limit) },
  );
}

function faultOf(faults: FaultLevel): fc.Arbitrary<Step["fault"]> {
  const chance = { none: 0, light: 1, heavy: 4 }[faults];
  return fc.oneof(
    { weight: 6, arbitrary: fc.constant("none" as const) },
    ...(chance > 0 ? [{ weight: chance, arbitrary: fc.constantFrom(...NETWORK_FAULTS) }] : []),
  );
}

/** Generates a name by weight. It shrinks to the first one. */
function weighted<T extends string>(weights: Readonly<Record<T, number>>): fc.Arbitrary<T> {
  const entries = Object.entries(weights) as [T, number][];
  return fc.oneof(
    { withCrossShrink: true },
    ...entries.map(([name, weight]) => ({ weight, arbitrary: fc.constant(name) })),
  );
}

/** Generates a number by weight. It shrinks to the first one. */
function weightedNumber(weights: readonly (readonly [number, number])[]): fc.Arbitrary<number> {
  return fc.oneof(
    { withCrossShrink: true },
    ...weights.map(([value, weight]) => ({ weight, arbitrary: fc.constant(value) })),
  );
}
