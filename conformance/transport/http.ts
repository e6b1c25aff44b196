import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import type { Agent, Dispatcher } from "undici";
import { type Agents, agentsFor } from "./agents.js";
import type { ConnectionLimit } from "./connection-limit.js";
import { afterRunnableTime } from "./deadline.js";
import { LocalError, NoResponseError, noResponse, OversizedError, timedOut } from "./errors.js";
import { exchange, type ReceivedResponse } from "./exchange.js";
import { type ExchangeHandle, type ExchangeListener, parseRequest, recordRawResponse } from "./exchange-log.js";
import type { Liveness } from "./liveness.js";
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

/** Connection options for several transports that share a rate limit and what is known about the server's silence. */
export interface SharedConnection extends ConnectionOptions {
  /** Overrides `maxRequestsPerSecond`. */
  rateLimiter?: RateLimiter;
  /** Is told of responses and missing responses. */
  liveness?: Liveness;
  /** Bounds the open connections; then no connection is kept, apart from those with a `keepAliveMs` of their own. */
  connectionLimit?: ConnectionLimit | undefined;
}

export interface TransportOptions extends SharedConnection {
  /** Base URLs of the target: http or https, with or without a path. */
  urls: readonly string[];
  /** Time limit for a response, in milliseconds. Default 10,000. */
  timeoutMs?: number;
  /** Maximum number of connections to one URL, apart from those of streams. Default 128. */
  connections?: number;
  /**
   * How long an idle connection is kept, in milliseconds, unless the server announces that it closes it earlier.
   * @default 4000
   */
  keepAliveMs?: number;
}

/** Delays before a stream is opened again, in milliseconds. */
const REOPEN_DELAYS_MS = [20, 100, 400];

/**
 * Time after a broken connection in which requests use new connections, in milliseconds: a server that closes idle
 * connections early may have closed all others too.
 */
const NEW_CONNECTIONS_MS = 5000;

/** Maximum size of a response without messages, in bytes, with and without its content coding. */
const MAX_RESPONSE_BYTES = 1 << 20;
/**
 * The same for a page: what the case has sent may come back in a longer encoding, with messages from before the run. The
 * longest is JSON with each character as an escape of six; from binary requests it has base64 on top.
 */
const MAX_PAGE_BYTES = { atFirst: 8 << 20, forEachByteSent: 8, atMost: 128 << 20 } as const;

/** Sends requests unchanged, correct or not, over kept-alive connections. Independent of the protocol. */
export class Transport {
  readonly urls: readonly string[];
  /** Headers of every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Connection options for further transports to the same target. They share the rate limiter and the connection limit. */
  readonly connection: SharedConnection;
  /** Is called with each exchange. */
  readonly onExchange: ExchangeListener | undefined;
  readonly #bases: readonly URL[];
  readonly #timeoutMs: number;
  readonly #connections: number;
  #agents: Agents;
  readonly #headers: readonly string[];
  readonly #rateLimiter: RateLimiter | undefined;
  #bytesSent = 0;
  #brokenAt = Number.NEGATIVE_INFINITY;

  constructor(
    options: TransportOptions,
    { agents, onExchange }: { agents?: Agents; onExchange?: ExchangeListener | undefined } = {},
  ) {
    const { urls, timeoutMs = 10_000, connections = 128, keepAliveMs, ...connection } = options;
    this.urls = urls;
    this.#bases = urls.map((url) => new URL(url));
    this.#timeoutMs = timeoutMs;
    const { headers = {} } = connection;
    this.headers = headers;
    this.#headers = Object.entries(headers).flat();
    this.#rateLimiter = rateLimiterOf(connection);
    this.connection = { ...connection, ...(this.#rateLimiter === undefined ? {} : { rateLimiter: this.#rateLimiter }) };
    this.#connections = connections;
    this.#agents = agents ?? agentsFor(connection, connections, this.#bases, keepAliveMs);
    this.onExchange = onExchange;
  }

  /**
   * Returns a transport over the same connections with its own listener. Closing either transport closes them for both.
   */
  withExchangeListener(onExchange: ExchangeListener | undefined): Transport {
    const { urls, connection } = this;
    return new Transport({ urls, timeoutMs: this.#timeoutMs, ...connection }, { agents: this.#agents, onExchange });
  }

  /**
   * Bounds the connections that are open at once. To be called before any request that is not complete, and before other
   * transports are made from this one.
   */
  async limitConnections(limit: ConnectionLimit): Promise<void> {
    await this.close();
    this.connection.connectionLimit = limit;
    this.#agents = agentsFor(this.connection, this.#connections, this.#bases, undefined);
  }

  /** The base URL of an endpoint, for requests that are not made by this class. */
  base(endpoint = 0): URL {
    return this.#bases[endpoint % this.#bases.length] as URL;
  }

  /** Sends a request and reads the whole response. Rejects with NoResponseError if there is no complete response. */
  async request(request: HttpRequest): Promise<HttpResponse> {
    if (this.#rateLimiter !== undefined) await this.#rateLimiter.acquire();
    this.#throwIfSilent(request);
    const release = await this.connection.connectionLimit?.acquire();
    const log = this.onExchange?.begin(request);
    try {
      const maxBytes = this.#maxBytes(request);
      const limits = { timeoutMs: this.#timeoutMs, maxBytes, signal: request.signal };
      const received = await exchange(this.#agentFor(request), this.#optionsOf(request), limits);
      this.connection.liveness?.responded(rpcOf(request));
      const response = withoutCodings(received, maxBytes);
      if (log === undefined) return response;
      log.head(response.status, response.headers);
      log.data(response.body);
      log.end();
      return { ...response, exchange: log.number };
    } catch (error) {
      const failure = this.#failed(request, error);
      if (failure instanceof NoResponseError && !failure.timedOut && !failure.isPermanent)
        this.#brokenAt = performance.now();
      log?.end(failure.message);
      throw failure;
    } finally {
      release?.();
    }
  }

  /** Throws if the front ends leave the RPC of a request unanswered. */
  #throwIfSilent(request: HttpRequest): void {
    const { liveness } = this.connection;
    const why = liveness?.silenceOf(rpcOf(request));
    if (liveness === undefined || why === undefined) return;
    const isPermanent = this.urls.every(
      (_, endpoint) => liveness.silenceOf(rpcOf({ ...request, endpoint })) !== undefined,
    );
    if (isPermanent) liveness.withheld(rpcOf(request));
    throw new NoResponseError(why, { isPermanent });
  }

  /** Explains an error. Notes a missing response, unless the request was cancelled. */
  #failed(request: HttpRequest, error: unknown): NoResponseError | LocalError {
    const failure = noResponse(error);
    const { liveness } = this.connection;
    if (failure instanceof LocalError) liveness?.failedLocally(failure);
    else if (failure instanceof OversizedError) liveness?.oversized(rpcOf(request), failure.message);
    else if (!request.signal?.aborted) liveness?.failed(rpcOf(request), failure.message);
    return failure;
  }

  #maxBytes({ path, body }: HttpRequest): number {
    this.#bytesSent += sizeOf(body);
    if (!/\/Sync(\?|$)/.test(path)) return MAX_RESPONSE_BYTES;
    const { atFirst, forEachByteSent, atMost } = MAX_PAGE_BYTES;
    return Math.min(atFirst + forEachByteSent * this.#bytesSent, atMost);
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
    if ("error" in opened) throw this.#failed(request, opened.error);
    this.connection.liveness?.responded(rpcOf(request));
    return opened.stream;
  }

  /** Rejects with NoResponseError on a timeout, and with the original error if the connection broke. */
  async #open(request: HttpRequest): Promise<HttpStream> {
    await this.#rateLimiter?.acquire();
    this.#throwIfSilent(request);
    const release = await this.connection.connectionLimit?.acquire("stream");
    const controller = new AbortController();
    const cancelTimer = afterRunnableTime(this.#timeoutMs, () => controller.abort(timedOut(this.#timeoutMs)));
    const log = this.onExchange?.begin(request);
    const remove = this.#agents.sharedStreams.tryAdd();
    try {
      const agent = remove === undefined ? this.#agents.furtherStreams : this.#agentFor(request);
      const { statusCode, headers, body } = await agent.request({
        ...this.#optionsOf(request),
        signal: controller.signal,
      });
      body.on("error", () => {}); // The reader of the chunks receives the error.
      body.on("close", () => {
        remove?.();
        release?.();
      });
      const flat = flatten(headers);
      log?.head(statusCode, flat);
      return {
        status: statusCode,
        headers: flat,
        chunks: log === undefined ? body : logged(body, log),
        cancel: () => {
          controller.abort();
          log?.end("the client closed the connection");
        },
      };
    } catch (error) {
      remove?.();
      release?.();
      log?.end(noResponse(error).message);
      throw error;
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
    const { caller } = options;
    const request = this.onExchange && parseRequest(bytes);
    const log = this.onExchange?.begin(
      { ...(request as HttpRequest), endpoint, ...(caller && { caller }) },
      typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes,
    );
    const release = await this.connection.connectionLimit?.acquire();
    try {
      const socket = await openSocket(this.base(endpoint), { ...this.connection, http2: false });
      this.#bytesSent += bytes.length;
      const received = await rawExchange(socket, bytes, options);
      if (received !== "") this.connection.liveness?.responded();
      if (log !== undefined) recordRawResponse(log, received);
      return received;
    } catch (error) {
      const failure = noResponse(error);
      log?.end(failure.message);
      if (!(failure instanceof LocalError)) return "";
      this.connection.liveness?.failedLocally(failure);
      throw failure;
    } finally {
      release?.();
    }
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    const { sharedStreams: _, ...agents } = this.#agents;
    await Promise.all(Object.values(agents).map((agent) => agent.destroy()));
  }

  #agentFor({ method = "POST", headers, body, connection }: HttpRequest): Agent {
    if (connection === "new" || performance.now() - this.#brokenAt < NEW_CONNECTIONS_MS) return this.#agents.single;
    if (connection !== undefined) return this.#agents[connection];
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

/** The chunks of a response, of which a listener is told as they arrive. */
async function* logged(chunks: AsyncIterable<Uint8Array>, log: ExchangeHandle): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of chunks) {
      log.data(chunk);
      yield chunk;
    }
    log.end();
  } catch (error) {
    log.end(noResponse(error).message);
    throw error;
  } finally {
    log.end("the client closed the connection");
  }
}

/** Joins repeated headers and decodes the body. */
function withoutCodings({ status, headers, body }: ReceivedResponse, maxBytes: number): HttpResponse {
  const flat = flatten(headers);
  return { status, headers: flat, body: decoded(flat, body, maxBytes) };
}

function flatten(headers: ReceivedResponse["headers"]): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name] ?? "";
    // White space around a value does not belong to it, but undici leaves it at the end.
    flat[name] = (typeof value === "string" ? value : value.join(", ")).trim();
  }
  return flat;
}

/** Decodes gzip, which a server may use if the request offered it, and which some proxies add. */
function decoded(headers: Record<string, string>, body: Buffer, maxBytes: number): Buffer {
  if (headers["content-encoding"]?.toLowerCase() !== "gzip") return body;
  try {
    return gunzipSync(body, { maxOutputLength: maxBytes });
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? new OversizedError(maxBytes) : error;
  }
}

const sizeOf = (body: HttpRequest["body"]): number =>
  body === undefined || body instanceof Uint8Array ? (body?.length ?? 0) : body.reduce((sum, it) => sum + it.length, 0);

/**
 * The front end and the RPC of a request, whatever its path and query: a silent front end says nothing about another
 * one.
 */
export const rpcOf = ({ endpoint = 0, path }: Pick<HttpRequest, "endpoint" | "path">) =>
  `${endpoint} ${/(\w*)(\?.*)?$/s.exec(path)?.[1] ?? ""}`;
