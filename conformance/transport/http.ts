import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { Agent, type Dispatcher } from "undici";
import { afterRunnableTime } from "./deadline.js";
import { NoResponseError, noResponse, timedOut } from "./errors.js";
import { exchange, type ReceivedResponse } from "./exchange.js";
import { type ExchangeListener, recordRawExchange } from "./exchange-log.js";
import type { HttpRequest, HttpResponse, HttpStream } from "./messages.js";
import { type RateLimiter, rateLimiterOf } from "./rate-limit.js";
import { type RawOptions, rawExchange } from "./raw.js";
import { retry } from "./retry.js";
import { openSocket, type SocketOptions } from "./socket.js";

/** Options of the connection to the target. */
export interface ConnectionOptions extends SocketOptions {
  /**
   * Headers of every request, such as those of a gateway. They appear in no report.
   * @default none
   */
  headers?: Readonly<Record<string, string>>;
  /**
   * Maximum rate of requests, per second; more than 0. For targets with a rate limit.
   * @default no limit
   */
  maxRequestsPerSecond?: number;
}

/** Returns only the connection options. */
export function pickConnection(options: ConnectionOptions): ConnectionOptions {
  const { headers, tls, proxy, connectTimeoutMs, http2, maxRequestsPerSecond } = options;
  const all = { headers, tls, proxy, connectTimeoutMs, http2, maxRequestsPerSecond };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Connection options for several transports that share a rate limit. */
export interface SharedConnection extends ConnectionOptions {
  /** Overrides `maxRequestsPerSecond`. */
  rateLimiter?: RateLimiter;
}

export interface TransportOptions extends SharedConnection {
  /** Base URLs of the target: http or https, with or without a path. */
  urls: readonly string[];
  /** Time limit for a response, in milliseconds. Default 10,000. */
  timeoutMs?: number;
  /** Maximum number of connections to one URL. Default 128. */
  connections?: number;
}

/** Creates a pool of kept-alive connections to the target, with one request at a time on each. */
export function agentFor(options: SocketOptions, connections: number): Agent {
  return new Agent({
    connections,
    pipelining: 1,
    allowH2: options.http2 ?? true,
    connect: ({ protocol, host, hostname, port }, callback) => {
      const at = host ?? (port === "" ? hostname : `${hostname}:${port}`);
      openSocket(new URL(`${protocol}//${at}`), options).then(
        (socket) => callback(null, socket),
        (error) => callback(error, null),
      );
    },
  });
}

/** Delays before a stream is opened again, in milliseconds. */
const REOPEN_DELAYS_MS = [20, 100, 400];

/** Maximum size of a response, in bytes, with and without its content coding. */
const MAX_RESPONSE_BYTES = 256 << 20;

/** Sends requests unchanged, correct or not, over kept-alive connections. Independent of the protocol. */
export class Transport {
  readonly urls: readonly string[];
  /** Headers of every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Connection options for further transports to the same target. They share the rate limiter. */
  readonly connection: SharedConnection;
  /** Is called with each exchange. */
  readonly onExchange: ExchangeListener | undefined;
  readonly #bases: readonly URL[];
  readonly #timeoutMs: number;
  readonly #agents: Agents;
  readonly #headers: readonly string[];
  readonly #rateLimiter: RateLimiter | undefined;

  constructor(
    options: TransportOptions,
    { agents, onExchange }: { agents?: Agents; onExchange?: ExchangeListener | undefined } = {},
  ) {
    const { urls, timeoutMs = 10_000, connections = 128, ...connection } = options;
    this.urls = urls;
    this.#bases = urls.map((url) => new URL(url));
    this.#timeoutMs = timeoutMs;
    const { headers = {} } = connection;
    this.headers = headers;
    this.#headers = Object.entries(headers).flat();
    this.#rateLimiter = rateLimiterOf(connection);
    this.connection = { ...connection, ...(this.#rateLimiter === undefined ? {} : { rateLimiter: this.#rateLimiter }) };
    this.#agents = agents ?? agentsFor(connection, connections, this.#bases);
    this.onExchange = onExchange;
  }

  /**
   * Returns a transport over the same connections with its own listener. Closing either transport closes them for both.
   */
  withExchangeListener(onExchange: ExchangeListener | undefined): Transport {
    const { urls, connection } = this;
    return new Transport({ urls, timeoutMs: this.#timeoutMs, ...connection }, { agents: this.#agents, onExchange });
  }

  /** The base URL of an endpoint, for requests that are not made by this class. */
  base(endpoint = 0): URL {
    return this.#bases[endpoint % this.#bases.length] as URL;
  }

  /** Sends a request and reads the whole response. Rejects with NoResponseError if there is no complete response. */
  async request(request: HttpRequest): Promise<HttpResponse> {
    if (this.#rateLimiter !== undefined) await this.#rateLimiter.acquire();
    try {
      const limits = { timeoutMs: this.#timeoutMs, maxBytes: MAX_RESPONSE_BYTES, signal: request.signal };
      const response = withoutCodings(await exchange(this.#agentFor(request), this.#optionsOf(request), limits));
      this.onExchange?.({ request, response });
      return response;
    } catch (error) {
      const failure = noResponse(error);
      this.onExchange?.({ request, response: { noResponse: failure.message } });
      throw failure;
    }
  }

  /**
   * Sends a request and resolves with the head of the response; the body is read as it arrives, without a time limit.
   * Only for requests without side effects: if the connection breaks before the response, the request is sent again.
   * Correct servers cause that too, when they close an idle connection at the moment that it is reused. Rejects with
   * NoResponseError.
   */
  async stream(request: HttpRequest): Promise<HttpStream> {
    const opened = await retry(
      () =>
        this.#open(request).then(
          (stream) => ({ stream }),
          (error: unknown) => ({ error }),
        ),
      (result, retries) =>
        "error" in result && !(result.error instanceof NoResponseError) ? REOPEN_DELAYS_MS[retries] : undefined,
    );
    if ("error" in opened) throw noResponse(opened.error);
    return opened.stream;
  }

  /** Rejects with NoResponseError on a timeout, and with the original error if the connection broke. */
  async #open(request: HttpRequest): Promise<HttpStream> {
    await this.#rateLimiter?.acquire();
    const controller = new AbortController();
    const cancelTimer = afterRunnableTime(this.#timeoutMs, () => controller.abort(timedOut(this.#timeoutMs)));
    try {
      const { statusCode, headers, body } = await this.#agentFor(request).request({
        ...this.#optionsOf(request),
        signal: controller.signal,
      });
      body.on("error", () => {}); // The reader of the chunks receives the error.
      return { status: statusCode, headers: flatten(headers), chunks: body, cancel: () => controller.abort() };
    } finally {
      cancelTimer();
    }
  }

  /**
   * Writes bytes unchanged, over a new connection. Resolves with the bytes received; with an empty string if there are
   * none.
   */
  async raw(endpoint: number, bytes: Uint8Array | string, options: RawOptions = {}): Promise<string> {
    await this.#rateLimiter?.acquire();
    try {
      const socket = await openSocket(this.base(endpoint), { ...this.connection, http2: false });
      const received = await rawExchange(socket, bytes, options);
      if (this.onExchange !== undefined) recordRawExchange(this.onExchange, bytes, received);
      return received;
    } catch {
      return "";
    }
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await Promise.all([this.#agents.standard.destroy(), this.#agents.http1.destroy()]);
  }

  #agentFor({ method = "POST", headers, body }: HttpRequest): Agent {
    const isStandard =
      method === "POST" && !Array.isArray(headers) && (body === undefined || body instanceof Uint8Array);
    return isStandard ? this.#agents.standard : this.#agents.http1;
  }

  #optionsOf({ endpoint, method = "POST", path, headers = {}, body }: HttpRequest): Dispatcher.DispatchOptions {
    const base = this.base(endpoint);
    const pairs = Array.isArray(headers) ? (headers as [string, string][]) : Object.entries(headers);
    return {
      origin: base.origin,
      path: base.pathname.replace(/\/$/, "") + path,
      method,
      headers: [...this.#headers, ...pairs.flat()],
      body: body === undefined ? null : body instanceof Uint8Array ? body : Readable.from(body),
      headersTimeout: 0,
      bodyTimeout: 0,
    };
  }
}

/** Connection pools of all endpoints. */
interface Agents {
  standard: Agent;
  /**
   * For unusual requests, which undici supports over HTTP/1.1 only. The same pool as `standard` if HTTP/2 is not used.
   */
  http1: Agent;
}

function agentsFor(connection: SocketOptions, connections: number, bases: readonly URL[]): Agents {
  const standard = agentFor(connection, connections);
  const mayUpgrade = (connection.http2 ?? true) && bases.some(({ protocol }) => protocol === "https:");
  return { standard, http1: mayUpgrade ? agentFor({ ...connection, http2: false }, connections) : standard };
}

/** Joins repeated headers and decodes the body. */
function withoutCodings({ status, headers, body }: ReceivedResponse): HttpResponse {
  const flat = flatten(headers);
  return { status, headers: flat, body: decoded(flat, body) };
}

function flatten(headers: ReceivedResponse["headers"]): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name] ?? "";
    flat[name] = typeof value === "string" ? value : value.join(", ");
  }
  return flat;
}

/** Decodes gzip, which a server may use if the request offered it, and which some proxies add. */
function decoded(headers: Record<string, string>, body: Buffer): Buffer {
  if (headers["content-encoding"] !== "gzip") return body;
  return gunzipSync(body, { maxOutputLength: MAX_RESPONSE_BYTES });
}
