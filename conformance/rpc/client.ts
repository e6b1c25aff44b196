import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { type SendResponse, SeqSyncService, type SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { NoResponseFailure, newFinding, RetriesExhausted, Violation } from "../findings.js";
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
import { isNeverServed, isRetryOfAccepted } from "./never-served.js";
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
    const result = await this.session.retry(() => this.#attemptSend(args, options));
    if (result.kind === "retryable" && isRetryOfAccepted(this.#recorder, { ...args, senderId: this.account.userId })) {
      const others = { recipientId: args.recipientId, payload: Buffer.alloc(0) };
      await this.#expectServed(result, {
        requirement: "SEND-RETRY",
        message: "a retry of an accepted Send never succeeds, while the server answers new Sends to the same recipient",
        call: () => this.#attemptSend(args, options),
        other: () => this.#attemptSend({ ...others, clientMessageId: randomUUID() }, options),
      });
    }
    return this.#definite(result, "SEND-ACCEPT", "Send");
  }

  /** Makes a Sync. Throws if there is no definite result. */
  async sync(args: SyncArguments, options: ClientCallOptions = {}): Promise<DefiniteResult<SyncResponse>> {
    const result = await this.session.retry(() => this.#attemptSync(args, options));
    // This Sync is always valid, and acknowledges nothing.
    const plain = { cliSeq: 0, epoch: "", pageSize: 1 };
    if (result.kind === "retryable" && !isDeepStrictEqual({ ...args }, plain))
      await this.#expectServed(result, {
        requirement: "SYNC-ANSWER",
        message: "a Sync is never answered, while the server answers another Sync of the same inbox",
        call: () => this.#attemptSync(args, options),
        other: () => this.#attemptSync(plain, options),
      });
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

  #attemptSend(args: SendArguments, options: ClientCallOptions) {
    return this.#attempt(
      sendCall({ ...args, senderId: this.account.userId }),
      options,
      (callOptions) => this.session.attempt(SeqSyncService.method.send, args, callOptions),
      ({ acceptedAt }) => sendReturn(acceptedAt),
    );
  }

  #attemptSync(args: SyncArguments, options: ClientCallOptions) {
    return this.#attempt(
      syncCall({ ...args, userId: this.account.userId }),
      options,
      (callOptions) => this.session.attempt(SeqSyncService.method.sync, args, callOptions),
      syncReturn,
    );
  }

  #attempt<T>(
    call: EventBody,
    options: ClientCallOptions,
    attempt: (options: CallOptions) => Promise<CallResult<T>>,
    toReturn: (value: T) => EventBody,
  ): Promise<CallResult<T> & { op: bigint }> {
    this.session.throwIfEnded();
    const { codec = this.session.codec, endpoint = this.session.nextEndpoint() } = options;
    const recorded = { client: this.name, endpoint, call, toReturn };
    return recordAttempt(this.#recorder, recorded, (op) =>
      attempt({ token: this.#token(options), codec, endpoint, caller: { client: this.name, op } }),
    );
  }

  /** Throws a violation if the server answers each attempt of a call with a retryable error, but serves another call. */
  async #expectServed(
    { op, why }: Extract<CallResult<never>, { kind: "retryable" }> & { op: bigint },
    { requirement, message, call, other }: Served,
  ): Promise<void> {
    if (!(await isNeverServed(call, other))) return;
    const violation = { requirement, message, expected: "a response at last", actual: `${why}, at each attempt` };
    throw new Violation(newFinding(violation, this.#recorder.eventsOf(op), false));
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

/** A call that must be served if another one is, and the requirement that says so. */
interface Served {
  requirement: "SEND-RETRY" | "SYNC-ANSWER";
  message: string;
  call: () => Promise<CallResult<unknown>>;
  other: () => Promise<CallResult<unknown>>;
}

function endEvent(end: StreamEnd): EventBody {
  if (end.kind === "end") return watchEnd();
  const refusal = end.kind === "refusal" || end.kind === "retryable" ? end.refusal : undefined;
  if (refusal !== undefined) return refused(refusal);
  return noResponse(end.kind === "refusal" ? "" : end.why);
}
