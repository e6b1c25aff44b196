import type { Message } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { Inbox, MAX_SEQ, type NewMessage } from "../../../reference-server/inbox.js";

/** An inbox whose state a fault can damage: it serves what is left. */
export class FreshInbox extends Inbox {
  pendingBytes = 0;

  override append(message: NewMessage): Message {
    const stored = super.append(message);
    this.pendingBytes += stored.payload.length;
    return stored;
  }

  override rotate(epoch: string): void {
    super.rotate(epoch);
    this.pendingBytes = 0;
  }

  protected override ack(cliSeq: number): void {
    for (let seq = this.ackedSeq + 1; seq <= cliSeq && this.pendingBytes > 0; seq += 1)
      this.pendingBytes -= this.pending.get(seq)?.payload.length ?? 0;
    super.ack(cliSeq);
  }

  /** Acks all messages up to `cliSeq`, without a Sync. */
  ackTo(cliSeq: number): void {
    this.ack(Math.min(cliSeq, this.svrSeq));
  }

  /** Leaves out the next seq. */
  skipSeq(): void {
    if (this.svrSeq < MAX_SEQ - 1) this.svrSeq += 1;
  }

  /** Exchanges the contents of the two last messages. */
  swapLast(): void {
    const [last, before] = [this.pending.get(this.svrSeq), this.pending.get(this.svrSeq - 1)];
    if (last === undefined || before === undefined) return;
    last.seq -= 1;
    before.seq += 1;
    this.pending.set(last.seq, last);
    this.pending.set(before.seq, before);
  }

  /** Unlike the original, it steps over seqs without a message. */
  protected override page(pageSize: number): Message[] {
    if (this.pending.size === this.svrSeq - this.ackedSeq) return super.page(pageSize);
    const most = pageSize === 0 ? this.limits.maxPageSize : Math.min(pageSize, this.limits.maxPageSize);
    return [...this.pending.values()].sort((a, b) => a.seq - b.seq).slice(0, most);
  }
}
