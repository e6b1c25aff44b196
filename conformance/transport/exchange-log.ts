import type { HttpRequest, HttpResponse } from "./messages.js";

/** A request, with its response or the reason why there was none. */
export interface RecordedExchange {
  request: HttpRequest;
  response: HttpResponse | { noResponse: string };
}

/** Is called with each exchange when it has ended. */
export type ExchangeListener = (exchange: RecordedExchange) => void;

/** Reports an exchange of raw bytes to a listener. A transfer coding stays in the body. */
export function recordRawExchange(onExchange: ExchangeListener, sent: Uint8Array | string, received: string): void {
  const request = parse(typeof sent === "string" ? sent : Buffer.from(sent).toString("latin1"));
  const [method = "", path = ""] = request.startLine.split(" ");
  const { startLine, headers, body } = parse(received);
  onExchange({
    request: {
      method: method as NonNullable<HttpRequest["method"]>,
      path,
      headers: request.headers,
      body: request.body,
    },
    response:
      received === ""
        ? { noResponse: "nothing was received" }
        : { status: Number(startLine.split(" ")[1]) || 0, headers: Object.fromEntries(headers), body },
  });
}

function parse(text: string): { startLine: string; headers: [string, string][]; body: Uint8Array } {
  const end = text.indexOf("\r\n\r\n");
  const [startLine = "", ...lines] = (end < 0 ? text : text.slice(0, end)).split("\r\n");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { startLine, headers, body: end < 0 ? new Uint8Array() : Buffer.from(text.slice(end + 4), "latin1") };
}
