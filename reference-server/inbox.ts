import { create } from "@bufbuild/protobuf";
import { Reason } from "../proto/gen/seqsync/v1/error_pb.js";
import { type Message, MessageSchema } from "../proto/gen/seqsync/v1/message_pb.js";
import { refuse } from "./errors.js";

/** The highest seq. A 32-bit numbering ends here: it never wraps (SEQ-EXHAUSTED). */
export const MAX_SEQ = 0xffff_ffff;

/** A message that has no place in an inbox yet. */
export type NewMessage = Pick<Message, "senderId" | "clientMessageId" | "payload" | "acceptedAt">;

/** What a Sync answers: exactly the messages in (`ackedSeq`, `nextCliSeq`]. */
export interface Page {
  epoch: string;
  svrSeq: number;
  ackedSeq: number;
  messages: Message[];
  nextCliSeq: number;
}

export interface InboxLimits {
  /** Most messages that wait for an ack. */
  maxBacklog: number;
  /** Most messages in a page. */
  maxPageSize: number;
  /** Where a page ends early, in payload bytes; its first message always fits. */
  maxPageBytes: number;
}

/**
 * One account's inbox: the whole state of the protocol, and its three transitions. No clock, no I/O, nothing asynchronous, so
 * each transition is atomic and any two are linearizable. The state is the pair of numbers, the epoch, and the messages in
 * (`ackedSeq`, `svrSeq`]; what is acked is gone.
 */
export class Inbox {
  epoch: string;
  /** Highest seq assigned; there is none above. */
  svrSeq: number;
  /** Everything up to here is acknowledged. */
  ackedSeq: number;
  /** By seq: every message in (`ackedSeq`, `svrSeq`]. */
  readonly pending = new Map<number, Message>();
  protected readonly limits: InboxLimits;

  constructor(epoch: string, startSeq: number, limits: InboxLimits) {
    this.epoch = epoch;
    this.svrSeq = startSeq;
    this.ackedSeq = startSeq;
    this.limits = limits;
  }

  /** Gives a message the next seq. Refuses with SEQ_EXHAUSTED or BACKLOG_FULL, and then burns no seq. */
  append(message: NewMessage): Message {
    if (this.svrSeq === MAX_SEQ) throw refuse(Reason.SEQ_EXHAUSTED, "the recipient's inbox has no seq left");
    if (this.pending.size >= this.limits.maxBacklog) {
      throw refuse(Reason.BACKLOG_FULL, "the recipient has too many unacknowledged messages; try again later");
    }
    const stored = create(MessageSchema, message);
    stored.seq = this.svrSeq + 1;
    this.pending.set(stored.seq, stored);
    this.svrSeq = stored.seq;
    return stored;
  }

  /**
   * Acks through `cliSeq`, then answers one page of what is left. An empty `epoch` is not checked; `pageSize` 0 means as many
   * as fit. Refuses with EPOCH_MISMATCH or CLI_SEQ_AHEAD, and then acks nothing.
   */
  sync(cliSeq: number, epoch: string, pageSize: number): Page {
    if (epoch !== "" && epoch !== this.epoch) {
      throw refuse(Reason.EPOCH_MISMATCH, "the inbox has another epoch; start again from 0 under it", this.state());
    }
    if (cliSeq > this.svrSeq) {
      throw refuse(Reason.CLI_SEQ_AHEAD, "cli_seq is above svr_seq", this.state());
    }
    this.ack(cliSeq);
    const messages = this.page(pageSize);
    return {
      epoch: this.epoch,
      svrSeq: this.svrSeq,
      ackedSeq: this.ackedSeq,
      messages,
      nextCliSeq: messages.at(-1)?.seq ?? this.ackedSeq,
    };
  }

  /** What a Watch reports, and what a refusal that concerns the position carries. */
  state(): { epoch: string; svrSeq: number } {
    return { epoch: this.epoch, svrSeq: this.svrSeq };
  }

  /** Goes on as after losing all data. The new epoch must be one that this inbox never had. */
  rotate(epoch: string): void {
    this.epoch = epoch;
    this.svrSeq = 0;
    this.ackedSeq = 0;
    this.pending.clear();
  }

  /** Never goes back: a late or old `cliSeq` leaves the ack where it is (ACK-MONOTONE). */
  protected ack(cliSeq: number): void {
    while (this.ackedSeq < cliSeq) {
      this.ackedSeq += 1;
      this.pending.delete(this.ackedSeq);
    }
  }

  protected page(pageSize: number): Message[] {
    const most = pageSize === 0 ? this.limits.maxPageSize : Math.min(pageSize, this.limits.maxPageSize);
    const messages: Message[] = [];
    let bytes = 0;
    for (let seq = this.ackedSeq + 1; seq <= this.svrSeq && messages.length < most; seq += 1) {
      const message = this.pending.get(seq);
      if (message === undefined) throw new Error(`inbox is broken: no message at seq ${seq}`);
      bytes += message.payload.length;
      // A page is capped by bytes as well, but never so that it would be empty (PAGE-PROGRESS).
      if (messages.length > 0 && bytes > this.limits.maxPageBytes) break;
      messages.push(message);
    }
    return messages;
  }
}
