import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { Agent, type Dispatcher } from "undici";
import { explain } from "./explain.js";
import { type Pace, paceOf } from "./pace.js";
import { type RawOptions, rawExchange } from "./raw.js";
import { openSocket, type SocketOptions } from "./socket.js";
import { tapped, tappedRaw } from "./tap.js";

/** What is sent to the target. Paths are below the base URL. */
export interface HttpRequest {
  /** Which of the target's URLs. Default 0. */
  endpoint?: number;
  /** Default POST. */
  method?: Dispatcher.HttpMethod;
  path: string;
  /** A list of pairs may hold one name twice. */
  headers?: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  /** A list of chunks is sent with chunked transfer coding. */
  body?: Uint8Array | readonly Uint8Array[];
  /** Gives up the request, as a client that goes away does. */
  signal?: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** Without its transfer and content codings. */
  body: Uint8Array;
}

/** A body that is read as it comes. */
export interface HttpStream {
  status: number;
  headers: Readonly<Record<string, string>>;
  chunks: AsyncIterable<Uint8Array>;
  /** Gives up reading and closes the connection. */
  cancel(): void;
}

/** No whole answer came: whether the request had its effect, nobody knows. */
export class LostAnswer extends Error {
  override readonly name = "LostAnswer";
  /** What to look into, if that can be told. */
  readonly hint: string | undefined;

  constructor(message: string, { hint, cause }: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause });
    this.hint = hint;
  }
}

/** How the target is reached. */
export interface ConnectionOptions extends SocketOptions {
  /** Sent with each request. Not recorded. */
  headers?: Readonly<Record<string, string>>;
  /** Most requests per second, for targets that bear no more; more than 0. Or a pace to share. Default: no limit. */
  maxRequestsPerSecond?: number | Pace;
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

/** The largest answer that is read, in bytes: a server that never stops must not fill the memory. */
const MAX_ANSWER_BYTES = 256 << 20;

/** Sends requests as they are given, right or wrong, over kept-alive connections. Knows nothing of the protocol. */
export class Transport {
  readonly urls: readonly string[];
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
  /** How connections are made, for others that are to be made in the same way. The pace is shared. */
  readonly connection: ConnectionOptions;
  readonly #bases: readonly URL[];
  readonly #timeoutMs: number;
  readonly #agent: Agent;
  /** For requests that are odd, which undici carries over HTTP/1.1 only. The same one where there is no HTTP/2. */
  readonly #plain: Agent;
  readonly #pace: Pace | undefined;

  constructor({ urls, timeoutMs = 10_000, connections = 128, ...connection }: TransportOptions) {
    this.urls = urls;
    this.#bases = urls.map((url) => new URL(url));
    this.#timeoutMs = timeoutMs;
    const { headers = {}, maxRequestsPerSecond: rate } = connection;
    this.headers = headers;
    this.#pace = paceOf(rate);
    this.connection = { ...connection, ...(this.#pace === undefined ? {} : { maxRequestsPerSecond: this.#pace }) };
    this.#agent = agentFor(connection, connections);
    const mayUpgrade = (connection.http2 ?? true) && this.#bases.some(({ protocol }) => protocol === "https:");
    this.#plain = mayUpgrade ? agentFor({ ...connection, http2: false }, connections) : this.#agent;
  }

  /** The base URL that a request goes to, for those who speak to it in another way. */
  base(endpoint = 0): URL {
    return this.#bases[endpoint % this.#bases.length] as URL;
  }

  /** Sends a request and reads the whole answer. Rejects with LostAnswer if none comes. */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    await this.#pace?.turn();
    const stop = new AbortController();
    const timer = setTimeout(
      () => stop.abort(new LostAnswer(`no answer within ${this.#timeoutMs} ms`)),
      this.#timeoutMs,
    );
    const { signal } = request;
    const cancel = () => stop.abort(signal?.reason);
    signal?.addEventListener("abort", cancel, { once: true });
    if (signal?.aborted) cancel();
    try {
      const { statusCode, headers, body } = await this.#dispatch(request, stop.signal);
      const flat = flatten(headers);
      const answer = { status: statusCode, headers: flat, body: decoded(flat, await readAll(body)) };
      tapped(request, answer);
      return answer;
    } catch (error) {
      const why = lost(stop.signal.reason instanceof LostAnswer ? stop.signal.reason : error);
      tapped(request, { lost: why.message });
      throw why;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", cancel);
    }
  }

  /** Sends a request and resolves with the head of the answer; its body is read as it comes, without a time limit. */
  async stream(request: HttpRequest): Promise<HttpStream> {
    await this.#pace?.turn();
    const stop = new AbortController();
    const timer = setTimeout(
      () => stop.abort(new LostAnswer(`no answer within ${this.#timeoutMs} ms`)),
      this.#timeoutMs,
    );
    try {
      const { statusCode, headers, body } = await this.#dispatch(request, stop.signal);
      body.on("error", () => {}); // told to whoever iterates
      return { status: statusCode, headers: flatten(headers), chunks: body, cancel: () => stop.abort() };
    } catch (error) {
      throw lost(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Writes bytes as they are, over a connection of their own. Resolves with what came back; with an empty string if nothing did. */
  async raw(endpoint: number, bytes: Uint8Array | string, options: RawOptions = {}): Promise<string> {
    await this.#pace?.turn();
    try {
      const socket = await openSocket(this.base(endpoint), { ...this.connection, http2: false });
      const answer = await rawExchange(socket, bytes, options);
      tappedRaw(bytes, answer);
      return answer;
    } catch {
      return "";
    }
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#plain.destroy()]);
  }

  #dispatch(
    { endpoint, method = "POST", path, headers = {}, body }: HttpRequest,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const base = this.base(endpoint);
    const ordinary = method === "POST" && !Array.isArray(headers) && (body === undefined || body instanceof Uint8Array);
    const pairs = Array.isArray(headers) ? (headers as [string, string][]) : Object.entries(headers);
    const answering = (ordinary ? this.#agent : this.#plain).request({
      origin: base.origin,
      path: base.pathname.replace(/\/$/, "") + path,
      method,
      headers: [...Object.entries(this.headers), ...pairs].flat(),
      body: body === undefined ? null : body instanceof Uint8Array ? body : Readable.from(body),
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    // Whatever becomes of it: the time limit holds.
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      answering.then(resolve, reject);
    });
  }
}

/** A body to its end. By events: an iterator over it, and composed signals, would be a third of the time of a request. */
function readAll(body: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let size = 0;
    body.on("data", (chunk: Uint8Array) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > MAX_ANSWER_BYTES)
        body.destroy(new LostAnswer(`the answer did not end within ${MAX_ANSWER_BYTES} bytes`));
    });
    body.on("end", () => resolve(Buffer.concat(chunks, size)));
    body.on("error", reject);
  });
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value ?? []].flat().join(", ")]));
}

/** Undoes gzip, which a server may use if it was offered, and which proxies sometimes add. */
function decoded(headers: Record<string, string>, body: Buffer): Buffer {
  if (headers["content-encoding"] !== "gzip") return body;
  return gunzipSync(body, { maxOutputLength: MAX_ANSWER_BYTES });
}

function lost(error: unknown): LostAnswer {
  if (error instanceof LostAnswer) return error;
  const { why, hint } = explain(error);
  return new LostAnswer(why, { cause: error, ...(hint === undefined ? {} : { hint }) });
}
