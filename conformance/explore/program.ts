import type { Codec } from "../rpc/connect.js";

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

/** Calls that a server must refuse, and that must have no effect. */
export const WRONG_CALLS = [
  /** A Sync with a token that nobody has. */
  "sync-with-unknown-token",
  /** A Send with a token that nobody has. */
  "send-with-unknown-token",
  /** A Send to a user id that nobody has. */
  "send-to-unknown-recipient",
  /** A Send with one byte more than the server accepts. */
  "send-too-large",
  /** A Sync whose body is cut. */
  "malformed-sync",
  /** A Send whose body is cut. */
  "malformed-send",
] as const;
/** One of `WRONG_CALLS`. */
export type WrongCall = (typeof WRONG_CALLS)[number];

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
       * A new message; a retry of the sender's last message, or of its first one; its last id with other content; another
       * sender's last message, sent as this sender's own; or a new message with the id of the sender's last refused Send.
       */
      id: "new" | "repeat" | "first" | "reuse" | "others" | "refused";
      /** Payload size in bytes. */
      size: number;
      /** The codec of the request. */
      codec: Codec;
    }
  | {
      /** Sends several new messages at once. */
      kind: "burst";
      /** The sending account. */
      from: number;
      /** The receiving account. */
      to: number;
      /** Number of messages. */
      count: number;
      /** Size of each payload in bytes. */
      size: number;
      /** The codec of the requests. */
      codec: Codec;
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
      /** The codec of the request. */
      codec: Codec;
    }
  | {
      /** Opens a Watch. */
      kind: "watch";
      /** The account. */
      account: number;
      /** The codec of the request and of the frames. */
      codec: Codec;
    }
  | {
      /** Closes a Watch of the account. */
      kind: "close-watch";
      /** The account. */
      account: number;
      /** The one that has been open for the longest time, or for the shortest. */
      which: "oldest" | "newest";
    }
  | {
      /** Makes a call that must be refused. */
      kind: "wrong";
      /** The account that makes it, or to whose inbox it goes. */
      account: number;
      /** The call. */
      call: WrongCall;
      /** The codec of the request. */
      codec: Codec;
    }
  | {
      /** Asks for the server's info. */
      kind: "info";
      /** The codec of the request. */
      codec: Codec;
    }
  | {
      /** All clients pause. */
      kind: "idle";
      /** How long, in milliseconds. */
      ms: number;
    }
  | {
      /** Makes the inbox lose its data. */
      kind: "rotate";
      /** The account. */
      account: number;
    }
  | {
      /** Revokes the token of the account. */
      kind: "revoke";
      /** The account. */
      account: number;
    }
  | {
      /** Kills the server and starts it again. */
      kind: "restart";
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
  /**
   * Number of the forms of its requests and the contents of its messages; 0 if they are plain. Steps with the same
   * number continue each other.
   */
  look: number;
}

/** A program of clients. */
export interface Program {
  /** The steps. */
  steps: readonly Step[];
  /** Seed of the looks of all steps; 0 if all are plain. */
  variation: number;
}

/** The accounts that an operation uses. */
export function accountsOf(operation: Operation): number[] {
  if ("from" in operation) return [operation.from, operation.to];
  return "account" in operation ? [operation.account] : [];
}

/** The client that runs a step. The first device of an account also sends its messages. */
export function clientOf({ operation }: Step): string {
  switch (operation.kind) {
    case "send":
    case "burst":
      return `device ${operation.from} 0`;
    case "sync":
      return `device ${operation.account} ${operation.device}`;
    default:
      return operation.kind;
  }
}

/** Operations that run alone: during a data loss the outcome of other calls would be indeterminate. */
const runsAlone = ({ operation: { kind } }: Step) => kind === "rotate" || kind === "idle";

/** Splits a program into groups that run in sequence; the steps of a group run concurrently. */
export function groups(steps: readonly Step[]): Step[][] {
  const result: Step[][] = [];
  for (const step of steps) {
    const last = result.at(-1);
    const alone = runsAlone(step) || last?.some(runsAlone);
    if (last !== undefined && step.begins !== "after" && !alone) last.push(step);
    else result.push([step]);
  }
  return result;
}
