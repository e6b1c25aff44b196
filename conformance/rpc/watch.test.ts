import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { serve } from "../selftest/support/serve.js";
import { Transport } from "../transport/http.js";
import { envelope, FLAG_END } from "./envelope.js";
import { openWatch } from "./watch.js";
import { WatchStream } from "./watch-stream.js";

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** What a server does with the connection instead of sending a chunk. */
type Act = "reset" | "close" | "no response" | "until close";

/** Opens a Watch at a server whose stream consists of these chunks. After null it stays open. */
async function watch(...chunks: (Uint8Array | Act | null)[]): Promise<WatchStream> {
  const server = await serve(async (req, res) => {
    req.resume();
    if (chunks[0] === "no response") return void req.socket.destroy();
    res.useChunkedEncodingByDefault = chunks[0] !== "until close";
    res.writeHead(200, { "content-type": "application/connect+proto" });
    for (const chunk of chunks) {
      if (chunk === null) return;
      if (chunk === "reset") return void req.socket.resetAndDestroy();
      if (chunk === "close") return void req.socket.end();
      if (typeof chunk === "string") continue;
      res.write(chunk);
      await pause(10);
    }
    res.end();
  });
  const transport = new Transport({ urls: [server.url] });
  cleanUps.push(
    () => transport.close(),
    () => server.stop(),
  );
  const stream = new WatchStream();
  const open = openWatch(transport, { token: "t", codec: "proto", endpoint: 0 }, stream);
  stream.cancel = () => open.cancel();
  return stream;
}

const frame = envelope(new Uint8Array());
const end = (text: string) => envelope(Buffer.from(text), FLAG_END);

describe("the end of a Watch", () => {
  test("is without an error with {}, and with unknown members", async () => {
    const stream = await watch(frame, end('{"metadata":{}}'));
    expect(await stream.waitForClose(5000)).toBe(true);
    expect(stream).toMatchObject({ end: { kind: "end" }, closed: true, frames: [{ svrSeq: 0 }] });
  });

  test.each(["[]", '""', "0", "null", "{", '{"error":null}', '{"error":{}}'])("is malformed with %s", async (text) => {
    const stream = await watch(frame, end(text));
    expect(await stream.waitForClose(5000)).toBe(true);
    expect(stream.end).toMatchObject({ kind: "malformed" });
  });

  test("is malformed with an error of a size that the suite does not read", async () => {
    const stream = await watch(frame, end(`{"error":${"[".repeat(70_000)}${"]".repeat(70_000)}}`));
    expect(await stream.waitForClose(5000)).toBe(true);
    expect(stream.end).toMatchObject({ kind: "malformed", why: expect.stringMatching(/reads at most 65536/) });
  });

  test("is reported before the end of the response", async () => {
    const stream = await watch(frame, end("{}"), null);
    expect(await stream.waitForEnd(5000)).toBe(true);
    expect(stream.end).toEqual({ kind: "end" });
    expect(await stream.waitForClose(100)).toBe(false);
    stream.cancel();
  });

  test("is malformed if data follows", async () => {
    const stream = await watch(end("{}"), frame);
    expect(await stream.waitForEnd(5000)).toBe(true);
    expect(await stream.waitForClose(5000)).toBe(true);
    expect(stream.end).toMatchObject({ kind: "malformed", why: expect.stringContaining("continues") });
    expect(stream.frames).toEqual([]);
  });

  test("is unfinished if the response is complete without an end-of-stream message", async () => {
    const stream = await watch(frame);
    expect(await stream.waitForClose(5000)).toBe(true);
    expect(stream.end).toMatchObject({ kind: "unfinished" });
  });

  test("is malformed if the response is complete within an envelope", async () => {
    const stream = await watch(frame.subarray(0, 3));
    expect(await stream.waitForClose(5000)).toBe(true);
    expect(stream.end).toMatchObject({ kind: "malformed" });
  });

  test.each(["reset", "close"] as const)("is a broken connection after a %s", async (how) => {
    const stream = await watch(frame, how);
    expect(await stream.waitForClose(5000)).toBe(true);
    expect(stream).toMatchObject({ frames: [{ svrSeq: 0 }], end: { kind: "broken", opened: true } });
  });

  test("is a broken connection if a body without a length and without chunks has no end-of-stream message", async () => {
    const stream = await watch("until close", frame);
    expect(await stream.waitForClose(5000)).toBe(true);
    expect(stream).toMatchObject({ frames: [{ svrSeq: 0 }], end: { kind: "broken", opened: true } });
  });

  test("is a broken connection if there is no response", async () => {
    const stream = await watch("no response");
    expect(await stream.waitForClose(5000)).toBe(true);
    expect(stream).toMatchObject({ frames: [], end: { kind: "broken", opened: false } });
  });
});
