import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Refusal } from "../errors.js";
import { endEnvelope } from "./codec.js";

/** Where a server listens. */
export interface ListenOptions {
  /** Address to bind to. Default 127.0.0.1: not reachable from elsewhere. */
  host?: string;
  /** Port. 0, the default, takes a free one. */
  port?: number;
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
  { host = "127.0.0.1", port = 0 }: ListenOptions = {},
): Promise<Listening> {
  const streams = new Set<ServerResponse>();
  const server = createServer(
    {
      maxHeaderSize: 16 << 10, // a token has up to 4 KiB
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 30_000,
      keepAlive: true, // TCP notices a watcher that has gone without a word
      keepAliveInitialDelay: 60_000,
    },
    (req, res) => {
      streams.add(res);
      res.on("close", () => streams.delete(res));
      return handler(req, res);
    },
  );
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
          // A stream is what has begun and not ended; calls under way end by themselves.
          if (res.headersSent && !res.writableEnded)
            res.end(endEnvelope(new Refusal("unavailable", "the server stops")));
        }
        server.closeIdleConnections();
      }),
  };
}
