/**
 * The reference server: the specification as a program, in memory. For tests and for reading, not for production.
 *
 * @example
 * ```ts
 * import { startReferenceServer } from "seqsync/reference-server";
 *
 * const server = await startReferenceServer({ fixtures: true });
 * console.log(server.url);
 * await server.close();
 * ```
 * @module
 */
import { createHandler, type HandlerOptions, type LogEntry } from "./http/handler.js";
import { type Listening, type ListenOptions, listen } from "./http/listen.js";
import { type NewAccount, Service, type ServiceOptions } from "./service.js";

export type { HandlerOptions, Listening, ListenOptions, LogEntry, NewAccount, ServiceOptions };
export { createHandler, listen, Service };

/** A reference server in this process. */
export interface ReferenceServer extends Listening {
  /** The state of the server, for example to create accounts. */
  readonly service: Service;
}

/**
 * Starts a reference server in this process, by default on a free port of the loopback interface, and resolves once it
 * accepts connections.
 *
 * @throws Error with the `code` of the system, such as EADDRINUSE, if it cannot bind to the address.
 */
export async function startReferenceServer(
  options: ServiceOptions & HandlerOptions & ListenOptions = {},
): Promise<ReferenceServer> {
  const service = new Service(options);
  return { ...(await listen(createHandler(service, options), options)), service };
}
