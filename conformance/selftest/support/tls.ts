import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createSecureServer, type Http2ServerRequest } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { TlsOptions } from "node:tls";
import { SERVER } from "./certificates.js";
import type { Running } from "./serve.js";

/** Serves a listener over TLS, with HTTP/1.1 and, by default, HTTP/2. */
export async function serveTls(
  listener: RequestListener,
  { http2 = true, ...options }: TlsOptions & { http2?: boolean } = {},
): Promise<Running> {
  const sockets = new Set<Socket>();
  // Requests of HTTP/2 have a compatible API.
  const server = http2
    ? createSecureServer({ ...SERVER, allowHTTP1: true, ...options }, listener as never)
    : createHttpsServer({ ...SERVER, ...options }, listener);
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.on("sessionError", () => {}); // a client may disconnect
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Returns the HTTP version of a request. */
export const versionOf = (req: Parameters<RequestListener>[0]) => (req as unknown as Http2ServerRequest).httpVersion;

/** Serves an HTTP proxy that connects every client to `target`, and records the requested destinations. */
export async function serveProxy(
  target: string,
  statusFor: (login: string | undefined) => number = () => 200,
): Promise<Running & { destinations: string[] }> {
  const { hostname, port } = new URL(target);
  const destinations: string[] = [];
  const sockets = new Set<Socket>();
  const proxy = createHttpServer((_req, res) => void res.writeHead(400).end());
  proxy.on("connect", (req, client: Socket) => {
    destinations.push(req.url ?? "");
    const status = statusFor(req.headers["proxy-authorization"]);
    client.write(`HTTP/1.1 ${status} reason\r\n\r\n`);
    if (status !== 200) return void client.end();
    const upstream = connect(Number(port), hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on("error", () => to.destroy()).pipe(to);
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return {
    destinations,
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    async stop() {
      const closed = new Promise((resolve) => proxy.close(resolve));
      proxy.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Returns the URL of a port of this machine on which nothing listens. */
export async function nowhere(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}
