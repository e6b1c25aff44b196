import type { Message } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { Inbox, type InboxLimits } from "../../../reference-server/inbox.js";
import type { Design } from "./design.js";

/** Small limits, so that hot inboxes are sometimes full and backlogs have several pages. */
export const LIMITS: InboxLimits = { maxBacklog: 25, maxPageSize: 8, maxPageBytes: 1 << 20 };

export function newInbox({ flaw }: Design, epoch: string): Inbox {
  if (flaw === "acks-stay") return new RetainingInbox(epoch, 0, LIMITS);
  if (flaw === "seq-blocks") return new GapInbox(epoch, 0, LIMITS);
  return new Inbox(epoch, 0, LIMITS);
}

/** Copies an inbox: its numbers, its epoch and the pending messages. */
export function copyInbox(design: Design, from: Inbox): Inbox {
  const copy = newInbox(design, from.epoch);
  copy.svrSeq = from.svrSeq;
  copy.ackedSeq = from.ackedSeq;
  for (const [seq, message] of from.pending) copy.pending.set(seq, message);
  if (from instanceof RetainingInbox && copy instanceof RetainingInbox) {
    for (const [seq, message] of from.retained) copy.retained.set(seq, message);
  }
  return copy;
}

/** Keeps acked messages, as stores with delayed deletion do. If the ack is lost, these messages are pending again. */
class RetainingInbox extends Inbox {
  readonly retained = new Map<number, Message>();

  protected override ack(cliSeq: number): void {
    for (const [seq, message] of this.pending) if (seq <= cliSeq) this.retained.set(seq, message);
    super.ack(cliSeq);
  }

  override rotate(epoch: string): void {
    super.rotate(epoch);
    this.retained.clear();
  }
}

/** Simulates a new owner that has the messages but not acked_seq. */
export function loseAck(inbox: Inbox): void {
  if (!(inbox instanceof RetainingInbox)) return;
  for (const [seq, message] of inbox.retained) inbox.pending.set(seq, message);
  inbox.ackedSeq = 0;
}

/** Tolerates seqs without a message. */
class GapInbox extends Inbox {
  protected override page(pageSize: number): Message[] {
    const most = Math.min(pageSize || this.limits.maxPageSize, this.limits.maxPageSize);
    return [...this.pending.values()].slice(0, most);
  }
}

const BLOCK = 8;

/** Continues the numbering after the reserved block, since it is not known how much of it was used. */
export function skipBlock(inbox: Inbox): void {
  inbox.svrSeq = Math.ceil(inbox.svrSeq / BLOCK) * BLOCK;
}
