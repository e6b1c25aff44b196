import { type AddressInfo, createServer } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { agentFor } from "./agents.js";
import { Transport } from "./http.js";

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** Makes a request to a server that responds with these bytes, in packets of this size. */
async function respond(bytes: string, packetBytes = bytes.length) {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {});
    socket.once("data", async () => {
      for (let at = 0; at < bytes.length; at += packetBytes) {
        socket.write(bytes.slice(at, at + packetBytes), "latin1");
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const transport = new Transport({ urls: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`] });
  cleanUps.push(
    () => transport.close(),
    () => new Promise((resolve) => server.close(resolve)),
  );
  const { status, headers, body } = await transport.request({ path: "/" });
  return { status, headers, body: Buffer.from(body).toString() };
}

const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi";
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const HINTS = "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n";

describe("a response", () => {
  test.each([
    ["100", CONTINUE],
    ["103", HINTS],
    ["103 and 100", HINTS + CONTINUE],
    ["100, 103, 100 and 102", `${CONTINUE}${HINTS}${CONTINUE}HTTP/1.1 102 \r\n\r\n`],
  ])("may come after %s, in one packet and in tiny ones", async (_, before) => {
    for (const size of [1, 7, 1000])
      expect(await respond(before + OK, size)).toMatchObject({ status: 200, body: "hi" });
  });

  test.each([
    "content-length: \t2 \t",
    "CONTENT-LENGTH:2\t",
    "Transfer-Encoding:\tChunked \t",
    "TRANSFER-ENCODING:chunked\t",
  ])("may have white space around the header value: %j", async (header) => {
    const body = /length/i.test(header) ? "hi" : '1;a="b;c"\r\nh\r\n01\r\ni\r\n000;last\r\nX-Trailer: 1\r\n\r\n';
    for (const size of [1, 1000]) {
      const response = await respond(`HTTP/1.1 200 \r\n${header}\r\nX-Note: a\t b \t\r\n\r\n${body}`, size);
      expect(response).toMatchObject({ status: 200, body: "hi", headers: { "x-note": "a  b" } });
    }
  });

  test("keeps the tabs in its body", async () => {
    for (const size of [1, 1000])
      expect(await respond("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n\t\r\n\t", size)).toMatchObject({
        body: "\t\r\n\t",
      });
  });
});

test("a reset within a body that ends with its connection is no end", async () => {
  const head = "HTTP/1.1 200 OK\r\n\r\npart";
  let reset = () => {};
  const server = createServer((socket) => {
    reset = () => void socket.resetAndDestroy();
    socket.on("error", () => {}).once("data", () => socket.write(head));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const agent = agentFor({}, 1);
  try {
    const { body } = await agent.request({ origin, path: "/", method: "GET" });
    const read = async () => {
      for await (const part of body) {
        expect(String(part)).toBe("part");
        reset();
      }
    };
    await expect(read()).rejects.toThrow("the connection was reset");
  } finally {
    await agent.destroy();
    server.close();
  }
});
