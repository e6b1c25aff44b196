import { describe, expect, test } from "vitest";
import { call, dial, eventually, head, serve } from "../testing/http.js";

const SEND = JSON.stringify({ recipientId: "bob", clientMessageId: "m-1", payload: "aGk=" });

/** Runs a test with a server. */
async function withServer(run: (server: Awaited<ReturnType<typeof serve>>) => Promise<void>, options = {}) {
  const server = await serve(options);
  try {
    await run(server);
  } finally {
    await server.close(0);
  }
}

describe("bodies over HTTP/1.1", () => {
  test("may be in chunks of any size", () =>
    withServer(async ({ url, inbox }) => {
      const line = await dial(url);
      line.write(head("Send", { "Transfer-Encoding": "chunked" }, "alice"));
      for (const char of SEND) line.write(`1\r\n${char}\r\n`);
      line.write("0\r\n\r\n");
      expect(await line.until(/acceptedAt/)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(Buffer.from(inbox().pending.get(1)?.payload ?? []).toString()).toBe("hi");
      line.cut();
    }));

  test.each([
    ["before its declared length", { "Content-Length": SEND.length + 1 }, SEND],
    ["after its head", { "Content-Length": SEND.length }, ""],
    ["before its last chunk", { "Transfer-Encoding": "chunked" }, `${SEND.length.toString(16)}\r\n${SEND}\r\n`],
  ])("that end %s have no effect", (_, headers, body) =>
    withServer(async ({ url, inbox }) => {
      const line = await dial(url);
      line.write(head("Send", headers as Record<string, string>, "alice") + body);
      line.socket.end();
      await line.closed();
      const reset = await dial(url);
      reset.write(head("Send", headers as Record<string, string>, "alice") + body);
      reset.cut();
      // The truncated calls cannot take effect after the response to a later call.
      expect((await call(url, "Sync")).status).toBe(200);
      expect(inbox().svrSeq).toBe(0);
    }),
  );

  test("two calls on one connection are two calls, also with pipelining", () =>
    withServer(async ({ url, inbox }) => {
      const line = await dial(url);
      const second = SEND.replace("m-1", "m-2");
      const both = [SEND, second].map((body) => head("Send", { "Content-Length": body.length }, "alice") + body);
      line.write(both.join(""));
      await line.until(/acceptedAt[\s\S]+acceptedAt/);
      line.write(`${head("Sync", { "Content-Length": 2 })}{}`);
      const responses = await line.until(/nextCliSeq/);
      expect(responses.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
      expect([...inbox().pending.values()].map(({ clientMessageId }) => clientMessageId)).toEqual(["m-1", "m-2"]);
      line.cut();
    }));

  test("after a refusal in the middle of a body the connection is closed", () =>
    withServer(async ({ url }) => {
      const line = await dial(url);
      line.write(`${head("Send", { "Content-Length": 1 << 30 }, "nobody")}{`);
      expect(await line.until(/CREDENTIAL_INVALID/)).toMatch(/^HTTP\/1\.1 401 [\s\S]*\r\nConnection: close\r\n/);
      await line.closed();
    }));
});

describe("limits", () => {
  test("headers may have a token of 4096 bytes, and not more than 16 KiB", () =>
    withServer(async ({ url, service }) => {
      service.createAccount("longy", "t".repeat(4096));
      expect((await call(url, "Sync", { as: "t".repeat(4096) })).status).toBe(200);
      expect((await call(url, "Sync", { headers: { "X-Long": "x".repeat(17_000) } })).status).toBe(431);
    }));

  test.each([
    ["headers", "POST /seqsync.v1.SeqSyncService/Sync HTTP/1.1\r\nHost: test\r\nX-"],
    ["a body", `${head("Sync", { "Content-Length": 10 })}{`],
  ])("the wait for %s has a limit", (_, bytes) =>
    withServer(
      async ({ url }) => {
        const line = await dial(url);
        line.write(bytes);
        expect(await line.closed()).toMatch(/^HTTP\/1\.1 408 /);
      },
      { requestTimeoutMs: 150 },
    ),
  );

  test("a port that is in use is reported as an error", () =>
    withServer(async ({ url }) => {
      const port = Number(new URL(url).port);
      await expect(serve({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    }));
});

describe("close", () => {
  test("responds to the pending call, and accepts no new connection", async () => {
    const server = await serve();
    const [line, idle] = [await dial(server.url), await dial(server.url)];
    line.write(head("Send", { "Content-Length": SEND.length, Expect: "100-continue" }, "alice"));
    await line.until(/100 Continue/);
    const stopped = server.close();
    await idle.closed();
    await expect(dial(server.url)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    line.write(SEND);
    expect(await line.closed()).toMatch(/200 OK[\s\S]*acceptedAt/);
    await stopped;
  });

  test("ends each Watch with an end-of-stream message and unavailable", async () => {
    const server = await serve();
    const lines = await Promise.all([dial(server.url), dial(server.url)]);
    for (const line of lines) {
      const empty = "\0\0\0\0\x02{}";
      line.write(head("Watch", { "Content-Type": "application/connect+json", "Content-Length": 7 }) + empty);
      await line.until(/epoch/);
    }
    await server.close();
    for (const line of lines) {
      // The last envelope has the flag 0x02, followed by the end of the chunked body.
      const [end = ""] = /\{"error":\{"code":"unavailable",[^}]*\}\}/.exec(await line.closed()) ?? [];
      const envelope = `\x02\0\0\0${String.fromCharCode(end.length)}${end}`;
      expect((await line.closed()).endsWith(`${envelope}\r\n0\r\n\r\n`)).toBe(true);
    }
  });

  test("closes connections that do not end within graceMs", async () => {
    const server = await serve();
    const line = await dial(server.url);
    line.write(`${head("Sync", { "Content-Length": 10 })}{`);
    await eventually(() => line.socket.bytesWritten > 0, "the head is sent");
    await server.close(20);
    await line.closed();
  });
});
