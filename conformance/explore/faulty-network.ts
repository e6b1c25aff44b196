import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Agent } from "undici";
import { agentFor, type ConnectionOptions } from "../transport/http.js";
import { type RateLimiter, rateLimiterOf } from "../transport/rate-limit.js";
import type { NetworkFault } from "./program.js";

/** Names what is to happen to a request. The network takes it off before it forwards. */
export const FAULT_HEADER = "seqsync-network-fault";

/** How long a delayed request waits, in milliseconds: long enough for those beside it to overtake it. */
const DELAY_MS = 4;

interface Forwarded {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
}

/**
 * A network that does to each request what it is told to: a proxy on the loopback interface in front of the target. Connections
 * on both sides are kept alive and reused until a fault tears them. A TLS target is spoken to from here in TLS.
 */
export class FaultyNetwork {
  readonly #server: Server;
  readonly #agent: Agent;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #pace: RateLimiter | undefined;
  readonly #bases: readonly URL[];
  readonly #held: (() => Promise<void>)[] = [];
  readonly #straying = new Set<Promise<unknown>>();

  private constructor(targets: readonly string[], connection: ConnectionOptions) {
    const { headers = {}, maxRequestsPerSecond: rate } = connection;
    this.#agent = agentFor(connection, 64);
    this.#headers = headers;
    this.#pace = rateLimiterOf(rate);
    this.#bases = targets.map((url) => new URL(url));
    this.#server = createServer((req, res) => {
      this.#carry(req, res).catch(() => req.socket.destroy());
    });
  }

  /** Stands in front of these URLs. */
  static async start(targets: readonly string[], connection: ConnectionOptions = {}): Promise<FaultyNetwork> {
    const network = new FaultyNetwork(targets, connection);
    await new Promise<void>((resolve) => network.#server.listen(0, "127.0.0.1", resolve));
    return network;
  }

  /** One URL for each of the target's, to be called instead. */
  get urls(): string[] {
    const { port } = this.#server.address() as AddressInfo;
    return this.#bases.map((_, index) => `http://127.0.0.1:${port}/${index}`);
  }

  /** Delivers what is still held back, and waits until everything on its way has arrived. */
  async settle(): Promise<void> {
    await Promise.all(this.#held.splice(0).map((deliver) => deliver()));
    await Promise.allSettled([...this.#straying]);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await Promise.all([new Promise((resolve) => this.#server.close(resolve)), this.#agent.destroy()]);
  }

  async #carry(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const fault = req.headers[FAULT_HEADER] as NetworkFault | undefined;
    const tear = () => {
      res.destroy();
    };
    switch (fault) {
      case "lose-request":
        return tear();
      case "late-request":
        this.#held.push(() => this.#stray(this.#forward(req, body)));
        tear();
        return;
      case "abandon": {
        const stop = new AbortController();
        this.#stray(this.#forward(req, body, stop.signal));
        // The request is on its way before the connection goes; whether it is carried out is the server's affair.
        setImmediate(() => setImmediate(() => stop.abort()));
        return tear();
      }
      case "delay":
        await new Promise((resolve) => setTimeout(resolve, DELAY_MS));
        break;
      case "twice":
        this.#stray(this.#forward(req, body));
        break;
      default:
        break;
    }
    const answer = await this.#forward(req, body);
    this.#release();
    if (fault === "lose-answer") return tear();
    res.writeHead(answer.status, { ...answer.headers, "content-length": String(answer.body.length) });
    if (fault === "reset-after-head") {
      res.flushHeaders();
      setImmediate(tear);
    } else if (fault === "cut-answer") {
      res.write(answer.body.subarray(0, answer.body.length >> 1));
      setImmediate(tear);
    } else res.end(answer.body);
  }

  /** A held request goes out behind one that was made later. */
  #release(): void {
    const deliver = this.#held.shift();
    if (deliver !== undefined) void deliver();
  }

  /** A request whose answer nobody waits for. */
  #stray(forwarded: Promise<Forwarded>): Promise<void> {
    const done = forwarded.then(
      () => {},
      () => {},
    );
    this.#straying.add(done);
    void done.finally(() => this.#straying.delete(done));
    return done;
  }

  async #forward(req: IncomingMessage, body: Buffer, signal?: AbortSignal): Promise<Forwarded> {
    const [, index = "0", path = "/"] = /^\/(\d+)(\/.*)$/.exec(req.url ?? "") ?? [];
    const base = this.#bases[Number(index)] as URL;
    await this.#pace?.acquire();
    const {
      statusCode,
      headers,
      body: answer,
    } = await this.#agent.request({
      origin: base.origin,
      path: base.pathname.replace(/\/$/, "") + path,
      method: "POST",
      headers: { ...this.#headers, ...forwardable(req.headers) },
      body,
      ...(signal === undefined ? {} : { signal }),
    });
    const content = Buffer.from(await answer.arrayBuffer());
    const { connection: _, "transfer-encoding": __, "keep-alive": ___, ...kept } = headers;
    return { status: statusCode, headers: kept, body: content };
  }
}

/** Headers of one hop stay on that hop. */
function forwardable(headers: IncomingMessage["headers"]): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (["host", "connection", "keep-alive", "transfer-encoding", "content-length", FAULT_HEADER].includes(name))
      continue;
    if (value !== undefined) kept[name] = String(value);
  }
  return kept;
}
