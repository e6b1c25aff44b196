import { type SendResponse, SeqSyncService, type SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { type EventBody, noResponse, sendCall, sendReturn, syncCall, syncReturn } from "../history/events.js";
import type { Recorder } from "../history/recorder.js";
import type { Credentials, SendArguments, SyncArguments } from "../rpc/client.js";
import type { Codec } from "../rpc/connect.js";
import { malformedFinding, recordAttempt } from "../rpc/recorded-attempt.js";
import type { CallResult } from "../rpc/result.js";
import type { CallOptions, Session } from "../rpc/session.js";
import type { AbandonedSends } from "./abandoned-sends.js";
import { FAULT_HEADER, type FaultyNetwork } from "./faulty-network.js";
import type { NetworkFault } from "./program.js";
import type { Findings } from "./run-findings.js";

/** State of a device, as the specification obliges a client to keep it. */
export interface DeviceState {
  cliSeq: number;
  epoch: string;
  /** `cli_seq` before the last store: what a device that was restored from a backup sends. */
  previous: number;
}

/** Network faults that can make the response of a correct server malformed. */
const DAMAGING: readonly (NetworkFault | "none")[] = ["truncate-response", "reset-after-head"];

/** The sessions of a program. */
export interface Sessions {
  /** Makes calls through the faulty network. */
  faulty: Session;
  /** Makes calls to the target directly. */
  direct: Session;
  network: FaultyNetwork;
}

/** How an attempt is made. */
export interface AttemptOptions {
  /** Name of the client. */
  client: string;
  fault: NetworkFault | "none";
  codec: Codec;
}

/** Makes and records single attempts, those with a fault through the faulty network. Never retries. */
export class AttemptClient {
  readonly #sessions: Sessions;
  readonly #recorder: Recorder;
  readonly #abandoned: AbandonedSends;
  readonly #findings: Findings;

  constructor(sessions: Sessions, recorder: Recorder, abandoned: AbandonedSends, findings: Findings) {
    this.#sessions = sessions;
    this.#recorder = recorder;
    this.#abandoned = abandoned;
    this.#findings = findings;
  }

  /** Makes a Send. */
  async send(sender: Credentials, message: SendArguments, options: AttemptOptions): Promise<CallResult<SendResponse>> {
    const result = await this.#attempt(
      sendCall({ ...message, senderId: sender.userId }),
      options,
      (session, call) => session.attempt(SeqSyncService.method.send, message, { ...call, token: sender.token }),
      ({ acceptedAt }) => sendReturn(acceptedAt),
    );
    this.#abandoned.noteResult(sender, message, result, options.fault === "duplicate-request");
    return result;
  }

  /** Makes a Sync. */
  sync(account: Credentials, args: SyncArguments, options: AttemptOptions): Promise<CallResult<SyncResponse>> {
    return this.#attempt(
      syncCall({ ...args, userId: account.userId }),
      options,
      (session, call) => session.attempt(SeqSyncService.method.sync, args, { ...call, token: account.token }),
      syncReturn,
    );
  }

  async #attempt<T>(
    call: EventBody,
    { client, fault, codec }: AttemptOptions,
    attempt: (session: Session, options: CallOptions) => Promise<CallResult<T>>,
    toReturn: (value: T) => EventBody,
  ): Promise<CallResult<T>> {
    const { faulty, direct, network } = this.#sessions;
    const endpoint = faulty.nextEndpoint();
    const recorded = { client, endpoint, call, toReturn, ...(fault === "none" ? {} : { why: fault }) };
    const result = await recordAttempt(this.#recorder, recorded, async (op) => {
      const caller = { client, op };
      if (fault === "none") {
        const result = await attempt(direct, { endpoint, codec, caller });
        network.releaseOne();
        return result;
      }
      // The duplicate is an operation of its own, whose response reaches no client.
      if (fault === "duplicate-request")
        this.#recorder.complete(
          this.#recorder.call(client, endpoint, call),
          noResponse("a duplicate made by the network"),
        );
      return attempt(faulty, { endpoint, codec, caller, headers: { [FAULT_HEADER]: fault } });
    });
    if (result.kind === "malformed" && !DAMAGING.includes(fault))
      this.#findings.add(malformedFinding(this.#recorder, result));
    return result;
  }
}
