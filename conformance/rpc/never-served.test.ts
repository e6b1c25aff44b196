import { describe, expect, test } from "vitest";
import { header, noResponse, rotateCall, sendCall, sendReturn } from "../history/events.js";
import { Recorder } from "../history/recorder.js";
import { isNeverServed, isRetryOfAccepted } from "./never-served.js";
import type { CallResult } from "./result.js";

type Kind = "response" | "refusal" | "retryable" | "no-response";
/** A call with results of these kinds, in turn; the last one comes again. */
function calls(...kinds: Kind[]): () => Promise<CallResult<unknown>> {
  let made = 0;
  return async () => {
    const kind = kinds[Math.min(made, kinds.length - 1)] as Kind;
    made += 1;
    return { kind, why: "unavailable", value: {} } as CallResult<unknown>;
  };
}

describe("a call", () => {
  test("is never served if it alone gets retryable errors", async () => {
    expect(await isNeverServed(calls("retryable"), calls("response"))).toBe(true);
    expect(await isNeverServed(calls("retryable"), calls("refusal"))).toBe(true);
  });

  test("may still be served if it once is, or if the other one is not each time", async () => {
    const later = calls("retryable", "retryable", "retryable", "retryable", "retryable", "response");
    expect(await isNeverServed(later, calls("response"))).toBe(false);
    expect(await isNeverServed(calls("retryable"), calls("response", "response", "retryable"))).toBe(false);
    expect(await isNeverServed(calls("retryable"), calls("no-response"))).toBe(false);
    expect(await isNeverServed(calls("no-response"), calls("response"))).toBe(false);
  });

  test("may still be served by a server that refuses each n-th call", async () => {
    for (const n of [2, 3, 4]) {
      let made = 0;
      const each = async (): Promise<CallResult<unknown>> => {
        made += 1;
        return made % n === 0 ? { kind: "retryable", why: "unavailable" } : { kind: "response", value: {} };
      };
      expect(await isNeverServed(each, each)).toBe(false);
    }
  });
});

describe("a Send", () => {
  const SEND = { senderId: "alice", recipientId: "bob", clientMessageId: "m1", payload: Buffer.from("hello") };
  /** A recorder with a Send that was accepted at 0 s; it is 10 s now. */
  function recorded(dedupSeconds?: number) {
    let now = 0n;
    const recorder = new Recorder(undefined, () => now);
    const dedupWindow = dedupSeconds === undefined ? {} : { dedupWindow: { seconds: BigInt(dedupSeconds), nanos: 0 } };
    recorder.complete(0n, header(dedupWindow));
    recorder.complete(recorder.call("alice", 0, sendCall(SEND)), sendReturn(undefined));
    now = 10_000_000n;
    return recorder;
  }

  test("is a retry if the same was accepted within the window", () => {
    expect(isRetryOfAccepted(recorded(), SEND)).toBe(true);
    expect(isRetryOfAccepted(recorded(60), SEND)).toBe(true);
    expect(isRetryOfAccepted(recorded(10), SEND)).toBe(false);
    for (const other of [{ senderId: "bob" }, { recipientId: "carol" }, { clientMessageId: "m2" }])
      expect(isRetryOfAccepted(recorded(), { ...SEND, ...other })).toBe(false);
    expect(isRetryOfAccepted(recorded(), { ...SEND, payload: Buffer.from("hellO") })).toBe(false);
  });

  test("is none if the first attempt had no response, or its message may be lost", () => {
    const recorder = new Recorder();
    recorder.complete(recorder.call("alice", 0, sendCall(SEND)), noResponse("cut"));
    expect(isRetryOfAccepted(recorder, SEND)).toBe(false);
    const lost = recorded();
    lost.call("suite", 0, rotateCall("bob"));
    expect(isRetryOfAccepted(lost, SEND)).toBe(false);
  });
});
