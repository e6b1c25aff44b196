import type { Dispatcher } from "undici";
import { afterRunnableTime } from "./deadline.js";
import { NoResponseError } from "./errors.js";

export interface ExchangeLimits {
  /** How long it may take, in milliseconds. */
  timeoutMs: number;
  /** The largest answer that is read, in bytes: a server that never stops must not fill the memory. */
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

/** An answer as it came: with its content coding, and headers that are there twice as lists. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Buffer;
}

/**
 * Makes one request and reads the whole answer. Rejects with what went wrong; when the time is up or the signal says so, at once,
 * whatever becomes of the connection. This is undici's `request` without its stream and its signals, which take longer than the
 * rest of a small exchange.
 */
export function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  { timeoutMs, maxBytes, signal }: ExchangeLimits,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let status = 0;
    let headers: Answer["headers"] = {};
    let controller: Dispatcher.DispatchController | undefined;
    let isOver = false;
    const end = () => {
      isOver = true;
      callOff();
      signal?.removeEventListener("abort", cancel);
    };
    const stop = (why: Error) => {
      if (isOver) return;
      end();
      reject(why);
      controller?.abort(why);
    };
    const cancel = () => stop(signal?.reason);
    const callOff = afterRunnableTime(timeoutMs, () => stop(new NoResponseError(`no answer within ${timeoutMs} ms`)));
    signal?.addEventListener("abort", cancel, { once: true });
    if (signal?.aborted) return cancel();
    dispatcher.dispatch(options, {
      onRequestStart(started) {
        controller = started;
        if (isOver) started.abort(new NoResponseError("given up before it began"));
      },
      onResponseStart(_, statusCode, head) {
        // Of several the last one counts: those before it were informational.
        status = statusCode;
        headers = head;
      },
      onResponseData(_, chunk) {
        size += chunk.length;
        if (size > maxBytes) stop(new NoResponseError(`the answer did not end within ${maxBytes} bytes`));
        else chunks.push(chunk);
      },
      onResponseEnd() {
        if (isOver) return;
        end();
        resolve({ status, headers, body: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size) });
      },
      onResponseError(_, error) {
        stop(error);
      },
    });
  });
}
