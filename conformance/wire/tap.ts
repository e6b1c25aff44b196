import { AsyncLocalStorage } from "node:async_hooks";
import type { HttpAnswer, HttpRequest } from "./http.js";

/** What went over the wire: a request, and its answer or why there was none. */
export interface Tapped {
  request: HttpRequest;
  answer: HttpAnswer | { lost: string };
}

type Listener = (exchange: Tapped) => void;

const listeners = new AsyncLocalStorage<Listener>();

/** Runs `act`; `hear` is told of each exchange that it makes, or that anything makes which it has started. */
export const tapping = <T>(hear: Listener, act: () => T): T => listeners.run(hear, act);

/** Tells whoever listens. Costs next to nothing if nobody does. */
export function tapped(request: HttpRequest, answer: Tapped["answer"]): void {
  listeners.getStore()?.({ request, answer });
}

/** The same for bytes that were written and read as they are; a transfer coding stays in the body. */
export function tappedRaw(request: Uint8Array | string, answer: string): void {
  if (listeners.getStore() === undefined) return;
  const sent = parse(typeof request === "string" ? request : Buffer.from(request).toString("latin1"));
  const [method = "", path = ""] = sent.first.split(" ");
  const got = parse(answer);
  tapped(
    { method: method as NonNullable<HttpRequest["method"]>, path, headers: sent.headers, body: sent.body },
    answer === ""
      ? { lost: "nothing came back" }
      : { status: Number(got.first.split(" ")[1]) || 0, headers: Object.fromEntries(got.headers), body: got.body },
  );
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
