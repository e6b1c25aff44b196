import type { Timestamp } from "@bufbuild/protobuf/wkt";
import * as events from "../../../conformance/history/events.js";
import { Recorder } from "../../../conformance/history/recorder.js";
import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import type { SyncRequest } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { HTTP_STATUS, type Refusal } from "../../../reference-server/errors.js";
import type { Page } from "../../../reference-server/inbox.js";
import type { Timeline } from "./timeline.js";

/** A message to send. */
export interface Letter {
  senderId: string;
  recipientId: string;
  clientMessageId: string;
  payload: Uint8Array;
}

/** Records for the judge the calls of the clients and their outcomes, with the times of the simulation. */
export class History {
  readonly #recorder: Recorder;
  operations = 0;

  constructor(timeline: Timeline, maxPageSize: number) {
    this.#recorder = new Recorder(undefined, () => BigInt(Math.round(timeline.now * 1000)));
    this.#recorder.complete(0n, events.header({ profiles: [Profile.CORE], maxPageSize }));
  }

  get events(): readonly Event[] {
    return this.#recorder.events;
  }

  /** Records a new account. */
  opened(userId: string): void {
    this.#recorder.complete(0n, events.accountOpened(userId, 0));
  }

  /** Records a Send. Returns the number of its operation. */
  send(client: string, letter: Letter): bigint {
    return this.#call(client, events.sendCall(letter));
  }

  /** Records a Sync. Returns the number of its operation. */
  sync(client: string, userId: string, call: Pick<SyncRequest, "cliSeq" | "epoch" | "pageSize">): bigint {
    return this.#call(client, events.syncCall({ userId, ...call }));
  }

  /** Records that a Send was accepted. */
  accepted(op: bigint, acceptedAt: Timestamp): void {
    this.#recorder.complete(op, events.sendReturn(acceptedAt));
  }

  /** Records the page of a Sync. */
  page(op: bigint, page: Page): void {
    this.#recorder.complete(op, events.syncReturn(page));
  }

  /** Records a refusal. */
  refused(op: bigint, { code, detail }: Refusal): void {
    this.#recorder.complete(op, events.refused({ status: HTTP_STATUS[code], code, reason: detail?.reason, detail }));
  }

  /** Records that there was no response: the outcome is indeterminate. */
  noResponse(op: bigint, why: string): void {
    this.#recorder.complete(op, events.noResponse(why));
  }

  /** Records that an inbox loses data until the returned function is called. */
  beginLoss(userId: string): () => void {
    const op = this.#call("operator", events.rotateCall(userId));
    return () => this.#recorder.complete(op, events.done());
  }

  #call(client: string, body: events.EventBody): bigint {
    this.operations += 1;
    return this.#recorder.call(client, 0, body);
  }
}
