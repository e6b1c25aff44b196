import { create } from "@bufbuild/protobuf";
import { RefusedSchema, type SyncReturn } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import {
  type SendResponse,
  SeqSyncService,
  type SyncResponse,
  type WatchResponse,
} from "../../proto/gen/seqsync/v1/service_pb.js";
import { NoResponseFailure, RetriesExhausted, Violation } from "../findings.js";
import { fingerprintOf } from "../history/fingerprint.js";
import type { EventBody, Recorder } from "../history/recorder.js";
import { Deadline } from "../transport/deadline.js";
import type { Codec, Refusal } from "./connect.js";
import type { CallOptions, CallResult, Session } from "./session.js";
import { openWatch, type StreamEnd } from "./watch.js";

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

/** An answer or a refusal. Whatever else can become of a call ends the case. */
export type Reply<T> = { kind: "response"; value: T } | { kind: "refusal"; refusal: Refusal };

/** How a client calls: `token` null leaves the credential away. */
export interface ClientCallOptions {
  codec?: Codec;
  endpoint?: number;
  token?: string | null;
}

/** One client of one account. Makes typed calls, tries again as clients must, and records all that it sees. */
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

  async send(args: SendArguments, options: ClientCallOptions = {}): Promise<Reply<SendResponse>> {
    const payload = fingerprintOf(args.payload);
    return this.#recorded(
      {
        case: "sendCall",
        value: { $typeName: "seqsync.conformance.v1.SendCall", ...args, senderId: this.account.userId, payload },
      },
      "SEND-ACCEPT",
      (hooks) => this.session.call(SeqSyncService.method.send, args, this.#options(options), hooks),
      ({ acceptedAt }) => ({
        case: "sendReturn",
        value: { $typeName: "seqsync.conformance.v1.SendReturn", ...(acceptedAt === undefined ? {} : { acceptedAt }) },
      }),
    );
  }

  async sync(args: SyncArguments, options: ClientCallOptions = {}): Promise<Reply<SyncResponse>> {
    return this.#recorded(
      {
        case: "syncCall",
        value: { $typeName: "seqsync.conformance.v1.SyncCall", ...args, userId: this.account.userId },
      },
      "SYNC-ANSWER",
      (hooks) => this.session.call(SeqSyncService.method.sync, args, this.#options(options), hooks),
      (value) => ({ case: "syncReturn", value: syncReturn(value) }),
    );
  }

  /** Opens a Watch whose frames are recorded as they come. */
  watch(options: ClientCallOptions = {}): Watching {
    const { codec = this.session.codec, endpoint = this.session.nextEndpoint(), token } = options;
    const op = this.#recorder.call(this.name, endpoint, {
      case: "watchCall",
      value: { $typeName: "seqsync.conformance.v1.WatchCall", userId: this.account.userId },
    });
    const watching = new Watching();
    const bearer = token === null ? undefined : (token ?? this.account.token);
    const open = openWatch(
      this.session.transport,
      { token: bearer, codec, endpoint },
      {
        onFrame: (frame) => {
          const { epoch, svrSeq } = frame;
          this.#recorder.complete(op, {
            case: "watchFrame",
            value: { $typeName: "seqsync.conformance.v1.WatchFrame", epoch, svrSeq },
          });
          watching.onFrame(frame);
        },
        onEnd: (end) => {
          this.#recorder.complete(op, endEvent(end));
          watching.onEnd(end);
        },
        onClose: (wrong) => watching.onClose(wrong),
      },
    );
    watching.cancel = () => open.cancel();
    return watching;
  }

  #options({ codec, endpoint, token }: ClientCallOptions): CallOptions {
    return {
      token: token === null ? undefined : (token ?? this.account.token),
      ...(codec === undefined ? {} : { codec }),
      ...(endpoint === undefined ? {} : { endpoint }),
    };
  }

  /** Each attempt is an operation of its own: one that was lost may still have its effect. */
  async #recorded<T>(
    call: EventBody,
    requirement: "SEND-ACCEPT" | "SYNC-ANSWER",
    run: (hooks: { onAttempt(endpoint: number): void; onNoResponse(why: string): void }) => Promise<CallResult<T>>,
    toEvent: (value: T) => EventBody,
  ): Promise<Reply<T>> {
    let op = 0n;
    const ended = await run({
      onAttempt: (endpoint) => {
        op = this.#recorder.call(this.name, endpoint, call);
      },
      onNoResponse: (why) => this.#recorder.complete(op, lost(why)),
    });
    switch (ended.kind) {
      case "response":
        this.#recorder.complete(op, toEvent(ended.value));
        return ended;
      case "refusal":
        this.#recorder.complete(op, refused(ended.refusal));
        return ended;
      case "no-response":
        if (ended.retryLater) throw new RetriesExhausted(ended.why);
        throw new NoResponseFailure(requirement, call.case === "sendCall" ? "Send" : "Sync", ended.why);
      case "malformed": {
        this.#recorder.complete(op, lost(ended.why));
        const evidence = this.#recorder.events.filter((event) => event.op === op);
        const expected = "an answer in the form that the HTTP binding gives";
        throw new Violation(
          { requirement: ended.requirement, message: ended.why, expected, actual: ended.why, evidence },
          true,
        );
      }
    }
  }
}

/** An open Watch, as a case looks at it. */
export class Watching {
  readonly frames: WatchResponse[] = [];
  /** How it ended; undefined while it is open. */
  end: StreamEnd | undefined;
  /** Whether nothing can come any more. */
  closed = false;
  /** Goes away without a word. */
  cancel: () => void = () => {};
  readonly #waiting = new Set<() => void>();

  onFrame(frame: WatchResponse): void {
    this.frames.push(frame);
    this.#wake();
  }

  onEnd(end: StreamEnd): void {
    this.end = end;
    this.#wake();
  }

  onClose(wrong?: StreamEnd): void {
    this.closed = true;
    this.end = wrong ?? this.end;
    this.#wake();
  }

  /** Resolves with true once a frame fits, or with false if the stream ends or the time is up before. */
  async until(fits: (frame: WatchResponse) => boolean, timeoutMs: number): Promise<boolean> {
    return this.#wait(
      () => this.frames.some(fits),
      timeoutMs,
      () => this.end !== undefined,
    );
  }

  /** Resolves with true once the stream has ended, or with false when the time is up. */
  async ended(timeoutMs: number): Promise<boolean> {
    return this.#wait(() => this.end !== undefined, timeoutMs);
  }

  /** Resolves with true once the answer is over, which it may be some time after its stream, or with false when the time is up. */
  async closes(timeoutMs: number): Promise<boolean> {
    return this.#wait(() => this.closed, timeoutMs);
  }

  async #wait(done: () => boolean, timeoutMs: number, inVain = () => false): Promise<boolean> {
    const patience = new Deadline(timeoutMs);
    while (!done()) {
      const slice = patience.next();
      if (slice <= 0 || inVain()) return false;
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, slice);
        this.#waiting.add(wake);
      });
    }
    return true;
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

export function syncReturn(page: Omit<SyncResponse, "$typeName">): SyncReturn {
  const { epoch, svrSeq, ackedSeq, nextCliSeq, messages } = page;
  return {
    $typeName: "seqsync.conformance.v1.SyncReturn",
    epoch,
    svrSeq,
    ackedSeq,
    nextCliSeq,
    messages: messages.map(({ seq, senderId, clientMessageId, payload, acceptedAt }) => ({
      $typeName: "seqsync.conformance.v1.DeliveredMessage",
      seq,
      senderId,
      clientMessageId,
      payload: fingerprintOf(payload),
      ...(acceptedAt === undefined ? {} : { acceptedAt }),
    })),
  };
}

export function refused({ status, code, reason, detail }: Refusal): EventBody {
  return {
    case: "refused",
    value: create(RefusedSchema, {
      httpStatus: status,
      code,
      reason,
      svrSeq: detail?.svrSeq ?? 0,
      epoch: detail?.epoch ?? "",
    }),
  };
}

export function lost(why: string): EventBody {
  return { case: "noResponse", value: { $typeName: "seqsync.conformance.v1.NoResponse", why } };
}

function endEvent(end: StreamEnd): EventBody {
  switch (end.kind) {
    case "end":
      return { case: "watchEnd", value: { $typeName: "seqsync.conformance.v1.WatchEnd" } };
    case "refusal":
      return refused(end.refusal);
    default:
      return lost(end.why);
  }
}
