import type { Dispatcher } from "undici";
import { afterRunnableTime } from "./deadline.js";
import { NoResponseError, OversizedError, timedOut } from "./errors.js";

export interface ExchangeLimits {
  /** Time limit for the whole exchange, in milliseconds. */
  timeoutMs: number;
  /** Maximum size of the body, in bytes: an endless response must not fill the memory. */
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

/** A response as it arrived: with its content coding, and with repeated headers as lists. */
export interface ReceivedResponse {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

/**
 * Makes one request and reads the whole response. Rejects with the error of the connection; on a timeout with
 * NoResponseError, on too large a body with OversizedError, and on an abort with the signal's reason, without waiting
 * for the connection to close. Replaces undici's `request`, whose streams and signal handling take longer than the rest
 * of a small exchange.
 */
export function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  { timeoutMs, maxBytes, signal }: ExchangeLimits,
): Promise<ReceivedResponse> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let size = 0;
    let status = 0;
    let headers: ReceivedResponse["headers"] = {};
    let controller: Dispatcher.DispatchController | undefined;
    let isOver = false;
    const end = () => {
      isOver = true;
      chunks = [];
      cancelTimer();
      signal?.removeEventListener("abort", abort);
    };
    const fail = (error: Error) => {
      if (isOver) return;
      end();
      reject(error);
      controller?.abort(error);
    };
    const abort = () => fail(signal?.reason);
    const cancelTimer = afterRunnableTime(timeoutMs, () => fail(timedOut(timeoutMs)));
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) return abort();
    dispatcher.dispatch(options, {
      onRequestStart(started) {
        controller = started;
        if (isOver) started.abort(new NoResponseError("cancelled before it was sent"));
      },
      onResponseStart(_, statusCode, head) {
        // Informational responses come first: the last one counts.
        status = statusCode;
        headers = head;
      },
      onResponseData(_, chunk) {
        if (isOver) return;
        size += chunk.length;
        if (size > maxBytes) return fail(new OversizedError(maxBytes));
        chunks.push(chunk);
      },
      onResponseEnd() {
        if (isOver) return;
        const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size);
        end();
        resolve({ status, headers, body });
      },
      onResponseError(_, error) {
        fail(error);
      },
    });
  });
}
