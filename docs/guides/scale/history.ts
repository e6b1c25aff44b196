import { create } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { fingerprintOf } from "../../../conformance/history/fingerprint.js";
import { type EventBody, Recorder } from "../../../conformance/history/recorder.js";
import { lost, syncReturn } from "../../../conformance/rpc/client.js";
import { HISTORY_FORMAT } from "../../../conformance/version.js";
import {
  type Event,
  HeaderSchema,
  RefusedSchema,
  SendCallSchema,
  SyncCallSchema,
} from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import type { SyncRequest } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { Refusal } from "../../../reference-server/errors.js";
import { HTTP_STATUS } from "../../../reference-server/errors.js";
import type { Page } from "../../../reference-server/inbox.js";
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
  readonly #recorder: Recorder;
  operations = 0;

  constructor(timeline: Timeline, maxPageSize: number) {
    this.#recorder = new Recorder(undefined, () => BigInt(Math.round(timeline.now * 1000)));
    const value = create(HeaderSchema, { format: HISTORY_FORMAT, profiles: [Profile.CORE], maxPageSize });
    this.#recorder.complete(0n, { case: "header", value });
  }

  get events(): readonly Event[] {
    return this.#recorder.events;
  }

  opened(userId: string): void {
    const value = { $typeName: "seqsync.conformance.v1.AccountOpened" as const, userId, startSeq: 0 };
    this.#recorder.complete(0n, { case: "accountOpened", value });
  }

  send(client: string, { payload, ...rest }: Letter): bigint {
    return this.#call(client, {
      case: "sendCall",
      value: create(SendCallSchema, { ...rest, payload: fingerprintOf(payload) }),
    });
  }

  sync(client: string, userId: string, call: Pick<SyncRequest, "cliSeq" | "epoch" | "pageSize">): bigint {
    return this.#call(client, { case: "syncCall", value: create(SyncCallSchema, { userId, ...call }) });
  }

  accepted(op: bigint, acceptedAt: Timestamp): void {
    const value = { $typeName: "seqsync.conformance.v1.SendReturn" as const, acceptedAt };
    this.#recorder.complete(op, { case: "sendReturn", value });
  }

  answered(op: bigint, page: Page): void {
    this.#recorder.complete(op, { case: "syncReturn", value: syncReturn(page) });
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
    this.#recorder.complete(op, { case: "refused", value });
  }

  lost(op: bigint, why: string): void {
    this.#recorder.complete(op, lost(why));
  }

  /** An inbox loses data from now on, until the answer is called: what its operator knows, and must own up to. */
  loses(userId: string): () => void {
    const value = { $typeName: "seqsync.conformance.v1.RotateCall" as const, userId };
    const op = this.#call("operator", { case: "rotateCall", value });
    return () => this.#recorder.complete(op, { case: "done", value: { $typeName: "seqsync.conformance.v1.Done" } });
  }

  #call(client: string, what: EventBody): bigint {
    this.operations += 1;
    return this.#recorder.call(client, 0, what);
  }
}
