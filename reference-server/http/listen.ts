import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Refusal } from "../errors.js";
import { endEnvelope } from "./codec.js";

/** Where a server listens. */
export interface ListenOptions {
  /** Address to bind to. Default 127.0.0.1: not reachable from elsewhere. */
  host?: string;
  /** Port. 0, the default, takes a free one. */
  port?: number;
  /** For how long a request may take to come in, its headers at most a third of it, in milliseconds. From 1. Default 30 s. */
  requestTimeoutMs?: number;
}

/** A server that accepts connections. */
export interface Listening {
  /** Its base URL, such as "http://127.0.0.1:8080". */
  readonly url: string;
  /** Stops: no new connections, calls under way are answered, watches end in order; after `graceMs` (default 5,000) all is cut. */
  close(graceMs?: number): Promise<void>;
}

/** Serves a handler over HTTP/1.1, with bounds on headers, time and connections. Rejects if the address cannot be had. */
export async function listen(
  handler: RequestListener,
  { host = "127.0.0.1", port = 0, requestTimeoutMs = 30_000 }: ListenOptions = {},
): Promise<Listening> {
  const streams = new Set<ServerResponse>();
  /** Connections without a request so far, which Node does not count as idle. */
  const unused = new Set<Socket>();
  const server = createServer(
    {
      maxHeaderSize: 16 << 10, // a token has up to 4 KiB
      headersTimeout: requestTimeoutMs / 3,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: requestTimeoutMs / 6,
      keepAliveTimeout: 30_000,
      keepAlive: true, // TCP notices a watcher that has gone without a word
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
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        for (const res of streams) {
          // A call under way is answered, and its connection not kept. A stream is what has begun and not ended.
          if (!res.headersSent) res.setHeader("Connection", "close");
          else if (!res.writableEnded) res.end(endEnvelope(new Refusal("unavailable", "the server stops")));
        }
        server.closeIdleConnections();
        for (const socket of unused) socket.destroy();
      }),
  };
}
