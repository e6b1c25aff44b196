import { createServer, type RequestListener, type ServerOptions } from "node:http";
import type { AddressInfo } from "node:net";
import type { ConnectionOptions } from "../../transport/http.js";

/** A running server. */
export interface Running {
  url: string;
  /** How to connect. Default: without TLS. */
  connection?: ConnectionOptions;
  stop(): Promise<void>;
}

/** Serves a listener on a free port of 127.0.0.1. `stop` closes open connections. */
export async function serve(listener: RequestListener, options: ServerOptions = {}): Promise<Running> {
  const server = createServer(options, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
