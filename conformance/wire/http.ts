import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { Agent, type Dispatcher } from "undici";

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
}

export interface TransportOptions {
  /** Base URLs of the target: http or https, with or without a path. */
  urls: readonly string[];
  /** How long an answer may take, in milliseconds. Default 10,000. */
  timeoutMs?: number;
  /** How long a connection may take to be made, in milliseconds. Default 4,000. */
  connectTimeoutMs?: number;
  /** Sent with each request. */
  headers?: Readonly<Record<string, string>>;
  /** Most connections to one URL. Default 128: as many as are wanted, up to a bound that servers can bear. */
  connections?: number;
}

/** The largest answer that is read, in bytes: a server that never stops must not fill the memory. */
const MAX_ANSWER_BYTES = 256 << 20;

/** Sends requests as they are given, right or wrong, over kept-alive connections. Knows nothing of the protocol. */
export class Transport {
  readonly urls: readonly string[];
  /** Sent with each request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly #bases: readonly URL[];
  readonly #timeoutMs: number;
  readonly #agent: Agent;

  constructor({
    urls,
    timeoutMs = 10_000,
    connectTimeoutMs = 4000,
    headers = {},
    connections = 128,
  }: TransportOptions) {
    this.urls = urls;
    this.#bases = urls.map((url) => new URL(url));
    this.#timeoutMs = timeoutMs;
    this.headers = headers;
    // One request at a time on a connection.
    this.#agent = new Agent({ connections, pipelining: 1, connect: { timeout: connectTimeoutMs } });
  }

  /** The base URL that a request goes to, for those who speak to it in another way. */
  base(endpoint = 0): URL {
    return this.#bases[endpoint % this.#bases.length] as URL;
  }

  /** Sends a request and reads the whole answer. Rejects with LostAnswer if none comes. */
  async request(request: HttpRequest): Promise<HttpAnswer> {
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const signal = request.signal === undefined ? timeout : AbortSignal.any([timeout, request.signal]);
    try {
      const { statusCode, headers, body } = await this.#dispatch(request, signal);
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) throw new LostAnswer(`the answer did not end within ${MAX_ANSWER_BYTES} bytes`);
        chunks.push(chunk);
      }
      const flat = flatten(headers);
      return { status: statusCode, headers: flat, body: decoded(flat, Buffer.concat(chunks, size)) };
    } catch (error) {
      throw timeout.aborted ? new LostAnswer(`no answer within ${this.#timeoutMs} ms`) : lost(error);
    }
  }

  /** Sends a request and resolves with the head of the answer; its body is read as it comes, without a time limit. */
  async stream(request: HttpRequest): Promise<HttpStream> {
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

  /** Closes all connections. */
  close(): Promise<void> {
    return this.#agent.destroy();
  }

  #dispatch(
    { endpoint, method = "POST", path, headers = {}, body }: HttpRequest,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const base = this.base(endpoint);
    const pairs = Array.isArray(headers) ? (headers as [string, string][]) : Object.entries(headers);
    return this.#agent.request({
      origin: base.origin,
      path: base.pathname.replace(/\/$/, "") + path,
      method,
      headers: [...Object.entries(this.headers), ...pairs].flat(),
      body: body === undefined ? null : body instanceof Uint8Array ? body : Readable.from(body),
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }
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
  const { code, message } = error as NodeJS.ErrnoException;
  return new LostAnswer(code === undefined || message.includes(code) ? message : `${message} (${code})`, {
    cause: error,
  });
}
