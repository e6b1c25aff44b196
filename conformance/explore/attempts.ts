import { SeqSyncService, type SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Finding } from "../findings.js";
import { type EventBody, noResponse, sendCall, sendReturn, syncCall, syncReturn } from "../history/events.js";
import type { Recorder } from "../history/recorder.js";
import type { Credentials, SendArguments, SyncArguments } from "../rpc/client.js";
import type { Codec } from "../rpc/connect.js";
import { malformedFinding, recordAttempt } from "../rpc/recorded-attempt.js";
import type { CallResult } from "../rpc/result.js";
import type { CallOptions, Session } from "../rpc/session.js";
import type { Caller } from "../transport/messages.js";
import type { AbandonedSends } from "./abandoned-sends.js";
import { FAULT_HEADER } from "./faulty-network.js";
import type { NetworkFault } from "./program.js";

/** State of a device, as the specification obliges a client to keep it. */
export interface DeviceState {
  cliSeq: number;
  epoch: string;
  /** `cli_seq` before the last store: what a device that was restored from a backup sends. */
  previous: number;
}

/** Network faults that can make the response of a correct server malformed. */
const DAMAGING: readonly (NetworkFault | "none")[] = ["truncate-response", "reset-after-head"];

/** Makes and records single attempts through the faulty network. Never retries. */
export class AttemptClient {
  /** Violations of the HTTP binding in undamaged responses. */
  readonly findings: Finding[] = [];
  readonly #session: Session;
  readonly #recorder: Recorder;
  readonly #abandoned: AbandonedSends;

  constructor(session: Session, recorder: Recorder, abandoned: AbandonedSends) {
    this.#session = session;
    this.#recorder = recorder;
    this.#abandoned = abandoned;
  }

  /** Makes a Send. */
  async send(
    sender: Credentials,
    client: string,
    message: SendArguments,
    fault: NetworkFault | "none",
    codec: Codec,
  ): Promise<void> {
    const result = await this.#attempt(
      sendCall({ ...message, senderId: sender.userId }),
      client,
      fault,
      (endpoint, caller) =>
        this.#session.attempt(SeqSyncService.method.send, message, {
          ...optionsOf(sender, fault, endpoint, codec),
          caller,
        }),
      ({ acceptedAt }) => sendReturn(acceptedAt),
    );
    this.#abandoned.noteResult(sender, message, result, fault === "duplicate-request");
  }

  /** Makes a Sync. Returns its page; undefined if there is none. */
  async sync(
    account: Credentials,
    client: string,
    args: SyncArguments,
    fault: NetworkFault | "none",
    codec: Codec,
  ): Promise<SyncResponse | undefined> {
    const result = await this.#attempt(
      syncCall({ ...args, userId: account.userId }),
      client,
      fault,
      (endpoint, caller) =>
        this.#session.attempt(SeqSyncService.method.sync, args, {
          ...optionsOf(account, fault, endpoint, codec),
          caller,
        }),
      syncReturn,
    );
    return result.kind === "response" ? result.value : undefined;
  }

  async #attempt<T>(
    call: EventBody,
    client: string,
    fault: NetworkFault | "none",
    attempt: (endpoint: number, caller: Caller) => Promise<CallResult<T>>,
    toReturn: (value: T) => EventBody,
  ): Promise<CallResult<T>> {
    const endpoint = this.#session.nextEndpoint();
    const recorded = { client, endpoint, call, toReturn, ...(fault === "none" ? {} : { why: fault }) };
    const result = await recordAttempt(this.#recorder, recorded, (op) => {
      // The duplicate is an operation of its own, whose response reaches no client.
      if (fault === "duplicate-request")
        this.#recorder.complete(
          this.#recorder.call(client, endpoint, call),
          noResponse("a duplicate made by the network"),
        );
      return attempt(endpoint, { client, op });
    });
    if (result.kind === "malformed" && !DAMAGING.includes(fault))
      this.findings.push(malformedFinding(this.#recorder, result));
    return result;
  }
}

const optionsOf = (
  { token }: Credentials,
  fault: NetworkFault | "none",
  endpoint: number,
  codec: Codec,
): CallOptions => ({ token, endpoint, codec, headers: fault === "none" ? {} : { [FAULT_HEADER]: fault } });
