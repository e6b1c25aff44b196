import { create } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { SendRequestSchema } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { Account } from "../../accounts.js";
import { Dedup, digest } from "../../dedup.js";
import { Inbox, type InboxLimits } from "../../inbox.js";
import { send } from "../../operations/send.js";
import { Service } from "../../service.js";

/** What a mutant replaces: parts of the server, and what a device really stores of an answer before it moves its cursor. */
export interface Parts {
  stores?: (answer: Answer) => Answer;
  inbox?: new (epoch: string, startSeq: number, limits: InboxLimits) => Inbox;
  dedup?: typeof Dedup;
  send?: typeof send;
}

/** A safety property does not hold. The message begins with its name. */
export class Violation extends Error {}

/** Throws unless it holds. What it is about is put into words only then. */
export function check(property: string, holds: boolean, about: () => string): void {
  if (!holds) throw new Violation(`${property}: ${about()}`);
}

/** One state of the server. Never changed: each step makes another one. */
export interface ServerState {
  readonly nr: number;
  readonly inbox: Inbox;
  /** What was accepted, in order: `log[0]` is to have seq 1. Kept apart from the inbox, to hold it against. */
  readonly log: readonly string[];
  /** The highest cursor that was answered. */
  readonly acked: number;
}

/** The seqs of a page: those in (`base`, `next`]. */
export interface Answer {
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
 * The real server, one step at a time from any state: Inbox, Dedup and the operation Send as they are, or mutants of them. Every
 * answer is checked. A step that was made once is remembered: it is the same whatever the clients do meanwhile.
 */
export class Server {
  readonly #parts: Required<Omit<Parts, "stores">>;
  readonly #service = new Service({ dedupWindowMs: WINDOW_MS, now: () => this.#now });
  readonly #senders: readonly Account[];
  readonly #recipient: Account;
  readonly #states = new Map<string, ServerState>();
  readonly #made = new Map<string, unknown>();
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

  /** A sender's message `nr` arrives. Both senders use the same ids, whose scope is the sender. */
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
      check("same answer again", timestampMs(acceptedAt as Timestamp) === first, () => `accepted_at of ${message}`);
      return this.#state(inbox, log, state.acked);
    });
  }

  /** A Sync arrives. */
  sync(state: ServerState, cliSeq: number, pageSize: number): { state: ServerState; answer: Answer } {
    return this.#once(`${state.nr} sync ${cliSeq} ${pageSize}`, () => {
      const inbox = this.#install(state);
      const { messages, ...page } = inbox.sync(cliSeq, EPOCH, pageSize);
      const { log } = state;
      const acked = Math.max(state.acked, cliSeq);
      const seqs = messages.map(({ seq }) => seq);
      const about = () =>
        `Sync(${cliSeq}) answers acked ${page.ackedSeq}, [${seqs}], next ${page.nextCliSeq} of ${page.svrSeq}; acked was ${state.acked}`;
      check("no redelivery", page.ackedSeq >= acked && seqs.every((seq) => seq > acked), about);
      check("acks what was said", page.ackedSeq <= acked, about);
      check("consecutive", String(seqs) === String(range(acked, acked + seqs.length)), about);
      check(
        "right message",
        messages.every((it) => `${it.senderId} ${it.clientMessageId}` === log[it.seq - 1]),
        about,
      );
      check("bounded", seqs.length <= pageSize, about);
      check("next", page.nextCliSeq === acked + seqs.length && page.svrSeq === log.length, about);
      return { state: this.#state(inbox, log, acked), answer: { base: page.ackedSeq, next: page.nextCliSeq } };
    });
  }

  /** A copy of the state's inbox, put into the service with the clock and the dedup records that belong to it. */
  #install({ inbox, log }: ServerState): Inbox {
    const copy = copyOf(inbox);
    const dedup = new this.#parts.dedup(WINDOW_MS, ALL);
    for (const [index, message] of log.entries()) {
      const { recipientId, clientMessageId, payload } = requestOf(message);
      const record = { recipientId, epoch: EPOCH, payloadDigest: digest(payload), acceptedAt: timestampFromMs(index) };
      dedup.add(message.split(" ")[0] as string, clientMessageId, index, record);
    }
    // Each message gets another accepted_at: its index in the log.
    this.#now = log.length;
    Object.assign(this.#recipient, { inbox: copy });
    Object.assign(this.#service, { dedup });
    return copy;
  }

  /** The one state of these contents, whichever way it was reached; checked when it is first seen. */
  #state(inbox: Inbox, log: readonly string[], acked: number): ServerState {
    const key = `${contents(inbox)}|${log}|${acked}`;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    check("ack monotone", inbox.ackedSeq === acked, () => `acked_seq is ${inbox.ackedSeq} after ${acked} was answered`);
    const state = { nr: this.#states.size, inbox, log, acked };
    this.#states.set(key, state);
    return state;
  }

  #once<T>(key: string, make: () => T): T {
    if (!this.#made.has(key)) this.#made.set(key, make());
    return this.#made.get(key) as T;
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

/** A copy that shares nothing that changes, whatever a mutant adds. */
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
