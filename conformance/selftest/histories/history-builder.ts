import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import {
  accountOpened,
  done,
  type EventBody,
  header,
  noResponse,
  refused,
  restartCall,
  revokeCall,
  rotateCall,
  sendCall,
  sendReturn,
  stepClockCall,
  syncCall,
  syncReturn,
  watchCall,
  watchFrame,
} from "../../history/events.js";
import { Recorder, SUITE } from "../../history/recorder.js";
import { Judge } from "../../judge/judge.js";
import { CODE_OF, STATUS_OF } from "../../rpc/connect.js";

/** Fields of the header of a history. */
export type HeaderFields = Parameters<typeof header>[0];

/** A message of a page. */
export interface PageMessage {
  seq: number;
  id: string;
  from?: string;
  text?: string;
  /** `accepted_at` in seconds since 1970; 0 for none. Default 1. */
  at?: number;
}

/** Adds the outcome of a call. Each method returns the history. */
export interface CallOutcomes {
  /** A refusal with a reason, and with the state of an inbox if given. */
  refused(reason: Reason, state?: { svrSeq?: number; epoch?: string }): HistoryBuilder;
  /** A refusal with a code and without a reason. */
  failed(code: string): HistoryBuilder;
  /** No response: the outcome is indeterminate. */
  noResponse(): HistoryBuilder;
}

export interface SendOutcomes extends CallOutcomes {
  /** Accepted, with `accepted_at` in seconds since 1970; 0 for none. Default 1. */
  ok(at?: number): HistoryBuilder;
}

export interface SyncOutcomes extends CallOutcomes {
  /** A page. A message that is only an id gets the seq of its position after `acked`. */
  page(
    acked: number,
    svr: number,
    messages?: readonly (string | PageMessage)[],
    more?: { epoch?: string; next?: number | undefined },
  ): HistoryBuilder;
}

/** Builds histories for tests of the judge. The time of each event is its index, in milliseconds. */
export class HistoryBuilder {
  readonly #recorder: Recorder = new Recorder(undefined, () => BigInt(this.events.length) * 1000n + this.#waited);
  #waited = 0n;
  readonly events: Event[] = this.#recorder.events;

  constructor(fields: HeaderFields = {}) {
    this.#add(0n, header({ profiles: [Profile.CORE, Profile.WATCH], maxPageSize: 100, ...fields }));
  }

  /** Opens an account. Without a `startSeq` its inbox may hold messages from before the history. */
  openAccount(userId: string, startSeq?: number): this {
    return this.#add(0n, accountOpened(userId, startSeq));
  }

  send(id: string, { from = "alice", to = "bob", text = "hello" } = {}): SendOutcomes {
    const call = { senderId: from, recipientId: to, clientMessageId: id, payload: Buffer.from(text) };
    const op = this.#call(from, sendCall(call));
    return {
      ...this.#outcomes(op),
      ok: (at = 1) => this.#add(op, sendReturn(at === 0 ? undefined : time(at))),
    };
  }

  sync(cliSeq: number, { user = "bob", client = "phone", epoch = "", pageSize = 0 } = {}): SyncOutcomes {
    const op = this.#call(client, syncCall({ userId: user, cliSeq, epoch, pageSize }));
    return {
      ...this.#outcomes(op),
      page: (
        acked: number,
        svr: number,
        messages: readonly (string | PageMessage)[] = [],
        { epoch: pageEpoch = "e1", next = undefined as number | undefined } = {},
      ) => {
        const shown = messages.map((it, index) => (typeof it === "string" ? { seq: acked + 1 + index, id: it } : it));
        const page = {
          epoch: pageEpoch,
          svrSeq: svr,
          ackedSeq: acked,
          nextCliSeq: next ?? shown.at(-1)?.seq ?? acked,
          messages: shown.map(({ seq, id, from = "alice", text = "hello", at = 1 }: PageMessage) => ({
            seq,
            senderId: from,
            clientMessageId: id,
            payload: Buffer.from(text),
            ...(at === 0 ? {} : { acceptedAt: time(at) }),
          })),
        };
        return this.#add(op, syncReturn(page));
      },
    };
  }

  watch(user = "bob"): { frame(svrSeq: number, epoch?: string): HistoryBuilder; cut(): HistoryBuilder } {
    const op = this.#call(`${user}'s watch`, watchCall(user));
    return {
      frame: (svrSeq: number, epoch = "e1") => this.#add(op, watchFrame({ epoch, svrSeq })),
      cut: () => this.#add(op, noResponse("cut")),
    };
  }

  /** Lets time pass, in milliseconds, in which nothing happens. */
  wait(ms: number): this {
    this.#waited += BigInt(ms) * 1000n;
    return this;
  }

  /** Lets seconds pass in which calls are answered that have nothing to do with bob: Syncs of alice. */
  serve(seconds: number): this {
    for (let n = 0; n < 2 * seconds; n += 1) this.wait(500).sync(0, { user: "alice", client: "laptop" }).page(0, 0);
    return this;
  }

  /** Adds a call of RevokeToken. */
  revoke(userId = "bob"): this {
    return this.#add(this.#call(SUITE, revokeCall(userId)), done());
  }

  /** Adds a call of RotateEpoch that succeeds: the inbox loses its data. */
  rotate(userId = "bob"): this {
    return this.#add(this.#call(SUITE, rotateCall(userId)), done());
  }

  /** Adds a call of StepClock that succeeds. */
  stepClock(offsetMs: number): this {
    return this.#add(this.#call(SUITE, stepClockCall(offsetMs)), done());
  }

  /** Adds a restart of the server. */
  restart(): this {
    return this.#add(this.#call(SUITE, restartCall()), done());
  }

  /** The requirements that the judge blames, in the order of the findings. */
  blamed(): string[] {
    return this.findings().map(({ requirement }) => requirement);
  }

  /** The findings of the judge. */
  findings() {
    const judge = new Judge();
    for (const event of this.events) judge.observe(event);
    return judge.finish();
  }

  #outcomes(op: bigint): CallOutcomes {
    const refuse = (code: string, reason?: Reason, detail?: { svrSeq?: number; epoch?: string }) =>
      this.#add(op, refused({ status: STATUS_OF[code] ?? 0, code, reason, detail }));
    return {
      refused: (reason: Reason, state) => refuse(CODE_OF[reason] ?? "", reason, state),
      failed: (code: string) => refuse(code),
      noResponse: () => this.#add(op, noResponse("no response")),
    };
  }

  #call(client: string, body: EventBody): bigint {
    return this.#recorder.call(client, 0, body);
  }

  #add(op: bigint, body: EventBody): this {
    this.#recorder.complete(op, body);
    return this;
  }
}

/** A history with the new accounts bob and alice. */
export const newHistory = (fields: HeaderFields = {}) =>
  new HistoryBuilder(fields).openAccount("bob", 0).openAccount("alice", 0);

/** A history with the new accounts bob and alice, in which alice sent bob the messages m1, m2 and so on. */
export function withMessages(count: number, fields: HeaderFields = {}): HistoryBuilder {
  const history = newHistory(fields);
  for (let n = 1; n <= count; n += 1) history.send(`m${n}`).ok(n);
  return history;
}

/** A message of `withMessages`, for a page. */
export const message = (seq: number, at = seq): PageMessage => ({ seq, id: `m${seq}`, at });

/** A history with the new accounts bob and alice, in which a Sync of bob's empty inbox showed epoch "e1". */
export function withEmptyInbox(): HistoryBuilder {
  const history = newHistory();
  history.sync(0).page(0, 0);
  return history;
}

/** Histories by name, with all requirements that the judge must blame, in order; none for a correct history. */
export type Histories = Record<string, [blamed: string[], history: () => HistoryBuilder]>;

const time = (seconds: number) => ({
  $typeName: "google.protobuf.Timestamp" as const,
  seconds: BigInt(seconds),
  nanos: 0,
});
