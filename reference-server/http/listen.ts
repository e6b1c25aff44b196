import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Refusal } from "../errors.js";
import { endEnvelope } from "./codec.js";

/** Options of the listening socket. */
export interface ListenOptions {
  /**
   * Address to bind to.
   * @default 127.0.0.1, which other machines cannot reach
   */
  host?: string;
  /**
   * Port to bind to. 0 to 65535; 0 takes a free one.
   * @default 0
   */
  port?: number;
  /**
   * Time limit for receiving a request, in milliseconds; for its headers a third of it. From 1.
   * @default 30 s
   */
  requestTimeoutMs?: number;
}

/** A server that accepts connections. */
export interface Listening {
  /** Its base URL, such as "http://127.0.0.1:8080". */
  readonly url: string;
  /**
   * Stops the server: accepts no new connection, completes the calls in progress, and ends every Watch. After `graceMs`
   * milliseconds, by default 5000, it closes the connections that are left.
   */
  close(graceMs?: number): Promise<void>;
}

/**
 * Serves a handler over HTTP/1.1 (http.md), with limits on headers, time and connections.
 *
 * @throws Error with the `code` of the system, such as EADDRINUSE, if it cannot bind to the address.
 */
export async function listen(
  handler: RequestListener,
  { host = "127.0.0.1", port = 0, requestTimeoutMs = 30_000 }: ListenOptions = {},
): Promise<Listening> {
  const streams = new Set<ServerResponse>();
  /** Connections without a request so far, which Node.js does not count as idle. */
  const unused = new Set<Socket>();
  const server = createServer(
    {
      maxHeaderSize: 16 << 10, // a token may have 4 KiB
      headersTimeout: requestTimeoutMs / 3,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: requestTimeoutMs / 6,
      keepAliveTimeout: 30_000,
      keepAlive: true, // detects a client that vanished without closing its connection
      keepAliveInitialDelay: 60_000,
    },
    (req, res) => {
      unused.delete(req.socket);
      streams.add(res);
      res.on("close", () => streams.delete(res));
      return handler(req, res);
    },
  );
  server.on("connection", (socket) => {
    unused.add(socket);
    socket.on("close", () => unused.delete(socket));
  });
  server.maxConnections = 20_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const name = address.family === "IPv6" ? `[${address.address}]` : address.address;

  return {
    url: `http://${name}:${address.port}`,
    close: (graceMs = 5000) =>
      new Promise((resolve) => {
        const timeout = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(timeout);
          resolve();
        });
        for (const res of streams) {
          // A pending call gets its response and then its connection is closed. A response that has begun is a stream.
          if (!res.headersSent) res.setHeader("Connection", "close");
          else if (!res.writableEnded) res.end(endEnvelope(new Refusal("unavailable", "the server is shutting down")));
        }
        server.closeIdleConnections();
        for (const socket of unused) socket.destroy();
      }),
  };
}
