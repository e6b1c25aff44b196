import { describe, expect, it } from "vitest";
import { ConnectionLimit } from "./connection-limit.js";

/** Takes connections and notes which of them have started. */
function take(limit: ConnectionLimit, kinds: readonly ("request" | "stream")[]) {
  const started: { kind: string; release: () => void }[] = [];
  for (const kind of kinds) limit.acquire(kind).then((release) => started.push({ kind, release }));
  return started;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("a connection limit", () => {
  it("lets so many connections be open at once, and the next one when one is closed", async () => {
    const started = take(new ConnectionLimit(8), Array(10).fill("request"));
    await settled();
    expect(started).toHaveLength(8);
    started[0]?.release();
    started[0]?.release(); // again: no further slot
    await settled();
    expect(started).toHaveLength(9);
  });

  it("keeps some for requests when streams want them all", async () => {
    const limit = new ConnectionLimit(8);
    const streams = take(limit, Array(8).fill("stream"));
    const requests = take(limit, Array(8).fill("request"));
    await settled();
    expect([streams.length, requests.length]).toEqual([4, 4]);
    streams[0]?.release();
    await settled();
    expect([streams.length, requests.length]).toEqual([5, 4]);
  });
});
