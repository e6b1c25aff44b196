import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Transport } from "./http.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** Starts a server that counts the packets of each request and responds once `isWhole` says that it has all of it. */
async function serverOf(isWhole: (text: string) => boolean) {
  const packets: string[] = [];
  const server = createServer((socket: Socket) => {
    let text = "";
    socket.on("error", () => {});
    socket.on("data", (data) => {
      packets.push(data.toString("latin1"));
      text += data.toString("latin1");
      if (!isWhole(text)) return;
      text = "";
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const transport = new Transport({ urls: [`http://127.0.0.1:${port}`] });
  cleanUps.push(() => transport.close());
  cleanUps.push(() => server.close());
  return { transport, packets };
}

const BODY = Buffer.from("a body of more than four bytes");

describe("a connection that sends in packets", () => {
  test("sends the head alone, then single bytes of the body, then the rest; and again on the same connection", async () => {
    const { transport, packets } = await serverOf((text) => text.endsWith(BODY.toString()));
    for (let request = 1; request <= 2; request += 1) {
      packets.length = 0;
      const response = await transport.request({ path: "/x", headers: { a: "b" }, body: BODY, connection: "packets" });
      expect(Buffer.from(response.body).toString()).toBe("ok");
      expect(packets.join("")).toMatch(
        new RegExp(`^POST /x HTTP/1.1\r\n.*content-length: ${BODY.length}\\r\\n\\r\\n${BODY}$`, "s"),
      );
      // The kernel may join packets on a busy machine, but not all of them.
      expect(packets[0]).not.toContain(BODY.toString());
      expect(packets.length).toBeGreaterThan(2);
    }
  });

  test("begins a packet within a character of several bytes", async () => {
    const body = Buffer.from('{"clientMessageId":"漢"}');
    const { transport, packets } = await serverOf((text) => text.endsWith("}"));
    const isWithin = (packet: string) => packet.startsWith(body.subarray(21, 23).toString("latin1"));
    // The kernel may join packets on a busy machine, but not each time.
    await expect
      .poll(async () => {
        packets.length = 0;
        await transport.request({ path: "/x", headers: { a: "b" }, body, connection: "packets" });
        return packets.some(isWithin);
      })
      .toBe(true);
  });

  test("of the other kind sends Content-Length before all other headers", async () => {
    const { transport, packets } = await serverOf((text) => text.endsWith(BODY.toString()));
    for (let request = 1; request <= 2; request += 1) {
      packets.length = 0;
      await transport.request({ path: "/x", headers: { a: "b" }, body: BODY, connection: "lengthFirst" });
      expect(packets.join("")).toMatch(
        new RegExp(`^POST /x HTTP/1.1\r\ncontent-length: ${BODY.length}\\r\\n.*a: b\\r\\n\\r\\n${BODY}$`, "s"),
      );
    }
  });

  test("sends chunks too", async () => {
    const { transport, packets } = await serverOf((text) => text.endsWith("\r\n0\r\n\r\n"));
    const body = [BODY.subarray(0, 3), BODY.subarray(3)];
    const response = await transport.request({ path: "/x", body, connection: "packets" });
    expect(response.status).toBe(200);
    expect(packets.join("")).toMatch(/transfer-encoding: chunked\r\n\r\n3\r\na b\r\n/);
  });

  test("does not delay each of many chunks, on a busy machine for seconds", async () => {
    const { transport, packets } = await serverOf((text) => text.endsWith("\r\n0\r\n\r\n"));
    const body = Array.from({ length: 40 }, () => BODY);
    const delays = vi.spyOn(globalThis, "setTimeout");
    for (let request = 1; request <= 2; request += 1) {
      packets.length = 0;
      delays.mockClear();
      const response = await transport.request({ path: "/x", body, connection: "packets" });
      expect(response.status).toBe(200);
      expect(packets.join("")).toContain(`\r\n1e\r\n${BODY}`.repeat(40));
      expect(delays.mock.calls.filter(([, ms]) => ms === 1).length).toBeLessThan(20);
      expect(packets.length).toBeGreaterThan(2);
    }
    delays.mockRestore();
  });

  test("reports a connection that is closed in the middle", async () => {
    const server = createServer((socket) => socket.once("data", () => socket.destroy()));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const transport = new Transport({ urls: [`http://127.0.0.1:${port}`] });
    cleanUps.push(() => transport.close());
    cleanUps.push(() => server.close());
    await expect(transport.request({ path: "/x", body: BODY, connection: "packets" })).rejects.toThrow(
      /connection|closed/,
    );
  });
});
