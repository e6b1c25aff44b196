import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Inconclusive, RetriesExhausted, type ViolationDetail } from "../findings.js";
import { NoResponseError, OversizedError } from "../transport/errors.js";
import type { Transport } from "../transport/http.js";
import { type Caller, type HttpRequest, type HttpResponse, mayBeTruncated } from "../transport/messages.js";
import { retry } from "../transport/retry.js";
import { type Codec, encode, interpret } from "./connect.js";
import type { FormVariation } from "./forms/variation.js";
import { type EncodedCall, type RequestForm, requestOf } from "./forms/vary-request.js";
import { type Attempt, type CallResult, RETRY_DELAYS, type RetryDelays, retryDelay } from "./result.js";

/** An exchange of a unary call, for rules that hold for each of them. */
export interface UnaryExchange {
  request: HttpRequest;
  response: HttpResponse;
  /** The operation of the history; 0 if the history has no event for the call. */
  op: bigint;
}

/** A unary method of the protocol, with its types. */
export type Unary<I extends DescMessage, O extends DescMessage> = DescMethod & { input: I; output: O };

export interface CallOptions {
  /** Bearer token. Default: no credential. */
  token?: string | undefined;
  /** Default: that of the session. */
  codec?: Codec;
  /** Index of the URL. Default: the next one. */
  endpoint?: number;
  signal?: AbortSignal;
  headers?: Readonly<Record<string, string>>;
  /** Who makes the call, for records. */
  caller?: Caller;
}

/** Makes calls to the target: in one codec, over its URLs in turn, with retries. */
export class Session {
  readonly transport: Transport;
  readonly codec: Codec;
  /** Chooses the forms of the requests. Default: all are in the plain form. */
  forms: FormVariation | undefined;
  /** Number of retries so far. */
  retried = 0;
  /** Is called once a stream is longer than the suite reads, with the sentence for people. */
  onFlood: (why: string) => void = () => {};
  /** Is called with each exchange of a unary call. */
  onExchange: (exchange: UnaryExchange) => void = () => {};
  /** Is called with the violation in the head of the response to a Watch. */
  onViolation: (violation: ViolationDetail, op: bigint) => void = () => {};
  #endpoint: number;
  readonly #delays: RetryDelays;
  #isEnded = false;

  constructor(transport: Transport, codec: Codec, firstEndpoint = 0, delays = RETRY_DELAYS) {
    this.transport = transport;
    this.codec = codec;
    this.#endpoint = firstEndpoint;
    this.#delays = delays;
  }

  /** Returns the URL for the next call. All guarantees hold across front ends, so the calls use the URLs in turn. */
  nextEndpoint(): number {
    this.#endpoint += 1;
    return this.#endpoint % this.transport.urls.length;
  }

  /** Ends the session: attempts throw from now on, so that code that its case has left behind ends too. */
  end(): void {
    this.#isEnded = true;
  }

  /** Throws if the session has ended. */
  throwIfEnded(): void {
    if (this.#isEnded) throw new Inconclusive("the case has ended", ReasonCode.STOPPED);
  }

  /** Returns a call as a request, in the form that is chosen for it. */
  formOf(call: EncodedCall): RequestForm {
    return requestOf(call, this.forms?.next(), this.transport.headers);
  }

  /** Makes one attempt of a call. */
  async attempt<I extends DescMessage, O extends DescMessage>(
    method: Unary<I, O>,
    input: MessageInitShape<I>,
    { token, codec = this.codec, endpoint = this.nextEndpoint(), signal, headers = {}, caller }: CallOptions = {},
  ): Promise<CallResult<MessageShape<O>>> {
    this.throwIfEnded();
    const result = await this.exchange({
      endpoint,
      path: pathOf(method),
      ...this.formOf({
        codec,
        schema: method.input,
        headers: { "content-type": `application/${codec}`, ...authorization(token), ...headers },
        message: encode(codec, method.input, input),
        isStream: false,
      }),
      ...(signal === undefined ? {} : { signal }),
      ...(caller === undefined ? {} : { caller }),
    });
    if (result.kind === "response") {
      const interpreted = interpret(codec, method.output, result.value);
      if (interpreted.kind === "malformed" && interpreted.isFlood)
        this.transport.connection.liveness?.oversized(
          `${endpoint} ${method.name}`,
          interpreted.actual ?? interpreted.why,
        );
      return withRetryHints(interpreted, result.value.headers);
    }
    if (!result.isOversized) return result;
    return { kind: "malformed", requirement: codec === "proto" ? "HTTP-BINARY" : "HTTP-JSON", why: result.why };
  }

  /** Makes one request of a unary call, over these connections, and tells the listener of its response. */
  async exchange(message: HttpRequest, transport = this.transport): ReturnType<typeof request> {
    const result = await request(transport, message);
    if (result.kind === "response")
      this.onExchange({ request: message, response: result.value, op: message.caller?.op ?? 0n });
    return result;
  }

  /** Makes an idempotent call, with retries. `onAttempt` is called before each attempt. */
  call<I extends DescMessage, O extends DescMessage>(
    method: Unary<I, O>,
    input: MessageInitShape<I>,
    options: CallOptions = {},
    onAttempt: () => void = () => {},
  ): Promise<CallResult<MessageShape<O>>> {
    return this.retry(() => {
      onAttempt();
      return this.attempt(method, input, options);
    });
  }

  /**
   * Repeats an attempt while it returns a retryable error, no response, or what may be a part of a response, up to the
   * last delay. Counts the retries.
   */
  retry<R extends Attempt>(attempt: () => Promise<R>, delays: RetryDelays = this.#delays): Promise<R> {
    const guarded = () => {
      this.throwIfEnded();
      return attempt();
    };
    // Of each kind: a missing response after some retryable errors is the first one.
    const counts = new Map<string, number>();
    return retry(guarded, (result) => {
      const count = counts.get(result.kind) ?? 0;
      counts.set(result.kind, count + 1);
      const delay = retryDelay(result, count, delays);
      if (delay !== undefined) this.retried += 1;
      return delay;
    });
  }

  /** Repeats an attempt while it returns a retryable error. Throws RetriesExhausted if the last one does too. */
  async retryRetryable<R extends CallResult<unknown>>(
    attempt: () => Promise<R>,
  ): Promise<Exclude<R, { kind: "retryable" }>> {
    const result = await this.retry(attempt, RETRYABLE_ONLY);
    if (result.kind === "retryable") throw new RetriesExhausted(result.why, result.refusal?.code);
    return result as Exclude<R, { kind: "retryable" }>;
  }
}

/** Retries retryable errors only. */
const RETRYABLE_ONLY: RetryDelays = { noResponse: [], retryable: RETRY_DELAYS.retryable };

/** Adds to the result of an attempt what its response says about a retry. */
export function withRetryHints<R extends CallResult<unknown>>(result: R, headers: HttpResponse["headers"]): R {
  if (result.kind === "malformed" && !result.isFlood && mayBeTruncated(headers))
    return { ...result, mayBeTruncated: true };
  if (result.kind !== "retryable") return result;
  const { "retry-after": seconds = "" } = headers;
  return /^\d{1,9}$/.test(seconds) ? { ...result, retryAfterMs: 1000 * Number(seconds) } : result;
}

/** Makes one request, without retries. Typed and raw calls use this function. */
export async function request(
  transport: Transport,
  message: HttpRequest,
): Promise<Extract<CallResult<HttpResponse>, { kind: "response" | "no-response" }>> {
  try {
    return { kind: "response", value: await transport.request(message) };
  } catch (error) {
    return noResponseResult(error);
  }
}

/** Converts a NoResponseError to a result, and throws any other error. */
export function noResponseResult(error: unknown): Extract<CallResult<never>, { kind: "no-response" }> {
  if (!(error instanceof NoResponseError)) throw error;
  const { message: why, hint, timedOut, isPermanent } = error;
  return { kind: "no-response", why, hint, timedOut, isPermanent, isOversized: error instanceof OversizedError };
}

export const pathOf = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`;

export function authorization(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}
