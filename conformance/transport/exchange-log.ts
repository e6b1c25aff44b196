import type { HttpRequest, HttpResponse } from "./messages.js";

/** Is told of each exchange while it takes place. */
export interface ExchangeListener {
  /** A request is about to be sent. `written` is the request as bytes, if it goes over a connection of its own. */
  begin(request: HttpRequest, written?: Uint8Array): ExchangeHandle;
}

/** Receives what happens in one exchange, in this order. */
export interface ExchangeHandle {
  /** Number of the exchange, from 1. */
  readonly number: number;
  /** The head of the response has arrived. */
  head(status: number, headers: Readonly<Record<string, string>>): void;
  /** A part of the body has arrived. */
  data(body: Uint8Array): void;
  /** The exchange has ended; `problem` says why there was no response, or no complete one. */
  end(problem?: string): void;
}

/** A listener that calls `onResponse` after each exchange: with the response, or with undefined if there was none. */
export function responseListener(onResponse: (response: HttpResponse | undefined) => void): ExchangeListener {
  let count = 0;
  return {
    begin() {
      const received: HttpResponse = { status: 0, headers: {}, body: new Uint8Array() };
      count += 1;
      return {
        number: count,
        head: (status, headers) => Object.assign(received, { status, headers }),
        data: (body) => Object.assign(received, { body: Buffer.concat([received.body, body]) }),
        end: (problem) => onResponse(problem === undefined ? received : undefined),
      };
    },
  };
}

/** The request that some bytes hold, as far as they can be parsed. A transfer coding stays in the body. */
export function parseRequest(bytes: Uint8Array | string): HttpRequest {
  const { startLine, headers, body } = parseMessage(textOf(bytes));
  const [method = "", path = ""] = startLine.split(" ");
  return { method: method as NonNullable<HttpRequest["method"]>, path, headers, body };
}

/** Tells a listener of the response that some bytes hold. */
export function recordRawResponse(handle: ExchangeHandle, received: string): void {
  if (received === "") {
    handle.end("the connection ended without a response");
    return;
  }
  const { startLine, headers, body } = parseMessage(received);
  handle.head(Number(startLine.split(" ")[1]) || 0, Object.fromEntries(headers));
  handle.data(body);
  handle.end();
}

const textOf = (bytes: Uint8Array | string) =>
  typeof bytes === "string" ? bytes : Buffer.from(bytes).toString("latin1");

function parseMessage(text: string): { startLine: string; headers: [string, string][]; body: Uint8Array } {
  const end = text.indexOf("\r\n\r\n");
  const [startLine = "", ...lines] = (end < 0 ? text : text.slice(0, end)).split("\r\n");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { startLine, headers, body: end < 0 ? new Uint8Array() : Buffer.from(text.slice(end + 4), "latin1") };
}
