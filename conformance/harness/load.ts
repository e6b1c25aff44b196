import { setTimeout as pause } from "node:timers/promises";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { SendResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { NoResponseFailure, RetriesExhausted } from "../findings.js";
import type { DefiniteResult, Refusal } from "../rpc/result.js";
import type { Device, SentMessage, TestAccount } from "./account.js";
import type { Context } from "./context.js";

/** Maximum number of rounds of each loop: a crash may be long in coming, and the history of a case has a bound. */
const MAX_ROUNDS = 300;
/** Rounds that each loop makes until `continues` resolves. */
const SOME_ROUNDS = 5;

/** A Send under load, whose outcome may be unknown. */
export interface LoadedSend {
  from: TestAccount;
  to: TestAccount;
  /** `acceptedAt` is undefined while no response has arrived. */
  sent: SentMessage;
  /** The refusal, if it was refused. */
  refusal?: Refusal;
}

/**
 * Clients that make one call after the other, as fast as the responses come, until the server crashes or the case stops
 * them. A loop becomes slower with each round, so that it is still running if the crash is long in coming.
 */
export class Load {
  /** All Sends, in the order in which they began. */
  readonly sends: LoadedSend[] = [];
  /** Pairs of Sends with the same id to two recipients, made at the same time. */
  readonly pairs: (readonly [LoadedSend, LoadedSend])[] = [];
  /** For each device, the highest `cli_seq` that a successful Sync has acknowledged. */
  readonly acked = new Map<Device, number>();
  readonly #t: Context;
  readonly #loops: Loop[] = [];
  #isStopped = false;

  constructor(t: Context) {
    this.#t = t;
  }

  /** Sends messages. */
  send(from: TestAccount, to: TestAccount): void {
    this.#loop(async (round) => {
      const result = await this.#attempt(this.#newSend(from, to, this.#t.newId(), round));
      return !isFull(result);
    });
  }

  /** Sends a message at one front end, and as soon as it is answered fetches it at another one. */
  sendThenSync(from: TestAccount, to: TestAccount, device: Device): void {
    const { length } = this.#t.session.transport.urls;
    this.#loop(async (round) => {
      const endpoint = round % length;
      const result = await this.#attempt(this.#newSend(from, to, this.#t.newId(), round), endpoint);
      return (await this.#fetch(device, (endpoint + 1) % length)) && !isFull(result);
    });
  }

  /** Fetches and acknowledges what arrives. */
  fetch(device: Device): void {
    this.#loop(() => this.#fetch(device));
  }

  /** Sends a message to two recipients at once, with the same id: the server accepts one of the Sends. */
  sendToBoth(from: TestAccount, [one, two]: readonly [TestAccount, TestAccount]): void {
    this.#loop(async (round) => {
      const id = this.#t.newId();
      const pair = [this.#newSend(from, one, id, round), this.#newSend(from, two, id, round)] as const;
      this.pairs.push(pair);
      const results = await Promise.all(pair.map((send) => this.#attempt(send)));
      return !results.some(isFull);
    });
  }

  /** Resolves once each loop that has not ended has made some more rounds. */
  async continues(): Promise<void> {
    const begun = this.#loops.map((loop) => ({ loop, from: loop.rounds }));
    for (const { loop, from } of begun)
      while (!loop.hasEnded && loop.rounds < from + SOME_ROUNDS) await loop.nextRound();
  }

  /** Stops all loops. Throws the violation that ended one. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const ends = await Promise.allSettled(this.#loops.map(({ end }) => end));
    for (const end of ends) if (end.status === "rejected" && !isOutage(end.reason)) throw end.reason;
  }

  /** Fetches a page. Returns false if the Sync was refused, as after a crash with a new epoch. */
  async #fetch(device: Device, endpoint = this.#t.session.nextEndpoint()): Promise<boolean> {
    const { cliSeq } = device;
    const page = await device.trySync({}, { endpoint });
    if (page.kind !== "response") return false;
    this.acked.set(device, cliSeq);
    device.store(page.value);
    return true;
  }

  #newSend(from: TestAccount, to: TestAccount, id: string, round: number): LoadedSend {
    const sent = { clientMessageId: id, payload: this.#t.filler(`under load ${round}`), acceptedAt: undefined };
    const send: LoadedSend = { from, to, sent };
    this.sends.push(send);
    return send;
  }

  async #attempt(send: LoadedSend, endpoint = this.#t.session.nextEndpoint()): Promise<DefiniteResult<SendResponse>> {
    const { from, to, sent } = send;
    const result = await from.trySend(to, sent.payload, { id: sent.clientMessageId, endpoint });
    if (result.kind === "response") sent.acceptedAt = result.value.acceptedAt;
    else send.refusal = result.refusal;
    return result;
  }

  /** Repeats `act` until it returns false. */
  #loop(act: (round: number) => Promise<boolean>): void {
    this.#loops.push(
      new Loop(async (round) => {
        if (this.#isStopped || !(await act(round))) return false;
        await pause(Math.floor(round / 20), undefined, { signal: this.#t.signal });
        return true;
      }),
    );
  }
}

/** Calls a function again and again until it returns false. */
class Loop {
  rounds = 0;
  hasEnded = false;
  /** Rejects with the error that ended the loop. */
  readonly end: Promise<void>;
  #wake = () => {};

  constructor(act: (round: number) => Promise<boolean>) {
    this.end = this.#run(act).finally(() => {
      this.hasEnded = true;
      this.#wake();
    });
    // `Load.stop` examines how the loop ended.
    this.end.catch(() => {});
  }

  /** Resolves after the next round, or at the end. */
  nextRound(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async #run(act: (round: number) => Promise<boolean>): Promise<void> {
    while (this.rounds < MAX_ROUNDS && (await act(this.rounds + 1))) {
      this.rounds += 1;
      this.#wake();
    }
  }
}

const isFull = (result: DefiniteResult<unknown>) =>
  result.kind === "refusal" && result.refusal.reason === Reason.BACKLOG_FULL;

/** Whether a call had no definite result, as while the server is down. */
const isOutage = (error: unknown) => error instanceof NoResponseFailure || error instanceof RetriesExhausted;
