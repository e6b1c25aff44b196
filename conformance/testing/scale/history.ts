import { create } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import {
  type Event,
  EventSchema,
  HeaderSchema,
  RefusedSchema,
  SendCallSchema,
  SyncCallSchema,
  SyncReturnSchema,
} from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import type { SyncRequest } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { Refusal } from "../../../reference-server/errors.js";
import { HTTP_STATUS } from "../../../reference-server/errors.js";
import type { Page } from "../../../reference-server/inbox.js";
import { printOf } from "../../history/print.js";
import type { What } from "../../history/recorder.js";
import type { Timeline } from "./timeline.js";

/** What somebody sends. */
export interface Letter {
  senderId: string;
  recipientId: string;
  clientMessageId: string;
  payload: Uint8Array;
}

/** Writes down what the clients of a simulation see, in its virtual time, for the judge. */
export class History {
  readonly events: Event[] = [];
  readonly #timeline: Timeline;
  #ops = 0n;

  constructor(timeline: Timeline, maxPageSize: number) {
    this.#timeline = timeline;
    this.#note(0n, "", {
      case: "header",
      value: create(HeaderSchema, { format: 1, profiles: [Profile.CORE], maxPageSize }),
    });
  }

  get operations(): number {
    return Number(this.#ops);
  }

  opened(userId: string): void {
    const value = { $typeName: "seqsync.conformance.v1.AccountOpened" as const, userId, startSeq: 0 };
    this.#note(0n, "", { case: "accountOpened", value });
  }

  send(client: string, { payload, ...rest }: Letter): bigint {
    return this.#call(client, {
      case: "sendCall",
      value: create(SendCallSchema, { ...rest, payload: printOf(payload) }),
    });
  }

  sync(client: string, userId: string, call: Pick<SyncRequest, "cliSeq" | "epoch" | "pageSize">): bigint {
    return this.#call(client, { case: "syncCall", value: create(SyncCallSchema, { userId, ...call }) });
  }

  accepted(op: bigint, acceptedAt: Timestamp): void {
    this.#note(op, "", {
      case: "sendReturn",
      value: { $typeName: "seqsync.conformance.v1.SendReturn", acceptedAt },
    });
  }

  answered(op: bigint, { messages, ...rest }: Page): void {
    const shown = messages.map(({ seq, senderId, clientMessageId, payload, acceptedAt }) => ({
      seq,
      senderId,
      clientMessageId,
      payload: printOf(payload),
      ...(acceptedAt === undefined ? {} : { acceptedAt }),
    }));
    this.#note(op, "", { case: "syncReturn", value: create(SyncReturnSchema, { ...rest, messages: shown }) });
  }

  refused(op: bigint, { code, detail }: Refusal): void {
    const { reason, svrSeq, epoch } = detail ?? {};
    const value = create(RefusedSchema, {
      httpStatus: HTTP_STATUS[code],
      code,
      ...(reason === undefined ? {} : { reason }),
      ...(svrSeq === undefined ? {} : { svrSeq }),
      ...(epoch === undefined ? {} : { epoch }),
    });
    this.#note(op, "", { case: "refused", value });
  }

  lost(op: bigint, why: string): void {
    this.#note(op, "", { case: "lost", value: { $typeName: "seqsync.conformance.v1.Lost", why } });
  }

  /** An inbox loses data from now on, until the answer is called: what its operator knows, and must own up to. */
  loses(userId: string): () => void {
    const value = { $typeName: "seqsync.conformance.v1.RotateCall" as const, userId };
    const op = this.#call("operator", { case: "rotateCall", value });
    return () => this.#note(op, "", { case: "done", value: { $typeName: "seqsync.conformance.v1.Done" } });
  }

  #call(client: string, what: What): bigint {
    this.#ops += 1n;
    this.#note(this.#ops, client, what);
    return this.#ops;
  }

  #note(op: bigint, client: string, what: What): void {
    const atMicros = BigInt(Math.round(this.#timeline.now * 1000));
    this.events.push(create(EventSchema, { op, client, atMicros, what }));
  }
}
