import fc from "fast-check";
import type { Codec } from "../rpc/connect.js";
import { type FaultLevel, NETWORK_FAULTS, type Operation, type Program, type Step, WRONG_CALLS } from "./program.js";
import { droppable, scenarios } from "./scenarios.js";

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
  /** Maximum size of a payload, in bytes. */
  maxPayloadBytes: number;
  /** Maximum number of parts: single steps, and scenarios of several steps. */
  parts: number;
}

/** Largest payload that programs send, in bytes, whatever the server accepts. */
const MAX_BYTES = 256 << 10;
/** Largest sum of the payloads of a burst, in bytes. */
const MAX_BURST_BYTES = 1 << 20;
/** Shares of the parts of a program: single steps, and scenarios of several steps. */
const SINGLE_STEPS = 12;
const SCENARIOS = 1;

/** A seed is as good as any other: the only simpler one is 0. */
const seed = fc.noShrink(fc.integer({ min: 1, max: 0x7fff_ffff }));

/** The look of a step: plain, that of others, or one of its own. */
const look = fc.oneof(
  { withCrossShrink: true },
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 2, arbitrary: fc.constantFrom(1, 2) },
  { weight: 4, arbitrary: seed },
);

/**
 * Generates programs. They shrink to fewer, sequential steps without faults, in the plain form, and each choice to the
 * simplest one, which comes first.
 */
export function programs(options: ProgramOptions): fc.Arbitrary<Program> {
  const parts = partsOf(options);
  const { fault } = parts;
  const single = fc
    .record({
      operation: operations(options, parts),
      fault,
      begins: weighted({ after: 4, together: 3, "in-turn": 3 }),
      look,
    })
    .map((step): Step[] => [step]);
  const part = fc.oneof(
    { withCrossShrink: true },
    { weight: SINGLE_STEPS, arbitrary: single },
    { weight: SCENARIOS, arbitrary: scenarios({ ...options, ...parts }) },
  );
  const steps = fc
    // Shrinking an array does not remove its last elements.
    .array(droppable(1000, part), { minLength: 1, maxLength: options.parts, size: "max" })
    .map((list) => list.flatMap((it) => it ?? []));
  const variation = fc.oneof(
    { withCrossShrink: true },
    { weight: 1, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: seed },
  );
  return fc.record({ variation, steps });
}

/** What the steps of a program are made of. */
function partsOf({ faults, json, maxPayloadBytes }: ProgramOptions) {
  const maxBytes = Math.min(maxPayloadBytes, MAX_BYTES);
  return {
    fault: faultOf(faults),
    codec: (json ? weighted({ proto: 1, json: 1 }) : fc.constant("proto")) as fc.Arbitrary<Codec>,
    maxBytes,
    size: sizes(maxBytes),
    wrongCalls: WRONG_CALLS.filter((call) => call !== "send-too-large" || maxPayloadBytes <= MAX_BYTES),
    look,
  };
}

function operations(
  { accounts, devices, rotate, revoke, watch }: ProgramOptions,
  { codec, size, wrongCalls }: ReturnType<typeof partsOf>,
): fc.Arbitrary<Operation> {
  // Most operations use one account, because a violation concerns a single inbox.
  const account = fc.oneof(
    { weight: 30, arbitrary: fc.nat(Math.min(accounts, 2) - 1) },
    { weight: 1, arbitrary: fc.nat(accounts - 1) },
  );
  const target = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: account });
  const send: fc.Arbitrary<Operation> = fc.record({
    kind: fc.constant("send"),
    from: account,
    to: target,
    id: weighted({ new: 12, repeat: 5, first: 2, reuse: 2, others: 2, refused: 1 }),
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
    ...some(
      watch,
      3,
      fc.record({
        kind: fc.constant("close-watch" as const),
        account: target,
        which: weighted({ oldest: 1, newest: 1 }),
      }),
    ),
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
