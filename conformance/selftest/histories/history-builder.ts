import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Event,
  HeaderSchema,
  RefusedSchema,
  SendCallSchema,
  SyncCallSchema,
  SyncReturnSchema,
} from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { fingerprintOf } from "../../history/fingerprint.js";
import { type EventBody, Recorder } from "../../history/recorder.js";
import { Judge } from "../../judge/judge.js";
import { lost } from "../../rpc/client.js";
import { CODE_OF } from "../../rpc/connect.js";
import { HISTORY_FORMAT } from "../../version.js";

/** A message as a page of a story shows it. */
export interface Shown {
  seq: number;
  id: string;
  from?: string;
  text?: string;
  /** `accepted_at`, in seconds. */
  at?: number;
}

/** What can become of a call. Each answers the story, to go on with. */
export interface Endings {
  refused(reason: Reason, state?: { svrSeq?: number; epoch?: string }): HistoryBuilder;
  /** Refused with a code and no reason. */
  failed(code: string): HistoryBuilder;
  lost(): HistoryBuilder;
}

export interface SendEndings extends Endings {
  /** Accepted, `accepted_at` in seconds; 0 for none. */
  ok(at?: number): HistoryBuilder;
}

export interface SyncEndings extends Endings {
  /** A page: messages by id, from `acked + 1` on, or as they are given. */
  page(
    acked: number,
    svr: number,
    messages?: readonly (string | Shown)[],
    more?: { epoch?: string; next?: number | undefined },
  ): HistoryBuilder;
}

/** Writes histories by hand, as short as they can be told: for tests of the judge. Times are steps, one an event. */
export class HistoryBuilder {
  readonly #recorder: Recorder = new Recorder(undefined, () => BigInt(this.events.length) * 1000n);
  readonly events: Event[] = this.#recorder.events;

  constructor(header: MessageInitShape<typeof HeaderSchema> = {}) {
    this.#add(0n, {
      case: "header",
      value: create(HeaderSchema, {
        format: HISTORY_FORMAT,
        profiles: [Profile.CORE, Profile.WATCH],
        maxPageSize: 100,
        ...header,
      }),
    });
  }

  /** An account comes into play; without a number it may have a past. */
  open(userId: string, startSeq?: number): this {
    const value = { $typeName: "seqsync.conformance.v1.AccountOpened" as const, userId };
    return this.#add(0n, { case: "accountOpened", value: startSeq === undefined ? value : { ...value, startSeq } });
  }

  send(id: string, { from = "alice", to = "bob", text = "hello" } = {}): SendEndings {
    const op = this.#call(from, {
      case: "sendCall",
      value: create(SendCallSchema, {
        senderId: from,
        recipientId: to,
        clientMessageId: id,
        payload: fingerprintOf(Buffer.from(text)),
      }),
    });
    return {
      ...this.#endings(op),
      ok: (at = 1) =>
        this.#add(op, {
          case: "sendReturn",
          value: {
            $typeName: "seqsync.conformance.v1.SendReturn",
            ...(at === 0 ? {} : { acceptedAt: time(at) }),
          },
        }),
    };
  }

  sync(cliSeq: number, { user = "bob", client = "phone", epoch = "", pageSize = 0 } = {}): SyncEndings {
    const op = this.#call(client, {
      case: "syncCall",
      value: create(SyncCallSchema, { userId: user, cliSeq, epoch, pageSize }),
    });
    return {
      ...this.#endings(op),
      page: (
        acked: number,
        svr: number,
        messages: readonly (string | Shown)[] = [],
        { epoch: answered = "e1", next = undefined as number | undefined } = {},
      ) => {
        const shown = messages.map((it, index) => (typeof it === "string" ? { seq: acked + 1 + index, id: it } : it));
        return this.#add(op, {
          case: "syncReturn",
          value: create(SyncReturnSchema, {
            epoch: answered,
            svrSeq: svr,
            ackedSeq: acked,
            nextCliSeq: next ?? shown.at(-1)?.seq ?? acked,
            messages: shown.map(({ seq, id, from = "alice", text = "hello", at = 1 }: Shown) => ({
              seq,
              senderId: from,
              clientMessageId: id,
              payload: fingerprintOf(Buffer.from(text)),
              ...(at === 0 ? {} : { acceptedAt: time(at) }),
            })),
          }),
        });
      },
    };
  }

  watch(user = "bob"): { frame(svrSeq: number, epoch?: string): HistoryBuilder } {
    const op = this.#call(`${user}'s watch`, {
      case: "watchCall",
      value: { $typeName: "seqsync.conformance.v1.WatchCall", userId: user },
    });
    return {
      frame: (svrSeq: number, epoch = "e1") =>
        this.#add(op, {
          case: "watchFrame",
          value: { $typeName: "seqsync.conformance.v1.WatchFrame", epoch, svrSeq },
        }),
    };
  }

  /** An inbox loses its data. */
  rotate(userId = "bob"): this {
    const op = this.#call("suite", {
      case: "rotateCall",
      value: { $typeName: "seqsync.conformance.v1.RotateCall", userId },
    });
    return this.#done(op);
  }

  restart(): this {
    const op = this.#call("suite", {
      case: "restartCall",
      value: { $typeName: "seqsync.conformance.v1.RestartCall" },
    });
    return this.#done(op);
  }

  /** The requirements that the judge blames, in the order of its findings. */
  blamed(): string[] {
    return this.judged().map(({ requirement }) => requirement);
  }

  judged() {
    const judge = new Judge();
    for (const event of this.events) judge.observe(event);
    return judge.finish();
  }

  #endings(op: bigint): Endings {
    return {
      refused: (reason: Reason, state: { svrSeq?: number; epoch?: string } = {}) =>
        this.#add(op, {
          case: "refused",
          value: create(RefusedSchema, { httpStatus: 400, code: CODE_OF[reason] ?? "", reason, ...state }),
        }),
      failed: (code: string) =>
        this.#add(op, { case: "refused", value: create(RefusedSchema, { httpStatus: 500, code }) }),
      lost: () => this.#add(op, lost("no answer")),
    };
  }

  #done(op: bigint): this {
    return this.#add(op, { case: "done", value: { $typeName: "seqsync.conformance.v1.Done" } });
  }

  #call(client: string, what: EventBody): bigint {
    return this.#recorder.call(client, 0, what);
  }

  #add(op: bigint, what: EventBody): this {
    this.#recorder.complete(op, what);
    return this;
  }
}

/** bob's new inbox, and alice who writes to him. */
export const begin = (header: MessageInitShape<typeof HeaderSchema> = {}) =>
  new HistoryBuilder(header).open("bob", 0).open("alice", 0);

/** The same, with so many messages accepted: m1, m2… */
export function withMessages(count: number, header: MessageInitShape<typeof HeaderSchema> = {}): HistoryBuilder {
  const story = begin(header);
  for (let n = 1; n <= count; n += 1) story.send(`m${n}`).ok(n);
  return story;
}

/** One of these messages, as a page shows it. */
export const shown = (seq: number, at = seq): Shown => ({ seq, id: `m${seq}`, at });

/** bob's inbox, empty and seen under "e1". */
export function seen(): HistoryBuilder {
  const story = begin();
  story.sync(0).page(0, 0);
  return story;
}

/** Stories by name, and all that the judge must say of each, in its order; of a right one, nothing. */
export type Histories = Record<string, [blamed: string[], story: () => HistoryBuilder]>;

const time = (seconds: number) => ({
  $typeName: "google.protobuf.Timestamp" as const,
  seconds: BigInt(seconds),
  nanos: 0,
});
