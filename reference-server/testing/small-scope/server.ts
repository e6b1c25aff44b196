import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { SendRequestSchema } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { Account } from "../../accounts.js";
import { Dedup, digest } from "../../dedup.js";
import { Inbox, type InboxLimits } from "../../inbox.js";
import { send } from "../../operations/send.js";
import { Service } from "../../service.js";

/**
 * The parts that a mutant replaces: parts of the server, and what a device stores of a response before it moves its
 * cursor.
 */
export interface Parts {
  stores?: (response: PageRange) => PageRange;
  inbox?: new (epoch: string, startSeq: number, limits: InboxLimits) => Inbox;
  dedup?: typeof Dedup;
  send?: typeof send;
}

/** A violation of a safety property. The message begins with the name of the property. */
export class Violation extends Error {}

/** Throws a Violation unless the property holds. The details are computed only then. */
export function check(property: string, holds: boolean, details: () => string): void {
  if (!holds) throw new Violation(`${property}: ${details()}`);
}

/** One state of the server. Immutable: each step creates another one. */
export interface ServerState {
  readonly nr: number;
  readonly inbox: Inbox;
  /** The accepted messages in order: `log[0]` must have seq 1. Independent of the inbox, which is compared with it. */
  readonly log: readonly string[];
  /** The highest cli_seq of an accepted Sync. */
  readonly acked: number;
}

/** The seqs of a page: those in (`base`, `next`]. */
export interface PageRange {
  base: number;
  next: number;
}

export const SENDERS = ["alice", "carol"] as const;
export const MESSAGES_EACH = 2;
export const ALL = SENDERS.length * MESSAGES_EACH;
const RECIPIENT = "bob";
const EPOCH = "e1";
const WINDOW_MS = 1000;

/**
 * Runs the real server, one step at a time from any state: Inbox, Dedup and the operation Send, or mutants of them.
 * Every response is checked. The result of each step is cached, because it does not depend on the state of the clients.
 */
export class Server {
  readonly #parts: Required<Omit<Parts, "stores">>;
  readonly #service = new Service({ dedupWindowMs: WINDOW_MS, now: () => this.#now });
  readonly #senders: readonly Account[];
  readonly #recipient: Account;
  readonly #states = new Map<string, ServerState>();
  readonly #steps = new Map<string, unknown>();
  #now = 0;

  constructor(parts: Parts = {}) {
    this.#parts = { inbox: Inbox, dedup: Dedup, send, ...parts };
    this.#senders = SENDERS.map((userId) => this.#service.createAccount(userId).account);
    this.#recipient = this.#service.createAccount(RECIPIENT).account;
  }

  initial(): ServerState {
    const limits = { maxBacklog: ALL, maxPageSize: ALL, maxPageBytes: 1000 };
    return this.#state(new this.#parts.inbox(EPOCH, 0, limits), [], 0);
  }

  /**
   * The request to send message `nr` of a sender arrives. Both senders use the same ids, because the scope of an id is
   * the sender.
   */
  send(state: ServerState, sender: number, nr: number): ServerState {
    return this.#once(`${state.nr} send ${sender} ${nr}`, () => {
      const message = `${SENDERS[sender]} m-${nr + 1}`;
      const inbox = this.#install(state);
      const caller = { account: this.#senders[sender] as Account, tokenHash: "" };
      const { acceptedAt } = this.#parts.send(this.#service, caller, requestOf(message));

      const known = state.log.indexOf(message);
      const log = known < 0 ? [...state.log, message] : state.log;
      check("exactly once", inbox.svrSeq === log.length, () => `svr_seq ${inbox.svrSeq} after ${log.length} messages`);
      const first = known < 0 ? state.log.length : known;
      check(
        "same response to a retry",
        timestampMs(acceptedAt as Timestamp) === first,
        () => `accepted_at of ${message}`,
      );
      return this.#state(inbox, log, state.acked);
    });
  }

  /** A Sync arrives. */
  sync(state: ServerState, cliSeq: number, pageSize: number): { state: ServerState; response: PageRange } {
    return this.#once(`${state.nr} sync ${cliSeq} ${pageSize}`, () => {
      const inbox = this.#install(state);
      const { messages, ...page } = inbox.sync(cliSeq, EPOCH, pageSize);
      const { log } = state;
      const acked = Math.max(state.acked, cliSeq);
      const seqs = messages.map(({ seq }) => seq);
      const details = () =>
        `Sync(${cliSeq}) returns acked ${page.ackedSeq}, [${seqs}], next ${page.nextCliSeq} of ${page.svrSeq}; acked was ${state.acked}`;
      check("no redelivery", page.ackedSeq >= acked && seqs.every((seq) => seq > acked), details);
      check("acks cli_seq only", page.ackedSeq <= acked, details);
      check("consecutive", String(seqs) === String(range(acked, acked + seqs.length)), details);
      check(
        "right message",
        messages.every((it) => `${it.senderId} ${it.clientMessageId}` === log[it.seq - 1]),
        details,
      );
      check("bounded", seqs.length <= pageSize, details);
      check("next", page.nextCliSeq === acked + seqs.length && page.svrSeq === log.length, details);
      return { state: this.#state(inbox, log, acked), response: { base: page.ackedSeq, next: page.nextCliSeq } };
    });
  }

  /** Puts a copy of the inbox of this state into the service, with its clock and its dedup records. */
  #install({ inbox, log }: ServerState): Inbox {
    const copy = copyOf(inbox);
    const dedup = new this.#parts.dedup(WINDOW_MS, ALL);
    for (const [index, message] of log.entries()) {
      const { recipientId, clientMessageId, payload } = requestOf(message);
      const record = { recipientId, epoch: EPOCH, payloadDigest: digest(payload), acceptedAt: timestampFromMs(index) };
      dedup.add(message.split(" ")[0] as string, clientMessageId, index, record);
    }
    // The accepted_at of a message is its index in the log.
    this.#now = log.length;
    Object.assign(this.#recipient, { inbox: copy });
    Object.assign(this.#service, { dedup });
    return copy;
  }

  /** Returns the state with these contents. It is created and checked only once, however it is reached. */
  #state(inbox: Inbox, log: readonly string[], acked: number): ServerState {
    const key = `${contents(inbox)}|${log}|${acked}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    check("ack monotone", inbox.ackedSeq === acked, () => `acked_seq is ${inbox.ackedSeq} after Sync(${acked})`);
    const state = { nr: this.#states.size, inbox, log, acked };
    this.#states.set(key, state);
    return state;
  }

  #once<T>(key: string, make: () => T): T {
    if (!this.#steps.has(key)) this.#steps.set(key, make());
    return this.#steps.get(key) as T;
  }
}

/** The seqs in (`after`, `to`]. */
export function range(after: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - after) }, (_, index) => after + index + 1);
}

function requestOf(message: string) {
  const clientMessageId = message.split(" ")[1] as string;
  return create(SendRequestSchema, { recipientId: RECIPIENT, clientMessageId, payload: Buffer.from(message) });
}

/** Copies an inbox, with all Maps, also those that a mutant adds. */
function copyOf(inbox: Inbox): Inbox {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(inbox)) as Inbox, inbox);
  for (const [name, value] of Object.entries(copy))
    if (value instanceof Map) Object.assign(copy, { [name]: new Map(value) });
  return copy;
}

function contents(inbox: Inbox): string {
  const fields = Object.entries(inbox).filter(([name]) => name !== "limits");
  return fields.map(([name, value]) => `${name}=${value instanceof Map ? [...value.keys()] : value}`).join(" ");
}
