import type { Message } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { SendResponse, SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Lease } from "../accounts/source.js";
import type { Client, ClientCallOptions, Credentials, Reply, SyncArguments, Watching } from "../rpc/client.js";

/** A message that the suite has sent. */
export interface Sent {
  clientMessageId: string;
  payload: Uint8Array;
  acceptedAt: SendResponse["acceptedAt"];
}

export interface SendOptions extends ClientCallOptions {
  /** Default: a new one. */
  id?: string;
}

/** What a party needs of the case that it is in. */
export interface AccountContext {
  client(account: Credentials, name: string): Client;
  newId(): string;
  /** Answers the value, or ends the case: the step was refused though nothing was wrong with it. */
  accepted<T>(answered: Reply<T>, requirement: "SEND-ACCEPT" | "SEND-SELF" | "SYNC-ANSWER"): T;
  /** Registers what is to be given up when the case ends. */
  onEnd(cleanUp: () => void): void;
}

/** One account in a case: sends, and owns devices. */
export class TestAccount implements Credentials {
  readonly name: string;
  readonly userId: string;
  readonly token: string;
  readonly isFresh: boolean;
  /** `svr_seq` of its inbox when the case began, all of it acked. Cases count from here. */
  base = 0;
  /** Its epoch then; empty until somebody has looked. */
  epoch = "";
  readonly #stage: AccountContext;
  readonly #sender: Client;

  constructor(stage: AccountContext, lease: Lease, name: string) {
    this.#stage = stage;
    this.name = name;
    this.userId = lease.userId;
    this.token = lease.token;
    this.isFresh = lease.startSeq !== undefined;
    this.base = lease.startSeq ?? 0;
    this.#sender = stage.client(this, name);
  }

  /** Sends one message and expects it to be accepted. */
  async send(to: Credentials, payload: Uint8Array | string = "hello", options: SendOptions = {}): Promise<Sent> {
    const sent = { clientMessageId: options.id ?? this.#stage.newId(), payload: bytes(payload) };
    const answer = await this.#sender.send({ ...sent, recipientId: to.userId }, options);
    const requirement = to.userId === this.userId ? "SEND-SELF" : "SEND-ACCEPT";
    return { ...sent, acceptedAt: this.#stage.accepted(answer, requirement).acceptedAt };
  }

  /** Sends one message, whatever becomes of it. */
  trySend(
    to: { userId: string },
    payload: Uint8Array | string = "hello",
    options: SendOptions = {},
  ): Promise<Reply<SendResponse>> {
    const clientMessageId = options.id ?? this.#stage.newId();
    return this.#sender.send({ recipientId: to.userId, clientMessageId, payload: bytes(payload) }, options);
  }

  /** Sends `count` messages one after the other. */
  async sendMany(to: Credentials, count: number): Promise<Sent[]> {
    const sent: Sent[] = [];
    for (let n = 1; n <= count; n += 1) sent.push(await this.send(to, `message ${n}`));
    return sent;
  }

  /** Sends `count` messages at the same time. */
  sendAtOnce(to: Credentials, count: number): Promise<Sent[]> {
    return Promise.all(Array.from({ length: count }, (_, n) => this.send(to, `message ${n + 1}`)));
  }

  /** A device that has nothing yet. */
  device(name = "phone"): Device {
    return new Device(this.#stage, this.#stage.client(this, `${this.name}'s ${name}`));
  }

  /** Where the inbox stands now. Asks with `cli_seq` 0, which acks nothing. */
  async state(): Promise<SyncResponse> {
    return this.device("probe").sync({ pageSize: 1 });
  }
}

/** One device of an account. Keeps what the specification obliges a client to keep, unless told otherwise. */
export class Device {
  /** Highest seq that it has stored. */
  cliSeq = 0;
  /** The epoch that it has; empty before the first answer. */
  epoch = "";
  /** What it has stored, in the order in which it came. */
  readonly stored: Message[] = [];
  readonly client: Client;
  readonly #stage: AccountContext;

  constructor(stage: AccountContext, client: Client) {
    this.#stage = stage;
    this.client = client;
  }

  /** Syncs with what the device has, or with what is given instead, and expects an answer. Stores nothing. */
  async sync(args: Partial<SyncArguments> = {}, options: ClientCallOptions = {}): Promise<SyncResponse> {
    return this.#stage.accepted(await this.trySync(args, options), "SYNC-ANSWER");
  }

  /** Syncs, whatever becomes of it. Stores nothing. */
  trySync(args: Partial<SyncArguments> = {}, options: ClientCallOptions = {}): Promise<Reply<SyncResponse>> {
    return this.client.sync({ cliSeq: this.cliSeq, epoch: this.epoch, pageSize: 0, ...args }, options);
  }

  /** Stores a page, then advances: in this order, as a client must. */
  store(page: SyncResponse): void {
    this.stored.push(...page.messages);
    this.cliSeq = page.nextCliSeq;
    this.epoch = page.epoch;
  }

  /** One Sync whose page is stored. */
  async fetch(pageSize = 0): Promise<SyncResponse> {
    const page = await this.sync({ pageSize });
    this.store(page);
    return page;
  }

  /** Syncs until it has what is there, without acking the last page. Answers the last page. */
  async catchUp(pageSize = 0): Promise<SyncResponse> {
    for (;;) {
      const had = this.cliSeq;
      const page = await this.fetch(pageSize);
      if (page.nextCliSeq >= page.svrSeq || this.cliSeq <= had) return page;
    }
  }

  /** Syncs until nothing is pending, and once more to ack the last page. Answers what came. */
  async drain(pageSize = 0): Promise<Message[]> {
    const before = this.stored.length;
    for (;;) {
      const had = this.cliSeq;
      const page = await this.fetch(pageSize);
      // A page that gets nowhere is a breach that the judge has seen; here it must not become an endless loop.
      if (page.messages.length === 0 || this.cliSeq <= had) break;
    }
    return this.stored.slice(before);
  }

  watch(options: ClientCallOptions = {}): Watching {
    const watching = this.client.watch(options);
    this.#stage.onEnd(() => watching.cancel());
    return watching;
  }
}

export const bytes = (payload: Uint8Array | string) => (typeof payload === "string" ? Buffer.from(payload) : payload);
