import { type SendRequest, SeqSyncService, type SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { FAULT_HEADER } from "../explore/faulty-network.js";
import type { Fault } from "../explore/program.js";
import type { Finding } from "../findings.js";
import { printOf } from "../history/fingerprint.js";
import type { Recorder, What } from "../history/recorder.js";
import { type Credentials, lost, refused, syncReturn } from "./client.js";
import type { Codec, Outcome } from "./connect.js";
import type { Session } from "./session.js";

/** What a device holds, as the specification obliges a client to. */
export interface DeviceState {
  cliSeq: number;
  epoch: string;
  /** What it held before its last store: what a restored or delayed device would send. */
  previous: number;
}

/** A message as it was sent, to be sent again. */
export type Message = Pick<SendRequest, "recipientId" | "clientMessageId" | "payload">;

/** After these an answer may look like anything. */
const CUTS: readonly (Fault | "none")[] = ["cut-answer", "reset-after-head"];

type Ended<T> = Outcome<T> | { kind: "lost"; why: string };

/** Makes single attempts through the faulty network, and records what its clients see. Never tries again by itself. */
export class Actor {
  /** Whole answers that were none of the protocol. */
  readonly garbled: Finding[] = [];
  readonly #session: Session;
  readonly #recorder: Recorder;

  constructor(session: Session, recorder: Recorder) {
    this.#session = session;
    this.#recorder = recorder;
  }

  async send(
    sender: Credentials,
    client: string,
    message: Message,
    fault: Fault | "none",
    codec: Codec,
  ): Promise<void> {
    const call: What = {
      case: "sendCall",
      value: {
        $typeName: "seqsync.conformance.v1.SendCall",
        recipientId: message.recipientId,
        clientMessageId: message.clientMessageId,
        senderId: sender.userId,
        payload: printOf(message.payload),
      },
    };
    await this.#attempt(
      call,
      client,
      fault,
      (endpoint) => this.#session.attempt(SeqSyncService.method.send, message, options(sender, fault, endpoint, codec)),
      ({ acceptedAt }) => ({
        case: "sendReturn",
        value: { $typeName: "seqsync.conformance.v1.SendReturn", ...(acceptedAt === undefined ? {} : { acceptedAt }) },
      }),
    );
  }

  /** Answers the page, or undefined if none came. */
  async sync(
    account: Credentials,
    client: string,
    args: { cliSeq: number; epoch: string; pageSize: number },
    fault: Fault | "none",
    codec: Codec,
  ): Promise<SyncResponse | undefined> {
    const call: What = {
      case: "syncCall",
      value: { $typeName: "seqsync.conformance.v1.SyncCall", ...args, userId: account.userId },
    };
    return this.#attempt(
      call,
      client,
      fault,
      (endpoint) => this.#session.attempt(SeqSyncService.method.sync, args, options(account, fault, endpoint, codec)),
      (value) => ({
        case: "syncReturn",
        value: syncReturn(value),
      }),
    );
  }

  async #attempt<T>(
    call: What,
    client: string,
    fault: Fault | "none",
    run: (endpoint: number) => Promise<Ended<T>>,
    toEvent: (value: T) => What,
  ): Promise<T | undefined> {
    const endpoint = this.#session.nextEndpoint();
    const op = this.#recorder.call(client, endpoint, call);
    if (fault === "twice") {
      // The second copy is a call of its own, whose answer nobody sees.
      this.#recorder.note(this.#recorder.call(client, endpoint, call), lost("a copy that the network made"));
    }
    const ended = await run(endpoint);
    switch (ended.kind) {
      case "ok":
        this.#recorder.note(op, toEvent(ended.value));
        return ended.value;
      case "refused":
        this.#recorder.note(op, refused(ended.refusal));
        return undefined;
      default:
        this.#recorder.note(op, lost(fault === "none" ? ended.why : fault));
        if (ended.kind === "garbled" && !CUTS.includes(fault)) {
          const { requirement, why: message } = ended;
          const evidence = this.#recorder.events.filter((event) => event.op === op);
          const expected = "an answer in the form that the HTTP binding gives";
          this.garbled.push({ requirement, message, expected, actual: message, evidence });
        }
        return undefined;
    }
  }
}

const options = ({ token }: Credentials, fault: Fault | "none", endpoint: number, codec: Codec) => ({
  token,
  endpoint,
  codec,
  headers: fault === "none" ? {} : { [FAULT_HEADER]: fault },
});
