import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { Agent, type Dispatcher } from "undici";
import { afterRunnableTime } from "./deadline.js";
import { NoResponseError, noResponse } from "./errors.js";
import { type Answer, exchange } from "./exchange.js";
import { type ExchangeListener, recordRawExchange } from "./exchange-log.js";
import type { HttpRequest, HttpResponse, HttpStream } from "./messages.js";
import { type RateLimiter, rateLimiterOf } from "./rate-limit.js";
import { type RawOptions, rawExchange } from "./raw.js";
import { openSocket, type SocketOptions } from "./socket.js";

/** How the target is reached. */
export interface ConnectionOptions extends SocketOptions {
  /** Sent with each request. Not recorded. */
  headers?: Readonly<Record<string, string>>;
  /** Most requests per second, for targets that bear no more; more than 0. Or a pace to share. Default: no limit. */
  maxRequestsPerSecond?: number | RateLimiter;
}

export interface TransportOptions extends ConnectionOptions {
  /** Base URLs of the target: http or https, with or without a path. */
  urls: readonly string[];
  /** How long an answer may take, in milliseconds. Default 10,000. */
  timeoutMs?: number;
  /** Most connections to one URL. Default 128: as many as are wanted, up to a bound that servers can bear. */
  connections?: number;
}

/** Connections to the target that are kept alive, one request at a time on each. */
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

/** How long to wait before a stream is opened again, in milliseconds; as often as there are numbers. */
const REOPEN_MS = [20, 100, 400];

/** The largest answer that is read, in bytes, before and after its content coding. */
const MAX_ANSWER_BYTES = 256 << 20;

/** Sends requests as they are given, right or wrong, over kept-alive connections. Knows nothing of the protocol. */
export class Transport {
  readonly urls: readonly string[];
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
  /** How connections are made, for others that are to be made in the same way. The pace is shared. */
  readonly connection: ConnectionOptions;
  /** Is told of each exchange, with its answer or why there was none. */
  readonly onExchange: ExchangeListener | undefined;
  readonly #bases: readonly URL[];
  readonly #timeoutMs: number;
  readonly #agents: Agents;
  readonly #headers: readonly string[];
  readonly #pace: RateLimiter | undefined;

  constructor(
    options: TransportOptions,
    { agents, hear }: { agents?: Agents; hear?: ExchangeListener | undefined } = {},
  ) {
    const { urls, timeoutMs = 10_000, connections = 128, ...connection } = options;
    this.urls = urls;
    this.#bases = urls.map((url) => new URL(url));
    this.#timeoutMs = timeoutMs;
    const { headers = {}, maxRequestsPerSecond: rate } = connection;
    this.headers = headers;
    this.#headers = Object.entries(headers).flat();
    this.#pace = rateLimiterOf(rate);
    this.connection = { ...connection, ...(this.#pace === undefined ? {} : { maxRequestsPerSecond: this.#pace }) };
    this.#agents = agents ?? agentsFor(connection, connections, this.#bases);
    this.onExchange = hear;
  }

  /** The same connections, for somebody who wants to be told of what goes over them on his behalf. Closing it closes them for all. */
  withExchangeListener(hear: ExchangeListener | undefined): Transport {
    const { urls, connection } = this;
    return new Transport({ urls, timeoutMs: this.#timeoutMs, ...connection }, { agents: this.#agents, hear });
  }

  /** The base URL that a request goes to, for those who speak to it in another way. */
  base(endpoint = 0): URL {
    return this.#bases[endpoint % this.#bases.length] as URL;
  }

  /** Sends a request and reads the whole answer. Rejects with LostAnswer if none comes. */
  async request(request: HttpRequest): Promise<HttpResponse> {
    if (this.#pace !== undefined) await this.#pace.acquire();
    try {
      const limits = { timeoutMs: this.#timeoutMs, maxBytes: MAX_ANSWER_BYTES, signal: request.signal };
      const answer = plain(await exchange(this.#agentFor(request), this.#optionsOf(request), limits));
      this.onExchange?.({ request, answer });
      return answer;
    } catch (error) {
      const why = noResponse(error);
      this.onExchange?.({ request, answer: { noResponse: why.message } });
      throw why;
    }
  }

  /**
   * Sends a request and resolves with the head of the answer; its body is read as it comes, without a time limit. For requests that
   * change nothing: if the connection breaks before there is an answer, it sends them again. That happens to right servers too,
   * which close an idle connection the moment that the next request goes out on it.
   */
  async stream(request: HttpRequest): Promise<HttpStream> {
    for (const wait of REOPEN_MS) {
      try {
        return await this.#open(request);
      } catch (error) {
        if (error instanceof NoResponseError) throw error;
        await pause(wait);
      }
    }
    return this.#open(request).catch((error) => {
      throw noResponse(error);
    });
  }

  /** Rejects with LostAnswer if the time is up, and with whatever it was if the connection broke. */
  async #open(request: HttpRequest): Promise<HttpStream> {
    await this.#pace?.acquire();
    const stop = new AbortController();
    const late = () => stop.abort(new NoResponseError(`no answer within ${this.#timeoutMs} ms`));
    const callOff = afterRunnableTime(this.#timeoutMs, late);
    try {
      const { statusCode, headers, body } = await this.#agentFor(request).request({
        ...this.#optionsOf(request),
        signal: stop.signal,
      });
      body.on("error", () => {}); // told to whoever iterates
      return { status: statusCode, headers: flatten(headers), chunks: body, cancel: () => stop.abort() };
    } finally {
      callOff();
    }
  }

  /** Writes bytes as they are, over a connection of their own. Resolves with what came back; with an empty string if nothing did. */
  async raw(endpoint: number, bytes: Uint8Array | string, options: RawOptions = {}): Promise<string> {
    await this.#pace?.acquire();
    try {
      const socket = await openSocket(this.base(endpoint), { ...this.connection, http2: false });
      const answer = await rawExchange(socket, bytes, options);
      if (this.onExchange !== undefined) recordRawExchange(this.onExchange, bytes, answer);
      return answer;
    } catch {
      return "";
    }
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await Promise.all([this.#agents.usual.destroy(), this.#agents.plain.destroy()]);
  }

  #agentFor({ method = "POST", headers, body }: HttpRequest): Agent {
    const isUsual = method === "POST" && !Array.isArray(headers) && (body === undefined || body instanceof Uint8Array);
    return isUsual ? this.#agents.usual : this.#agents.plain;
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

/** Connections to all endpoints. */
interface Agents {
  usual: Agent;
  /** For requests that are odd, which undici carries over HTTP/1.1 only. The same one where there is no HTTP/2. */
  plain: Agent;
}

function agentsFor(connection: SocketOptions, connections: number, bases: readonly URL[]): Agents {
  const usual = agentFor(connection, connections);
  const mayUpgrade = (connection.http2 ?? true) && bases.some(({ protocol }) => protocol === "https:");
  return { usual, plain: mayUpgrade ? agentFor({ ...connection, http2: false }, connections) : usual };
}

/** Without what a transfer adds: each header once, and the body as it was before its content coding. */
function plain({ status, headers, body }: Answer): HttpResponse {
  const flat = flatten(headers);
  return { status, headers: flat, body: decoded(flat, body) };
}

function flatten(headers: Answer["headers"]): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name] ?? "";
    flat[name] = typeof value === "string" ? value : value.join(", ");
  }
  return flat;
}

/** Undoes gzip, which a server may use if it was offered, and which proxies sometimes add. */
function decoded(headers: Record<string, string>, body: Buffer): Buffer {
  if (headers["content-encoding"] !== "gzip") return body;
  return gunzipSync(body, { maxOutputLength: MAX_ANSWER_BYTES });
}
