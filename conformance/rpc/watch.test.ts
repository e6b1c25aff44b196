import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { serve } from "../selftest/support/serve.js";
import { Transport } from "../transport/http.js";
import { Watching } from "./client.js";
import { envelope, FLAG_END } from "./envelope.js";
import { openWatch } from "./watch.js";

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** Watches a server whose streams consist of these chunks; with null as the last one they stay open. */
async function watch(...chunks: (Uint8Array | null)[]): Promise<Watching> {
  const server = await serve(async (req, res) => {
    req.resume();
    res.writeHead(200, { "content-type": "application/connect+proto" });
    for (const chunk of chunks) {
      if (chunk === null) return;
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
  const watching = new Watching();
  const open = openWatch(transport, { token: "t", codec: "proto", endpoint: 0 }, watching);
  watching.cancel = () => open.cancel();
  return watching;
}

const frame = envelope(new Uint8Array());
const end = (text: string) => envelope(Buffer.from(text), FLAG_END);

describe("the end of a Watch", () => {
  test("is in order with {}, and with what is to be ignored", async () => {
    const watching = await watch(frame, end('{"metadata":{}}'));
    expect(await watching.closes(5000)).toBe(true);
    expect(watching).toMatchObject({ end: { kind: "end" }, closed: true, frames: [{ svrSeq: 0 }] });
  });

  test.each(["[]", '""', "0", "null", "{", '{"error":null}', '{"error":{}}'])("is none with %s", async (text) => {
    const watching = await watch(frame, end(text));
    expect(await watching.closes(5000)).toBe(true);
    expect(watching.end).toMatchObject({ kind: "malformed" });
  });

  test("is told before the answer is over", async () => {
    const watching = await watch(frame, end("{}"), null);
    expect(await watching.ended(5000)).toBe(true);
    expect(watching.end).toEqual({ kind: "end" });
    expect(await watching.closes(100)).toBe(false);
    watching.cancel();
  });

  test("is none if more comes", async () => {
    const watching = await watch(end("{}"), frame);
    expect(await watching.ended(5000)).toBe(true);
    expect(await watching.closes(5000)).toBe(true);
    expect(watching.end).toMatchObject({ kind: "malformed", why: expect.stringContaining("goes on") });
    expect(watching.frames).toEqual([]);
  });

  test("is a cut without a message", async () => {
    const watching = await watch(frame);
    expect(await watching.closes(5000)).toBe(true);
    expect(watching.end).toMatchObject({ kind: "cut" });
  });
});
