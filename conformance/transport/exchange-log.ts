import type { HttpRequest, HttpResponse } from "./messages.js";

/** What went over the wire: a request, and its answer or why there was none. */
export interface RecordedExchange {
  request: HttpRequest;
  answer: HttpResponse | { noResponse: string };
}

/** Is told of each exchange, once it is over. */
export type ExchangeListener = (exchange: RecordedExchange) => void;

/** Tells of bytes that were written and read as they are; a transfer coding stays in the body. */
export function recordRawExchange(hear: ExchangeListener, request: Uint8Array | string, answer: string): void {
  const sent = parse(typeof request === "string" ? request : Buffer.from(request).toString("latin1"));
  const [method = "", path = ""] = sent.first.split(" ");
  const got = parse(answer);
  hear({
    request: { method: method as NonNullable<HttpRequest["method"]>, path, headers: sent.headers, body: sent.body },
    answer:
      answer === ""
        ? { noResponse: "nothing came back" }
        : { status: Number(got.first.split(" ")[1]) || 0, headers: Object.fromEntries(got.headers), body: got.body },
  });
}

function parse(text: string): { first: string; headers: [string, string][]; body: Uint8Array } {
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = (end < 0 ? text : text.slice(0, end)).split("\r\n");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return colon < 0 ? [line, ""] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  return { first, headers, body: end < 0 ? new Uint8Array() : Buffer.from(text.slice(end + 4), "latin1") };
}
