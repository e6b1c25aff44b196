import type { Message } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { SendResponse, SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Lease } from "../accounts/source.js";
import type { Client, ClientCallOptions, Credentials, SyncArguments } from "../rpc/client.js";
import type { DefiniteResult } from "../rpc/result.js";
import type { WatchStream } from "../rpc/watch-stream.js";

/** A message that the suite sent. */
export interface SentMessage {
  clientMessageId: string;
  payload: Uint8Array;
  acceptedAt: SendResponse["acceptedAt"];
}

export interface SendOptions extends ClientCallOptions {
  /** The client_message_id. Default: a new one. */
  id?: string;
}

/** Page size for the messages of earlier runs. */
const SWEEP_PAGE_SIZE = 1000;

/** What an account needs from the context of its case. */
export interface AccountContext {
  client(account: Credentials, name: string): Client;
  newId(): string;
  /** Returns a payload whose content does not matter, cut to `max_payload_bytes`. */
  filler(text: string): Uint8Array;
  /** Returns the value of a response. A refusal violates the requirement and ends the case. */
  accepted<T>(result: DefiniteResult<T>, requirement: "SEND-ACCEPT" | "SEND-SELF" | "SYNC-ANSWER"): T;
  /** Registers a function to call when the case ends. */
  onEnd(cleanUp: () => void): void;
}

/** An account in a case: sends messages, and has devices. */
export class TestAccount implements Credentials {
  readonly name: string;
  readonly userId: string;
  readonly token: string;
  readonly isFresh: boolean;
  /** `svr_seq` of its inbox when the case leased it; undefined if it was used before. */
  readonly startSeq: number | undefined;
  /**
   * `svr_seq` of its inbox at the start of the case; everything up to it is acked. Cases compute their expected seqs
   * from it.
   */
  base = 0;
  /** Epoch of its inbox at the start of the case; empty if unknown. */
  epoch = "";
  readonly #context: AccountContext;
  readonly #sender: Client;

  constructor(context: AccountContext, lease: Lease, name: string) {
    this.#context = context;
    this.name = name;
    this.userId = lease.userId;
    this.token = lease.token;
    this.startSeq = lease.startSeq;
    this.isFresh = lease.startSeq !== undefined;
    this.base = lease.startSeq ?? 0;
    this.#sender = context.client(this, name);
  }

  /** Sends a message, and expects it to be accepted. */
  async send(
    to: Credentials,
    payload: Uint8Array | string = this.#context.filler("hello"),
    options: SendOptions = {},
  ): Promise<SentMessage> {
    const sent = { clientMessageId: options.id ?? this.#context.newId(), payload: bytes(payload) };
    const result = await this.#sender.send({ ...sent, recipientId: to.userId }, options);
    const requirement = to.userId === this.userId ? "SEND-SELF" : "SEND-ACCEPT";
    return { ...sent, acceptedAt: this.#context.accepted(result, requirement).acceptedAt };
  }

  /** Sends a message. The server may refuse it. */
  trySend(
    to: { userId: string },
    payload: Uint8Array | string = this.#context.filler("hello"),
    options: SendOptions = {},
  ): Promise<DefiniteResult<SendResponse>> {
    const clientMessageId = options.id ?? this.#context.newId();
    return this.#sender.send({ recipientId: to.userId, clientMessageId, payload: bytes(payload) }, options);
  }

  /** Sends `count` messages in sequence. */
  async sendMany(to: Credentials, count: number): Promise<SentMessage[]> {
    const sent: SentMessage[] = [];
    for (let n = 1; n <= count; n += 1) sent.push(await this.send(to, this.#context.filler(`message ${n}`)));
    return sent;
  }

  /** Sends `count` messages concurrently. */
  sendAtOnce(to: Credentials, count: number): Promise<SentMessage[]> {
    return Promise.all(
      Array.from({ length: count }, (_, n) => this.send(to, this.#context.filler(`message ${n + 1}`))),
    );
  }

  /** Creates a device without any state. */
  device(name = "phone"): Device {
    return new Device(this.#context, this.#context.client(this, `${this.name}'s ${name}`));
  }

  /** Drains the inbox of an account that was used before, so that the case can count from its current state. */
  async sweep(): Promise<void> {
    const sweeper = this.device("sweeper");
    // A page size of its own: the server may have messages of an earlier run, and no limit of its own for a page.
    await sweeper.drain(SWEEP_PAGE_SIZE);
    this.base = sweeper.cliSeq;
    this.epoch = sweeper.epoch;
  }

  /** Returns the state of the inbox, by a Sync with `cli_seq` 0, which acks nothing. */
  async state(): Promise<SyncResponse> {
    return this.device("probe").sync({ pageSize: 1 });
  }
}

/** A device of an account. Keeps the state that the specification obliges a client to keep. */
export class Device {
  /** Highest seq that the device has stored. */
  cliSeq = 0;
  /** Epoch of the last stored page; empty before the first. */
  epoch = "";
  /** The stored messages, in the order of arrival. */
  readonly stored: Message[] = [];
  readonly client: Client;
  readonly #context: AccountContext;

  constructor(context: AccountContext, client: Client) {
    this.#context = context;
    this.client = client;
  }

  /** Syncs with the state of the device, unless `args` overrides it, and expects a page. Stores nothing. */
  async sync(args: Partial<SyncArguments> = {}, options: ClientCallOptions = {}): Promise<SyncResponse> {
    return this.#context.accepted(await this.trySync(args, options), "SYNC-ANSWER");
  }

  /** Makes the same call as `sync`. The server may refuse it. Stores nothing. */
  trySync(args: Partial<SyncArguments> = {}, options: ClientCallOptions = {}): Promise<DefiniteResult<SyncResponse>> {
    return this.client.sync({ cliSeq: this.cliSeq, epoch: this.epoch, pageSize: 0, ...args }, options);
  }

  /** Stores the messages of a page, then advances `cli_seq`: clients must do it in this order. */
  store(page: SyncResponse): void {
    for (const message of page.messages) this.stored.push(message);
    this.cliSeq = page.nextCliSeq;
    this.epoch = page.epoch;
  }

  /** Makes a Sync and stores its page. */
  async fetch(pageSize = 0): Promise<SyncResponse> {
    const page = await this.sync({ pageSize });
    this.store(page);
    return page;
  }

  /** Fetches all pending messages without acking the last page. Returns the last page. */
  async catchUp(pageSize = 0): Promise<SyncResponse> {
    for (;;) {
      const previous = this.cliSeq;
      const page = await this.fetch(pageSize);
      if (page.nextCliSeq >= page.svrSeq || this.cliSeq <= previous) return page;
    }
  }

  /** Fetches and acks all pending messages. Returns them. */
  async drain(pageSize = 0): Promise<Message[]> {
    const before = this.stored.length;
    for (;;) {
      const previous = this.cliSeq;
      const page = await this.fetch(pageSize);
      // A page without progress is a violation, which the judge reports. Here it must not cause an endless loop.
      if (page.messages.length === 0 || this.cliSeq <= previous) break;
    }
    return this.stored.slice(before);
  }

  /** Opens a Watch, which is cancelled when the case ends. */
  watch(options: ClientCallOptions = {}): WatchStream {
    const stream = this.client.watch(options);
    this.#context.onEnd(() => stream.abandon());
    return stream;
  }
}

export const bytes = (payload: Uint8Array | string) => (typeof payload === "string" ? Buffer.from(payload) : payload);
