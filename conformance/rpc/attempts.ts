import { type SendRequest, SeqSyncService, type SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { FAULT_HEADER } from "../explore/faulty-network.js";
import type { NetworkFault } from "../explore/program.js";
import type { Finding } from "../findings.js";
import { fingerprintOf } from "../history/fingerprint.js";
import type { EventBody, Recorder } from "../history/recorder.js";
import { type Credentials, lost, refused, syncReturn } from "./client.js";
import type { AttemptResult, Codec } from "./connect.js";
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
const CUTS: readonly (NetworkFault | "none")[] = ["cut-answer", "reset-after-head"];

type Ended<T> = AttemptResult<T> | { kind: "no-response"; why: string };

/** Makes single attempts through the faulty network, and records what its clients see. Never tries again by itself. */
export class AttemptClient {
  /** Whole answers that were none of the protocol. */
  readonly malformed: Finding[] = [];
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
    fault: NetworkFault | "none",
    codec: Codec,
  ): Promise<void> {
    const call: EventBody = {
      case: "sendCall",
      value: {
        $typeName: "seqsync.conformance.v1.SendCall",
        recipientId: message.recipientId,
        clientMessageId: message.clientMessageId,
        senderId: sender.userId,
        payload: fingerprintOf(message.payload),
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
    fault: NetworkFault | "none",
    codec: Codec,
  ): Promise<SyncResponse | undefined> {
    const call: EventBody = {
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
    call: EventBody,
    client: string,
    fault: NetworkFault | "none",
    run: (endpoint: number) => Promise<Ended<T>>,
    toEvent: (value: T) => EventBody,
  ): Promise<T | undefined> {
    const endpoint = this.#session.nextEndpoint();
    const op = this.#recorder.call(client, endpoint, call);
    if (fault === "twice") {
      // The second copy is a call of its own, whose answer nobody sees.
      this.#recorder.complete(this.#recorder.call(client, endpoint, call), lost("a copy that the network made"));
    }
    const ended = await run(endpoint);
    switch (ended.kind) {
      case "response":
        this.#recorder.complete(op, toEvent(ended.value));
        return ended.value;
      case "refusal":
        this.#recorder.complete(op, refused(ended.refusal));
        return undefined;
      default:
        this.#recorder.complete(op, lost(fault === "none" ? ended.why : fault));
        if (ended.kind === "malformed" && !CUTS.includes(fault)) {
          const { requirement, why: message } = ended;
          const evidence = this.#recorder.events.filter((event) => event.op === op);
          const expected = "an answer in the form that the HTTP binding gives";
          this.malformed.push({ requirement, message, expected, actual: message, evidence });
        }
        return undefined;
    }
  }
}

const options = ({ token }: Credentials, fault: NetworkFault | "none", endpoint: number, codec: Codec) => ({
  token,
  endpoint,
  codec,
  headers: fault === "none" ? {} : { [FAULT_HEADER]: fault },
});
