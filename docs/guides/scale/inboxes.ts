import type { Message } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { Inbox, type InboxLimits } from "../../../reference-server/inbox.js";
import type { Design } from "./design.js";

/** Small, so that hot inboxes are full at times and pages are cut. */
export const LIMITS: InboxLimits = { maxBacklog: 25, maxPageSize: 8, maxPageBytes: 1 << 20 };

export function newInbox({ flaw }: Design, epoch: string): Inbox {
  if (flaw === "acks-stay") return new KeepingInbox(epoch, 0, LIMITS);
  if (flaw === "sections") return new SkippingInbox(epoch, 0, LIMITS);
  return new Inbox(epoch, 0, LIMITS);
}

/** All of an inbox: its numbers, its epoch and what is pending. */
export function copyInbox(design: Design, from: Inbox): Inbox {
  const copy = newInbox(design, from.epoch);
  copy.svrSeq = from.svrSeq;
  copy.ackedSeq = from.ackedSeq;
  for (const [seq, message] of from.pending) copy.pending.set(seq, message);
  if (from instanceof KeepingInbox && copy instanceof KeepingInbox) {
    for (const [seq, message] of from.kept) copy.kept.set(seq, message);
  }
  return copy;
}

/** Deletes later, as stores with a sweep do: so an ack that is forgotten brings back what it had acked. */
class KeepingInbox extends Inbox {
  readonly kept = new Map<number, Message>();

  protected override ack(cliSeq: number): void {
    for (const [seq, message] of this.pending) if (seq <= cliSeq) this.kept.set(seq, message);
    super.ack(cliSeq);
  }

  override rotate(epoch: string): void {
    super.rotate(epoch);
    this.kept.clear();
  }
}

/** The new owner knows the messages, and not how far they were acked. */
export function forgetAck(inbox: Inbox): void {
  if (!(inbox instanceof KeepingInbox)) return;
  for (const [seq, message] of inbox.kept) inbox.pending.set(seq, message);
  inbox.ackedSeq = 0;
}

/** Puts up with seqs that name no message. */
class SkippingInbox extends Inbox {
  protected override page(pageSize: number): Message[] {
    const most = Math.min(pageSize || this.limits.maxPageSize, this.limits.maxPageSize);
    return [...this.pending.values()].slice(0, most);
  }
}

const SECTION = 8;

/** Of the section that was reserved nobody knows how much was used, so the numbering goes on after it. */
export function skipSection(inbox: Inbox): void {
  inbox.svrSeq = Math.ceil(inbox.svrSeq / SECTION) * SECTION;
}
