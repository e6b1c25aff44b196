import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { SendRequestSchema, SyncRequestSchema, type WatchResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Caller } from "../accounts.js";
import { send } from "../operations/send.js";
import { sync } from "../operations/sync.js";
import type { Stream } from "../operations/watch.js";
import { Service, type ServiceOptions } from "../service.js";
import { inShort, refused } from "./refusals.js";

/** A service with three accounts, whose tokens are their names, and a clock that stands still until it is set. */
export function stage(options: ServiceOptions = {}) {
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
    /** Sends, and answers when it was accepted, in milliseconds since 1970. */
    send(from: string, fields: MessageInitShape<typeof SendRequestSchema> = {}): number {
      const { acceptedAt } = send(service, caller(from), request(fields));
      if (acceptedAt === undefined) throw new Error("the answer has no accepted_at");
      return timestampMs(acceptedAt);
    },
    /** How a Send is refused, in short. */
    refusedSend: (from: string, fields: MessageInitShape<typeof SendRequestSchema> = {}) =>
      refused(() => send(service, caller(from), request(fields))),
    sync: (userId: string, fields: MessageInitShape<typeof SyncRequestSchema> = {}) =>
      sync(service, caller(userId), create(SyncRequestSchema, fields)),
  };
}

/** The reader of a Watch, as the transport would be: takes `room` frames, then says that it does not keep up. */
export class Reader implements Stream {
  /** What was written: `epoch` and `svr_seq` of the frames. */
  readonly frames: string[] = [];
  /** How it ended, in short; "" in order. */
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
    this.ended = error === undefined ? "" : inShort(error);
    this.close();
  }

  /** The client reads on. */
  resume(room = Number.POSITIVE_INFINITY): void {
    this.room = room;
    this.#ready();
  }

  /** The connection is gone. */
  close(): void {
    this.#close();
  }
}
