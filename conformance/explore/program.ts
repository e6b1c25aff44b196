import fc from "fast-check";

/** The faults that the network injects into one request or its response. */
export const NETWORK_FAULTS = [
  /** The request does not arrive. */
  "drop-request",
  /** The client gets an error, and the request arrives later, after requests that were made after it. */
  "delay-request",
  /** The connection closes while the server processes the request. */
  "abort-request",
  /** The server processes the request, and the response is dropped. */
  "drop-response",
  /** The connection is reset between the headers of the response and its body. */
  "reset-after-head",
  /** The connection is reset in the middle of the body of the response. */
  "truncate-response",
  /** The request arrives twice. */
  "duplicate-request",
  /** The request is delayed by some milliseconds, so that concurrent requests overtake it. */
  "slow-request",
] as const;
/** One of `NETWORK_FAULTS`. */
export type NetworkFault = (typeof NETWORK_FAULTS)[number];

/** Share of the operations with a network fault: none, one in seven, or two in five. */
export const FAULT_LEVELS = ["none", "light", "heavy"] as const;
/** One of `FAULT_LEVELS`. */
export type FaultLevel = (typeof FAULT_LEVELS)[number];

/** An operation of a program. Accounts and devices are numbered from 0. */
export type Operation =
  | {
      /** Sends a message. */
      kind: "send";
      /** The sending account. */
      from: number;
      /** The receiving account. */
      to: number;
      /**
       * A new message; a retry of the sender's last message; its last id with other content; or another sender's last
       * message, sent as this sender's own.
       */
      id: "new" | "repeat" | "reuse" | "others";
      /** Payload size in bytes. */
      size: number;
    }
  | {
      /** Fetches a page. */
      kind: "sync";
      /** The account. */
      account: number;
      /** The device of the account. */
      device: number;
      /** The cli_seq: the device's own; its value before the last page; 0; another device's; or one above svr_seq. */
      cursor: "own" | "stale" | "zero" | "other" | "ahead";
      /** The epoch: the device's own, none, or a wrong one. */
      epoch: "own" | "none" | "wrong";
      /** The page_size. */
      pageSize: number;
      /** Whether the device stores the page and advances cli_seq. */
      store: boolean;
    }
  | {
      /** Opens a Watch. */
      kind: "watch";
      /** The account. */
      account: number;
    }
  | {
      /** Makes the inbox lose its data. */
      kind: "rotate";
      /** The account. */
      account: number;
    };

/** A step of a program. */
export interface Step {
  /** The operation. */
  operation: Operation;
  /** The network fault that is injected into its request or response. */
  fault: NetworkFault | "none";
  /**
   * When it begins: after all steps before it have ended; together with the step before it; or together with that step,
   * but not before the last step of its own client has ended, as a client with one call at a time does.
   */
  begins: "after" | "together" | "in-turn";
}

export interface ProgramOptions {
  accounts: number;
  devices: number;
  faults: FaultLevel;
  /** Whether the source of accounts can make an inbox lose its data. */
  rotate: boolean;
  /** Whether the server declares WATCH. */
  watch: boolean;
  /** Maximum size of a payload, in bytes. */
  maxPayloadBytes: number;
  /** Maximum number of steps. */
  steps: number;
}

/** Generates programs. They shrink to fewer, sequential steps without faults. */
export function programs(options: ProgramOptions): fc.Arbitrary<Step[]> {
  const { accounts, devices, faults, rotate, watch, maxPayloadBytes, steps } = options;
  const account = fc.nat(accounts - 1);
  // Most operations use one account, because a violation concerns a single inbox.
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

/** Generates a name by weight. It shrinks to the first one. */
function weighted<T extends string>(weights: Readonly<Record<T, number>>): fc.Arbitrary<T> {
  const entries = Object.entries(weights) as [T, number][];
  return fc.oneof(...entries.map(([name, weight]) => ({ weight, arbitrary: fc.constant(name) })));
}

/** The client that runs a step. The first device of an account also sends its messages. */
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

/** Splits a program into groups that run in sequence; the steps of a group run concurrently. */
export function groups(steps: readonly Step[]): Step[][] {
  const result: Step[][] = [];
  for (const step of steps) {
    const last = result.at(-1);
    // A data loss during other calls would make their outcomes indeterminate, so it runs alone.
    const alone = step.operation.kind === "rotate" || last?.some(({ operation }) => operation.kind === "rotate");
    if (last !== undefined && step.begins !== "after" && !alone) last.push(step);
    else result.push([step]);
  }
  return result;
}
