import { setTimeout as pause } from "node:timers/promises";
import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { NoResponseError } from "../transport/errors.js";
import type { Transport } from "../transport/http.js";
import { type AttemptResult, type Codec, encode, interpret } from "./connect.js";

/** One of the protocol's unary methods, with its types. */
export type Unary<I extends DescMessage, O extends DescMessage> = DescMethod & { input: I; output: O };

/** How a call ended when all that can be done for it was done: an answer, a refusal, or nothing. */
export type CallResult<T> = Exclude<AttemptResult<T>, { kind: "retryable" }> | NoResponse;

/** No answer came; with what to look into, if that can be told. */
export interface NoResponse {
  kind: "no-response";
  why: string;
  hint?: string | undefined;
  /** The server has asked for another try each time: that is its right, and tells nothing about it. */
  retryLater?: true;
}

export interface CallOptions {
  token?: string | undefined;
  /** Default: the session's. */
  codec?: Codec;
  endpoint?: number;
  signal?: AbortSignal;
  headers?: Readonly<Record<string, string>>;
}

/** Pauses, in milliseconds, before a call is made again; after the last one it is given up. */
export interface RetryDelays {
  /** Where nothing came back. */
  noResponse: readonly number[];
  /** Where the server lives, and asks for another try. */
  retryable: readonly number[];
}

export const RETRY_DELAYS: RetryDelays = {
  noResponse: [20, 100, 400, 1500],
  retryable: [20, 100, 400, 1500, 2000, 3000, 5000],
};

/** A way to make calls to the target: in one codec, spread over its URLs, counting what had to be tried again. */
export class Session {
  readonly transport: Transport;
  readonly codec: Codec;
  /** Calls that were made again because the server asked for it. */
  retried = 0;
  #turn: number;
  readonly #delays: RetryDelays;

  constructor(transport: Transport, codec: Codec, firstEndpoint = 0, delays = RETRY_DELAYS) {
    this.#delays = delays;
    this.transport = transport;
    this.codec = codec;
    this.#turn = firstEndpoint;
  }

  /** The URL that the next call goes to: all guarantees hold across them, so each call may take another. */
  nextEndpoint(): number {
    this.#turn += 1;
    return this.#turn % this.transport.urls.length;
  }

  /** Makes one call, once. */
  async attempt<I extends DescMessage, O extends DescMessage>(
    method: Unary<I, O>,
    input: MessageInitShape<I>,
    { token, codec = this.codec, endpoint = this.nextEndpoint(), signal, headers = {} }: CallOptions = {},
  ): Promise<AttemptResult<MessageShape<O>> | NoResponse> {
    try {
      const answer = await this.transport.request({
        endpoint,
        path: pathOf(method),
        headers: { "content-type": `application/${codec}`, ...authorization(token), ...headers },
        body: encode(codec, method.input, input),
        ...(signal === undefined ? {} : { signal }),
      });
      return interpret(codec, method.output, answer);
    } catch (error) {
      if (error instanceof NoResponseError) return { kind: "no-response", why: error.message, hint: error.hint };
      throw error;
    }
  }

  /** Makes an idempotent call until it is answered, as a client would. `onNoResponse` hears of each attempt that was not. */
  async call<I extends DescMessage, O extends DescMessage>(
    method: Unary<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions = {},
    hooks: { onAttempt?: (endpoint: number) => void; onNoResponse?: (why: string) => void } = {},
  ): Promise<CallResult<MessageShape<O>>> {
    for (let tries = 0; ; tries += 1) {
      const endpoint = options.endpoint ?? this.nextEndpoint();
      hooks.onAttempt?.(endpoint);
      const outcome = await this.attempt(method, input, { ...options, endpoint });
      if (outcome.kind !== "retryable" && outcome.kind !== "no-response") return outcome;
      hooks.onNoResponse?.(outcome.why);
      const retryLater = outcome.kind === "retryable";
      const delay = this.#delays[retryLater ? "retryable" : "noResponse"][tries];
      if (delay === undefined) return { kind: "no-response", why: outcome.why, ...(retryLater ? { retryLater } : {}) };
      this.retried += 1;
      await pause(delay);
    }
  }
}

export const pathOf = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`;

export function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}
