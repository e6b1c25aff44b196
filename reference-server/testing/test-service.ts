import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { SendRequestSchema, SyncRequestSchema, type WatchResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Caller } from "../accounts.js";
import { send } from "../operations/send.js";
import { sync } from "../operations/sync.js";
import type { Stream } from "../operations/watch.js";
import { Service, type ServiceOptions } from "../service.js";
import { codeAndReason, refused } from "./refusals.js";

/**
 * A service with the accounts alice, bob and carol, whose tokens are their user ids, and with a clock that only tests
 * move.
 */
export function testService(options: ServiceOptions = {}) {
  const clock = { now: 1_767_225_600_000 };
  const service = new Service({ now: () => clock.now, ...options });
  for (const userId of ["alice", "bob", "carol"]) service.createAccount(userId, userId);
  const caller = (userId: string): Caller => service.accounts.authenticate(`Bearer ${userId}`);
  const request = (fields: MessageInitShape<typeof SendRequestSchema>) =>
    create(SendRequestSchema, { recipientId: "bob", clientMessageId: "m-1", ...fields });

  return {
    service,
    clock,
    caller,
    inbox: (userId = "bob") => caller(userId).account.inbox,
    /** Sends, and returns `accepted_at` in milliseconds since 1970. */
    send(from: string, fields: MessageInitShape<typeof SendRequestSchema> = {}): number {
      const { acceptedAt } = send(service, caller(from), request(fields));
      if (acceptedAt === undefined) throw new Error("the response has no accepted_at");
      return timestampMs(acceptedAt);
    },
    /** Sends, and returns the code and the reason of the refusal. */
    refusedSend: (from: string, fields: MessageInitShape<typeof SendRequestSchema> = {}) =>
      refused(() => send(service, caller(from), request(fields))),
    sync: (userId: string, fields: MessageInitShape<typeof SyncRequestSchema> = {}) =>
      sync(service, caller(userId), create(SyncRequestSchema, fields)),
  };
}

/** A reader of a Watch in place of HTTP: takes `room` frames, and is slow from then on. */
export class TestReader implements Stream {
  /** `epoch` and `svr_seq` of the frames. */
  readonly frames: string[] = [];
  /** Code and reason of the error at the end; "" without an error, undefined before the end. */
  ended?: string;
  room: number;
  #ready = () => {};
  #close = () => {};

  constructor(room = Number.POSITIVE_INFINITY) {
    this.room = room;
  }

  write({ epoch, svrSeq }: WatchResponse): boolean {
    this.frames.push(`${epoch} ${svrSeq}`);
    this.room -= 1;
    return this.room > 0;
  }

  onReady(callback: () => void): void {
    this.#ready = callback;
  }

  onClose(callback: () => void): void {
    this.#close = callback;
  }

  end(error?: Parameters<Stream["end"]>[0]): void {
    this.ended = error === undefined ? "" : codeAndReason(error);
    this.close();
  }

  /** The client is ready for more frames. */
  resume(room = Number.POSITIVE_INFINITY): void {
    this.room = room;
    this.#ready();
  }

  /** The connection is closed. */
  close(): void {
    this.#close();
  }
}
