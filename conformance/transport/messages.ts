import type { Dispatcher } from "undici";

/** The client that makes a request, for records. */
export interface Caller {
  /** Name of the client, such as "bob's phone". */
  client: string;
  /** The operation of the history; 0 if the history has no event for the request. */
  op: bigint;
}

/**
 * A kind of connection: a new one, a kept one of HTTP/1.1, or a kept one of HTTP/1.1 that sends each request in several
 * packets, or Content-Length before all other headers.
 */
export type ConnectionKind = "new" | "http1" | "packets" | "lengthFirst";

/** A request to the target. */
export interface HttpRequest {
  /** Index of the URL of the target. Default 0. */
  endpoint?: number;
  /** Default POST. */
  method?: Dispatcher.HttpMethod;
  /** Path below the base URL. */
  path: string;
  /** Headers; a list of pairs can contain a name twice. */
  headers?: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  /** Body; a list of chunks is sent with chunked transfer coding. */
  body?: Uint8Array | readonly Uint8Array[];
  /** Kind of connection. Default: a kept one, of the newest version of HTTP that both sides have. */
  connection?: ConnectionKind | undefined;
  /** Cancels the request and closes its connection. */
  signal?: AbortSignal;
  /** Who makes the request, for records. */
  caller?: Caller;
}

export interface HttpResponse {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** Body without transfer and content codings. */
  body: Uint8Array;
  /** Number of the exchange, if there is a listener for exchanges. */
  exchange?: number | undefined;
}

/** A response whose body is read as it arrives. */
export interface HttpStream {
  status: number;
  headers: Readonly<Record<string, string>>;
  chunks: AsyncIterable<Uint8Array>;
  /** Stops reading and closes the connection. */
  cancel(): void;
}

/**
 * Whether the end of a body does not show that it is complete: without a length and without chunks it ends with the
 * connection, which a proxy may have closed.
 */
export const mayBeTruncated = ({ "content-length": length, "transfer-encoding": coding }: HttpResponse["headers"]) =>
  length === undefined && coding === undefined;
