import type { Dispatcher } from "undici";

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

export interface HttpResponse {
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
