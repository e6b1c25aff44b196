import { create } from "@bufbuild/protobuf";
import { Reason } from "../proto/gen/seqsync/v1/error_pb.js";
import { type Message, MessageSchema } from "../proto/gen/seqsync/v1/message_pb.js";
import { refuse } from "./errors.js";

/** The highest seq. The numbering ends here and never wraps (SEQ-EXHAUSTED). */
export const MAX_SEQ = 0xffff_ffff;

/** A message without a seq. */
export type NewMessage = Pick<Message, "senderId" | "clientMessageId" | "payload" | "acceptedAt">;

/** The result of a Sync: exactly the messages in (`ackedSeq`, `nextCliSeq`]. */
export interface Page {
  epoch: string;
  svrSeq: number;
  ackedSeq: number;
  messages: Message[];
  nextCliSeq: number;
}

/** Limits of an inbox. */
export interface InboxLimits {
  /** Maximum number of unacknowledged messages. From 1. */
  maxBacklog: number;
  /** Maximum number of messages in a page. From 1. */
  maxPageSize: number;
  /** Maximum number of payload bytes in a page. From 1. The first message is always included. */
  maxPageBytes: number;
}

/**
 * The inbox of one account: the whole state of the protocol and its three transitions. It has no clock and no I/O, and
 * it is synchronous, so each transition is atomic. The state consists of the epoch, `svrSeq`, `ackedSeq`, and the
 * messages in (`ackedSeq`, `svrSeq`]; acked messages are deleted.
 *
 * The mutants in `conformance/selftest/mutants` override the protected members.
 */
export class Inbox {
  epoch: string;
  /** Highest seq assigned so far. */
  svrSeq: number;
  /** Highest acknowledged seq. */
  ackedSeq: number;
  /** The messages in (`ackedSeq`, `svrSeq`], by seq. */
  readonly pending = new Map<number, Message>();
  protected readonly limits: InboxLimits;

  /**
   * @param epoch 1 to 64 bytes, never used before by this inbox.
   * @param startSeq Initial value of `svrSeq` and `ackedSeq`. 0 to 4294967295; 0 for a new account.
   */
  constructor(epoch: string, startSeq: number, limits: InboxLimits) {
    this.epoch = epoch;
    this.svrSeq = startSeq;
    this.ackedSeq = startSeq;
    this.limits = limits;
  }

  /**
   * Stores a message under the next seq.
   *
   * @throws Refusal SEQ_EXHAUSTED or BACKLOG_FULL; no seq is used.
   */
  append(message: NewMessage): Message {
    if (this.svrSeq === MAX_SEQ) throw refuse(Reason.SEQ_EXHAUSTED, "the recipient's inbox has no seq left");
    if (this.pending.size >= this.limits.maxBacklog) {
      throw refuse(Reason.BACKLOG_FULL, "the recipient has too many unacknowledged messages; retry later");
    }
    const stored = create(MessageSchema, message);
    stored.seq = this.svrSeq + 1;
    this.pending.set(stored.seq, stored);
    this.svrSeq = stored.seq;
    return stored;
  }

  /**
   * Acks all messages up to `cliSeq`, then returns a page of the pending messages. An empty `epoch` is not checked. A
   * `pageSize` of 0 means `maxPageSize`.
   *
   * @throws Refusal EPOCH_MISMATCH or CLI_SEQ_AHEAD, with the state of the inbox; nothing is acked.
   */
  sync(cliSeq: number, epoch: string, pageSize: number): Page {
    if (epoch !== "" && epoch !== this.epoch) {
      throw refuse(Reason.EPOCH_MISMATCH, "the inbox has another epoch; restart from cli_seq 0", this.state());
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

  /** The state in the frames of a Watch and in the refusals of a Sync. */
  state(): { epoch: string; svrSeq: number } {
    return { epoch: this.epoch, svrSeq: this.svrSeq };
  }

  /** Loses all data. The new epoch must never have been used by this inbox (EPOCH-RENEWED). */
  rotate(epoch: string): void {
    this.epoch = epoch;
    this.svrSeq = 0;
    this.ackedSeq = 0;
    this.pending.clear();
  }

  /** Acks all messages up to `cliSeq`. A `cliSeq` that is not above `ackedSeq` changes nothing (ACK-MONOTONE). */
  protected ack(cliSeq: number): void {
    while (this.ackedSeq < cliSeq) {
      this.ackedSeq += 1;
      this.pending.delete(this.ackedSeq);
    }
  }

  /** The next page of pending messages. */
  protected page(pageSize: number): Message[] {
    const maxMessages = pageSize === 0 ? this.limits.maxPageSize : Math.min(pageSize, this.limits.maxPageSize);
    const messages: Message[] = [];
    let bytes = 0;
    for (let seq = this.ackedSeq + 1; seq <= this.svrSeq && messages.length < maxMessages; seq += 1) {
      const message = this.pending.get(seq);
      if (message === undefined) throw new Error(`the inbox has no message at seq ${seq}`);
      bytes += message.payload.length;
      // The byte limit never makes a page empty (PAGE-PROGRESS).
      if (messages.length > 0 && bytes > this.limits.maxPageBytes) break;
      messages.push(message);
    }
    return messages;
  }
}
