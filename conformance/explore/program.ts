import fc from "fast-check";

/** What the network does to one request and its answer. */
export const NETWORK_FAULTS = [
  /** The request never arrives. */
  "lose-request",
  /** The request arrives after its client has given up, behind requests that were made later. */
  "late-request",
  /** The client goes away while the request is being carried out. */
  "abandon",
  /** The request is carried out; its answer is lost. */
  "lose-answer",
  /** The connection is reset between the head of the answer and its body. */
  "reset-after-head",
  /** The answer is cut off in its middle. */
  "cut-answer",
  /** The request arrives twice. */
  "twice",
  /** The request takes its time, so that others overtake it. */
  "delay",
] as const;
export type NetworkFault = (typeof NETWORK_FAULTS)[number];

/** How hostile the network is. */
export const FAULT_LEVELS = ["none", "light", "heavy"] as const;
export type FaultLevel = (typeof FAULT_LEVELS)[number];

export type Operation =
  | {
      kind: "send";
      /** Index of the sending account, and of the receiving one. */
      from: number;
      to: number;
      /** A new message; the sender's last one again, as after a lost answer; its last id for something else; or another sender's last message as if it were one's own. */
      id: "new" | "repeat" | "reuse" | "others";
      /** Payload size in bytes. */
      size: number;
    }
  | {
      kind: "sync";
      account: number;
      device: number;
      /** What the device has; what it had before its last store; 0; one that another device had; more than there is. */
      cursor: "own" | "stale" | "zero" | "other" | "ahead";
      epoch: "own" | "none" | "wrong";
      pageSize: number;
      /** Whether the device stores the page and advances. */
      store: boolean;
    }
  | { kind: "watch"; account: number }
  | { kind: "rotate"; account: number };

/** One operation of a program. */
export interface Step {
  operation: Operation;
  fault: NetworkFault | "none";
  /**
   * When it begins: after all steps before it have ended; together with the step before it; or so too, but not before its own
   * client's last step has ended, as clients do that have one call at a time under way.
   */
  begins: "after" | "together" | "in-turn";
}

export interface ProgramOptions {
  accounts: number;
  devices: number;
  faults: FaultLevel;
  /** Whether an inbox can be made to lose its data. */
  rotate: boolean;
  /** Whether the server has Watch. */
  watch: boolean;
  /** Longest payload that the server takes, in bytes. */
  maxPayloadBytes: number;
  /** Most steps. */
  steps: number;
}

/** Generates programs; what it generates shrinks towards fewer steps, no faults, and one after the other. */
export function programs(options: ProgramOptions): fc.Arbitrary<Step[]> {
  const { accounts, devices, faults, rotate, watch, maxPayloadBytes, steps } = options;
  const account = fc.nat(accounts - 1);
  // Most traffic goes to the first account: what goes wrong, goes wrong within one inbox.
  const target = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: account });
  const send: fc.Arbitrary<Operation> = fc.record({
    kind: fc.constant("send"),
    from: account,
    to: target,
    id: weighted({ new: 6, repeat: 3, reuse: 1, others: 1 }),
    size: fc.oneof(
      { weight: 4, arbitrary: fc.nat(Math.min(8, maxPayloadBytes)) },
      { weight: 1, arbitrary: fc.constantFrom(...[0, 100, 1000].map((size) => Math.min(size, maxPayloadBytes))) },
    ),
  });
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
  });
  const operation = fc.oneof(
    { weight: 10, arbitrary: send },
    { weight: 12, arbitrary: sync },
    ...(watch ? [{ weight: 1, arbitrary: fc.record({ kind: fc.constant("watch" as const), account: target }) }] : []),
    ...(rotate ? [{ weight: 1, arbitrary: fc.record({ kind: fc.constant("rotate" as const), account: target }) }] : []),
  );
  const chance = { none: 0, light: 1, heavy: 4 }[faults];
  const fault = fc.oneof(
    { weight: 6, arbitrary: fc.constant("none" as const) },
    ...(chance > 0 ? [{ weight: chance, arbitrary: fc.constantFrom(...NETWORK_FAULTS) }] : []),
  );
  const step = fc.record({ operation, fault, begins: weighted({ after: 4, together: 3, "in-turn": 3 }) });
  return fc.array(step, { minLength: 1, maxLength: steps, size: "max" });
}

/** One of the names, the first (to which it shrinks) and others by their weights. */
function weighted<T extends string>(weights: Readonly<Record<T, number>>): fc.Arbitrary<T> {
  const entries = Object.entries(weights) as [T, number][];
  return fc.oneof(...entries.map(([name, weight]) => ({ weight, arbitrary: fc.constant(name) })));
}

/** Which client performs a step: an account's first device is also the one that sends. */
export function clientOf({ operation }: Step): string {
  switch (operation.kind) {
    case "send":
      return `device ${operation.from} 0`;
    case "sync":
      return `device ${operation.account} ${operation.device}`;
    default:
      return operation.kind;
  }
}

/** Steps that run side by side, group after group. */
export function groups(steps: readonly Step[]): Step[][] {
  const all: Step[][] = [];
  for (const step of steps) {
    const last = all.at(-1);
    // Losing all data while calls are under way would leave nothing to be said about them.
    const alone = step.operation.kind === "rotate" || last?.some(({ operation }) => operation.kind === "rotate");
    if (last !== undefined && step.begins !== "after" && !alone) last.push(step);
    else all.push([step]);
  }
  return all;
}
