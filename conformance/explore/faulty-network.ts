import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import type { Agent } from "undici";
import { agentFor } from "../transport/agents.js";
import { OversizedError } from "../transport/errors.js";
import { exchange } from "../transport/exchange.js";
import { rpcOf, type SharedConnection } from "../transport/http.js";
import type { Liveness } from "../transport/liveness.js";
import { type RateLimiter, rateLimiterOf } from "../transport/rate-limit.js";
import type { NetworkFault } from "./program.js";

/** Header that names the fault for a request. The network removes it. */
export const FAULT_HEADER = "seqsync-network-fault";

/** Delay of a slow request, in milliseconds: enough for concurrent requests to overtake it. */
const DELAY_MS = 4;

/** Bounds of a response that is passed on whole: more than a program causes, and longer than a client waits for it. */
const MAX_RESPONSE_BYTES = 8 << 20;
const TIMEOUT_MS = 30_000;

interface Forwarded {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/** A request that has arrived at the network. */
interface Arrived {
  url: string;
  /** The headers of the request itself, with their names as they were written. */
  headers: readonly (readonly [name: string, value: string])[];
  chunks: readonly Buffer[];
  isChunked: boolean;
}

/**
 * A network that injects a fault into each request that names one: a proxy on the loopback interface in front of the
 * target. Connections on both sides are kept alive until a fault closes them. The proxy itself uses TLS for a TLS
 * target. A request keeps its form, except for its connection and its packets: these are between the client and the
 * proxy.
 */
export class FaultyNetwork {
  readonly #server: Server;
  readonly #agent: Agent;
  /** For requests whose form is lost in HTTP/2. */
  readonly #http1: Agent;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #rateLimiter: RateLimiter | undefined;
  readonly #liveness: Liveness | undefined;
  readonly #bases: readonly URL[];
  readonly #held: (() => Promise<void>)[] = [];
  readonly #pending = new Set<Promise<unknown>>();

  private constructor(targets: readonly string[], connection: SharedConnection) {
    const { headers = {} } = connection;
    this.#agent = agentFor(connection, 64);
    this.#http1 = agentFor({ ...connection, http2: false }, 64);
    this.#headers = headers;
    this.#rateLimiter = rateLimiterOf(connection);
    this.#liveness = connection.liveness;
    this.#bases = targets.map((url) => new URL(url));
    this.#server = createServer((req, res) => {
      this.#handle(req, res).catch(() => req.socket.destroy());
    });
  }

  /** Starts a network in front of these URLs. */
  static async start(targets: readonly string[], connection: SharedConnection = {}): Promise<FaultyNetwork> {
    const network = new FaultyNetwork(targets, connection);
    await new Promise<void>((resolve) => network.#server.listen(0, "127.0.0.1", resolve));
    return network;
  }

  /** The URLs to use instead of the target's, in the same order. */
  get urls(): string[] {
    const { port } = this.#server.address() as AddressInfo;
    return this.#bases.map((_, index) => `http://127.0.0.1:${port}/${index}`);
  }

  /** Delivers the oldest delayed request, after a request that was made later. */
  releaseOne(): void {
    const deliver = this.#held.shift();
    if (deliver !== undefined) void deliver();
  }

  /** Delivers all delayed requests, and waits until every request has arrived. */
  async settle(): Promise<void> {
    await Promise.all(this.#held.splice(0).map((deliver) => deliver()));
    await Promise.allSettled([...this.#pending]);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    const closed = new Promise((resolve) => this.#server.close(resolve));
    await Promise.all([closed, this.#agent.destroy(), this.#http1.destroy()]);
  }

  async #handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const request = await arrived(req);
    const fault = req.headers[FAULT_HEADER] as NetworkFault | undefined;
    const reset = () => {
      res.destroy();
    };
    switch (fault) {
      case "drop-request":
        return reset();
      case "delay-request":
        this.#held.push(() => this.#track(this.#forward(request)));
        return reset();
      case "abort-request": {
        const controller = new AbortController();
        this.#track(this.#forward(request, controller.signal));
        // The request is written before the connection closes. The server may process it or not.
        setImmediate(() => setImmediate(() => controller.abort()));
        return reset();
      }
      case "slow-request":
        await new Promise((resolve) => setTimeout(resolve, DELAY_MS));
        break;
      case "duplicate-request":
        this.#track(this.#forward(request));
        break;
      default:
        break;
    }
    const response = await this.#forward(request);
    this.releaseOne();
    if (fault === "drop-response") return reset();
    res.writeHead(response.status, { ...response.headers, "content-length": String(response.body.length) });
    if (fault === "reset-after-head") {
      res.flushHeaders();
      setImmediate(reset);
    } else if (fault === "truncate-response") {
      res.write(response.body.subarray(0, response.body.length >> 1));
      setImmediate(reset);
    } else res.end(response.body);
  }

  /** Registers a request whose response is ignored, so that `settle` waits for it. */
  #track(forwarded: Promise<Forwarded>): Promise<void> {
    const done = forwarded.then(
      () => {},
      () => {},
    );
    this.#pending.add(done);
    void done.finally(() => this.#pending.delete(done));
    return done;
  }

  async #forward(arrived: Arrived, signal?: AbortSignal): Promise<Forwarded> {
    const [, index = "0", path = "/"] = /^\/(\d+)(\/.*)$/.exec(arrived.url) ?? [];
    const base = this.#bases[Number(index)] as URL;
    await this.#rateLimiter?.acquire();
    // A header twice, with two values, would mean something else.
    const given = new Set(Object.keys(this.#headers).map((name) => name.toLowerCase()));
    const own = arrived.headers.filter(([name]) => !given.has(name.toLowerCase()));
    const request = {
      origin: base.origin,
      path: base.pathname.replace(/\/$/, "") + path,
      method: "POST" as const,
      headers: [...Object.entries(this.#headers), ...own].flat(),
      body: arrived.isChunked ? streamOf(arrived.chunks) : Buffer.concat(arrived.chunks),
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    const isUsual = !arrived.isChunked && own.every(([name]) => name === name.toLowerCase());
    const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_RESPONSE_BYTES, signal };
    const {
      status,
      headers,
      body: content,
    } = await exchange(isUsual ? this.#agent : this.#http1, request, limits).catch((error: Error) => {
      // The client only sees that its connection breaks.
      if (error instanceof OversizedError)
        this.#liveness?.oversized(rpcOf({ endpoint: Number(index), path }), error.message);
      throw error;
    });
    const { connection: _, "transfer-encoding": __, "keep-alive": ___, ...kept } = headers;
    return { status, headers: kept, body: content };
  }
}

/** Headers that concern one connection only, and that of the network. */
const HOP_BY_HOP = ["host", "connection", "keep-alive", "transfer-encoding", "content-length", FAULT_HEADER];

/** A body that is sent in chunks. If its request is aborted, the error is that of the request. */
const streamOf = (chunks: readonly Buffer[]) => Readable.from(chunks).on("error", () => {});

/** Reads a request. */
async function arrived(req: IncomingMessage): Promise<Arrived> {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  const { rawHeaders } = req;
  const headers = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 && !HOP_BY_HOP.includes(name.toLowerCase()) ? [[name, rawHeaders[index + 1] ?? ""] as const] : [],
  );
  return { url: req.url ?? "", headers, chunks, isChunked: req.headers["transfer-encoding"] !== undefined };
}
