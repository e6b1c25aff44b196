import { ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { type Message, Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { Inconclusive } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { ClientCallOptions } from "../rpc/client.js";
import type { SentMessage, TestAccount } from "./account.js";
import type { Context } from "./context.js";

/** A message with its sender. */
export interface Accepted {
  from: TestAccount;
  sent: SentMessage;
}

/** The requirement that a server violates which lacks data after a crash, and did not give the inbox a new epoch. */
export const crashRequirement = ({ info }: Pick<Context, "info">): "DUR-KEEP" | "DUR-NEW-EPOCH" =>
  info.profiles.includes(Profile.DURABLE) ? "DUR-KEEP" : "DUR-NEW-EPOCH";

/** Ends the case as inconclusive if the accounts did not survive the restart, as accounts of a fixture may not. */
export async function requireSurvivingAccounts(
  { accounts: all }: Context,
  accounts: readonly TestAccount[] = all,
): Promise<void> {
  for (const account of accounts) {
    const result = await account.device("probe").trySync({ pageSize: 1 });
    if (result.kind === "refusal" && result.refusal.code === "unauthenticated")
      throw new Inconclusive(
        "the accounts did not survive the restart; use --accounts with accounts that persist",
        ReasonCode.ACCOUNT_UNAVAILABLE,
      );
  }
}

/** Restarts the server, and ends the case as inconclusive if the accounts did not survive. */
export async function restartWithAccounts(t: Context): Promise<void> {
  await t.restart();
  await requireSurvivingAccounts(t);
}

/**
 * What an inbox holds, for a comparison after a crash: either everything is as it was, or the inbox has an epoch that it
 * never had. Nobody else sends to the inbox or acknowledges in it.
 */
export class InboxRecord {
  readonly account: TestAccount;
  /** The messages with the seqs after `ackedSeq`, in this order. */
  pending: Accepted[] = [];
  /** The messages that were acknowledged in this numbering. */
  acked: Accepted[] = [];
  readonly #t: Context;
  readonly #epochs = new Set<string>();
  #epoch = "";
  #ackedSeq = 0;
  #svrSeq = 0;
  /** The messages of the numbering before the last crash, if that gave the inbox a new epoch. */
  #lost: Accepted[] = [];
  /** Ids of messages that the server moved into the new numbering. */
  #moved = new Set<string>();

  private constructor(t: Context, account: TestAccount) {
    this.#t = t;
    this.account = account;
  }

  /** Reads the state of an inbox in which everything is acknowledged. */
  static async of(t: Context, account: TestAccount): Promise<InboxRecord> {
    const record = new InboxRecord(t, account);
    const { epoch, svrSeq, ackedSeq } = await account.state();
    record.#epoch = epoch;
    record.#epochs.add(epoch);
    record.#svrSeq = svrSeq;
    record.#ackedSeq = ackedSeq;
    return record;
  }

  get epoch(): string {
    return this.#epoch;
  }

  get svrSeq(): number {
    return this.#svrSeq;
  }

  get ackedSeq(): number {
    return this.#ackedSeq;
  }

  /**
   * Sends these payloads to the inbox, one after the other, until all are accepted or the inbox is full. Returns the
   * number of accepted ones.
   */
  async receive(from: TestAccount, payloads: readonly Uint8Array[]): Promise<number> {
    for (const [index, payload] of payloads.entries()) {
      const id = this.#t.newId();
      const result = await from.trySend(this.account, payload, { id });
      if (result.kind === "refusal" && result.refusal.reason === Reason.BACKLOG_FULL) return index;
      const { acceptedAt } = this.#t.accepted(result, "SEND-ACCEPT");
      this.add({ from, sent: { clientMessageId: id, payload, acceptedAt } });
    }
    return payloads.length;
  }

  /** Adds a message that the inbox has received. */
  add(message: Accepted): void {
    this.pending.push(message);
    this.#svrSeq += 1;
  }

  /** Acknowledges the first `count` pending messages. */
  async ack(count: number, options: ClientCallOptions = {}): Promise<void> {
    const cliSeq = this.#ackedSeq + count;
    await this.account.device("phone").sync({ cliSeq, epoch: this.#epoch, pageSize: 1 }, options);
    this.acked.push(...this.pending.splice(0, count));
    this.#ackedSeq += count;
  }

  /**
   * Expects that after a crash the inbox is as it was, or has an epoch that it never had. Returns whether it is as it
   * was.
   */
  async expectKeptOrRenewed(): Promise<boolean> {
    const { name } = this.account;
    const page = await this.account.device("probe").sync();
    const blamed = crashRequirement(this.#t);
    if (page.epoch === this.#epoch) {
      const numbers = { ackedSeq: this.#ackedSeq, svrSeq: this.#svrSeq };
      this.#t.fields(page, numbers, blamed, `after a crash ${name}'s inbox has its epoch, but not its numbers`);
      this.#expectPage(page, blamed);
      return true;
    }
    if (blamed === "DUR-KEEP")
      this.#t.fields(page, { epoch: this.#epoch }, blamed, `a crash of a DURABLE server changed ${name}'s epoch`);
    this.#t.that(
      !this.#epochs.has(page.epoch),
      "EPOCH-RENEWED",
      `after a crash ${name}'s inbox has an epoch again that it had before an earlier one`,
      "epoch: a new one",
      `epoch: "${page.epoch}"`,
    );
    await this.#startAgain();
    return false;
  }

  /** Expects a page to begin with the pending messages, with their contents. */
  #expectPage(page: SyncResponse, blamed: RequirementId): void {
    const { name } = this.account;
    const sent = this.pending.map((it) => it.sent);
    this.#t.page(page, this.#ackedSeq + 1, sent, blamed, `after a crash ${name}'s inbox does not hold its messages`);
    this.#expectContents(page.messages, blamed);
  }

  #expectContents(messages: readonly Message[], blamed: RequirementId): void {
    for (const [index, { payload, senderId }] of messages.entries()) {
      const expected = this.pending[index];
      if (expected === undefined) return;
      const isSame = Buffer.compare(payload, expected.sent.payload) === 0 && senderId === expected.from.userId;
      const describe = (length: number, sender: string) => `${length} bytes from ${sender}`;
      this.#t.that(
        isSame,
        blamed,
        `after a crash message ${this.#ackedSeq + 1 + index} of ${this.account.name}'s inbox has another content`,
        `payload: the ${describe(expected.sent.payload.length, expected.from.userId)}`,
        `payload: ${payload.length === expected.sent.payload.length ? "other " : ""}${describe(payload.length, senderId)}`,
      );
    }
  }

  /** Begins with a new numbering, into which the server may have moved messages. */
  async #startAgain(): Promise<void> {
    const device = this.account.device("phone");
    const moved = await device.drain();
    this.#epoch = device.epoch;
    this.#epochs.add(device.epoch);
    this.#ackedSeq = device.cliSeq;
    this.#svrSeq = device.cliSeq;
    this.#moved = new Set(moved.map(({ clientMessageId }) => clientMessageId));
    this.#lost = [...this.acked, ...this.pending];
    this.acked = [];
    this.pending = [];
  }

  /**
   * Retries Sends from before the last crash. In a numbering that was kept, expects them to be recognised; in a new one,
   * that each of them is stored, unless the server moved its message.
   */
  async expectRetries(wasKept: boolean, choose: (messages: readonly Accepted[]) => readonly Accepted[]): Promise<void> {
    if (wasKept) for (const message of choose([...this.acked, ...this.pending])) await this.#expectRecognised(message);
    else for (const message of choose(this.#lost)) await this.#expectStored(message);
    const { svrSeq } = await this.account.state();
    const blamed = wasKept ? crashRequirement(this.#t) : "EPOCH-RESTART";
    const what = wasKept ? "a retry after a crash created a message" : "the retries after a crash were not all stored";
    this.#t.equal({ svrSeq }, { svrSeq: this.#svrSeq }, blamed, what);
  }

  async #expectRecognised({ from, sent }: Accepted): Promise<void> {
    const { clientMessageId: id, payload, acceptedAt } = sent;
    const blamed = crashRequirement(this.#t);
    const again = await this.#t.blaming(blamed, () => from.send(this.account, payload, { id }));
    const time = (at: SentMessage["acceptedAt"]) => `accepted_at: ${at?.seconds} s ${at?.nanos} ns`;
    this.#t.that(
      time(again.acceptedAt) === time(acceptedAt),
      blamed,
      "a retry after a crash was not recognised",
      time(acceptedAt),
      time(again.acceptedAt),
    );
  }

  async #expectStored({ from, sent }: Accepted): Promise<void> {
    const { clientMessageId: id, payload } = sent;
    const result = await from.trySend(this.account, payload, { id });
    if (this.#moved.has(id) || (result.kind === "refusal" && result.refusal.reason === Reason.BACKLOG_FULL)) return;
    const { acceptedAt } = await this.#t.blaming("EPOCH-RESTART", async () => this.#t.accepted(result, "SEND-ACCEPT"));
    this.add({ from, sent: { ...sent, acceptedAt } });
  }

  /** Fetches and acknowledges everything, and expects exactly the pending messages. */
  async expectAll(): Promise<void> {
    const device = this.account.device("new phone");
    const messages = await device.drain();
    const blamed = crashRequirement(this.#t);
    const sent = this.pending.map((it) => it.sent);
    const what = `after a crash ${this.account.name}'s inbox does not hold exactly its messages`;
    this.#t.all(messages, this.#ackedSeq + 1, sent, blamed, what);
    this.#expectContents(messages, blamed);
    this.#ackedSeq += this.pending.length;
    this.acked.push(...this.pending.splice(0));
  }
}
