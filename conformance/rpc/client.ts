import { type SendResponse, SeqSyncService, type SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { NoResponseFailure, RetriesExhausted, Violation } from "../findings.js";
import {
  type EventBody,
  noResponse,
  refused,
  sendCall,
  sendReturn,
  syncCall,
  syncReturn,
  watchCall,
  watchEnd,
  watchFrame,
} from "../history/events.js";
import type { Recorder } from "../history/recorder.js";
import type { Codec } from "./connect.js";
import { judgeStreamHead, pairsOf } from "./every-response.js";
import { malformedFinding, recordAttempt } from "./recorded-attempt.js";
import type { CallResult, DefiniteResult } from "./result.js";
import type { CallOptions, Session } from "./session.js";
import { openWatch, type StreamEnd } from "./watch.js";
import { WatchStream } from "./watch-stream.js";

/** An account that the suite may use. */
export interface Credentials {
  /** Its user id. 1 to 128 bytes of UTF-8. */
  userId: string;
  /** Its bearer token. 1 to 4096 visible ASCII characters. */
  token: string;
}

export interface SendArguments {
  recipientId: string;
  clientMessageId: string;
  payload: Uint8Array;
}

export interface SyncArguments {
  cliSeq: number;
  epoch: string;
  pageSize: number;
}

export interface ClientCallOptions {
  /** Default: that of the session. */
  codec?: Codec;
  /** Index of the URL. Default: the next one. */
  endpoint?: number;
  /** Token to use instead of the account's; null for no credential. */
  token?: string | null;
}

/** A client of an account: makes typed calls, retries them as the specification requires, and records them. */
export class Client {
  readonly session: Session;
  readonly account: Credentials;
  readonly name: string;
  readonly #recorder: Recorder;

  constructor(session: Session, recorder: Recorder, account: Credentials, name: string) {
    this.session = session;
    this.account = account;
    this.name = name;
    this.#recorder = recorder;
  }

  /** Sends a message. Throws if there is no definite result. */
  async send(args: SendArguments, options: ClientCallOptions = {}): Promise<DefiniteResult<SendResponse>> {
    const result = await this.#call(
      sendCall({ ...args, senderId: this.account.userId }),
      options,
      (callOptions) => this.session.attempt(SeqSyncService.method.send, args, callOptions),
      ({ acceptedAt }) => sendReturn(acceptedAt),
    );
    return this.#definite(result, "SEND-ACCEPT", "Send");
  }

  /** Makes a Sync. Throws if there is no definite result. */
  async sync(args: SyncArguments, options: ClientCallOptions = {}): Promise<DefiniteResult<SyncResponse>> {
    const result = await this.#call(
      syncCall({ ...args, userId: this.account.userId }),
      options,
      (callOptions) => this.session.attempt(SeqSyncService.method.sync, args, callOptions),
      syncReturn,
    );
    return this.#definite(result, "SYNC-ANSWER", "Sync");
  }

  /** Opens a Watch, and records its frames and its end as they arrive. */
  watch(options: ClientCallOptions = {}): WatchStream {
    this.session.throwIfEnded();
    const { codec = this.session.codec, endpoint = this.session.nextEndpoint() } = options;
    const op = this.#recorder.call(this.name, endpoint, watchCall(this.account.userId));
    const stream = new WatchStream();
    const open = openWatch(
      this.session.transport,
      {
        token: this.#token(options),
        codec,
        endpoint,
        caller: { client: this.name, op },
        formOf: (call) => this.session.formOf(call),
      },
      {
        onHead: (request, response) => {
          const offered = [...Object.entries(this.session.transport.headers), ...pairsOf(request)];
          const violation = judgeStreamHead({ headers: offered }, { headers: response });
          if (violation !== undefined) this.session.onViolation(violation, op);
        },
        onFrame: (frame) => {
          this.#recorder.complete(op, watchFrame(frame));
          stream.onFrame(frame);
        },
        onEnd: (end) => {
          this.#recorder.complete(op, endEvent(end));
          if (end.kind === "flood") this.session.onFlood(end.why);
          stream.onEnd(end);
        },
        onClose: (violation) => stream.onClose(violation),
      },
    );
    stream.abandon = () => open.cancel();
    stream.cancel = () => {
      open.cancel();
      // Otherwise the history would show a Watch that stays open and gets no frames.
      if (stream.end === undefined) this.#recorder.complete(op, noResponse("the client closed the connection"));
      stream.cancel = () => {};
    };
    return stream;
  }

  #token({ token }: ClientCallOptions): string | undefined {
    return token === null ? undefined : (token ?? this.account.token);
  }

  #call<T>(
    call: EventBody,
    options: ClientCallOptions,
    attempt: (options: CallOptions) => Promise<CallResult<T>>,
    toReturn: (value: T) => EventBody,
  ): Promise<CallResult<T> & { op: bigint }> {
    const { codec = this.session.codec } = options;
    const token = this.#token(options);
    return this.session.retry(() => {
      const endpoint = options.endpoint ?? this.session.nextEndpoint();
      const recorded = { client: this.name, endpoint, call, toReturn };
      return recordAttempt(this.#recorder, recorded, (op) =>
        attempt({ token, codec, endpoint, caller: { client: this.name, op } }),
      );
    });
  }

  /** Returns a definite result. Throws for any other result, which ends the case. */
  #definite<T>(
    result: CallResult<T> & { op: bigint },
    requirement: "SEND-ACCEPT" | "SYNC-ANSWER",
    rpc: string,
  ): DefiniteResult<T> {
    switch (result.kind) {
      case "response":
      case "refusal":
        return result;
      case "retryable":
        throw new RetriesExhausted(result.why, result.refusal?.code);
      case "no-response":
        throw new NoResponseFailure(requirement, rpc, result.why);
      case "malformed":
        throw new Violation(malformedFinding(this.#recorder, result));
    }
  }
}

function endEvent(end: StreamEnd): EventBody {
  if (end.kind === "end") return watchEnd();
  const refusal = end.kind === "refusal" || end.kind === "retryable" ? end.refusal : undefined;
  if (refusal !== undefined) return refused(refusal);
  return noResponse(end.kind === "refusal" ? "" : end.why);
}
