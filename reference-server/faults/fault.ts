import type { RequestListener } from "node:http";
import { createHandler, type HandlerOptions } from "../http/handler.js";
import { type Listening, type ListenOptions, listen } from "../http/listen.js";
import { type Operations, operations } from "../http/methods.js";
import type { Inbox, InboxLimits } from "../inbox.js";
import { Service, type ServiceOptions } from "../service.js";

/** A class of inboxes, as a fault replaces it. */
export type InboxClass = new (epoch: string, startSeq: number, limits: InboxLimits) => Inbox;

/**
 * A server that breaks one requirement: the smallest change to the reference server that does, composed around its seams. Exists
 * to show that the conformance suite catches it, and what a failure looks like.
 */
export interface Fault {
  /** Its name on the command line: lower case, with hyphens. */
  name: string;
  /** Id of the requirement that it breaks. */
  breaks: string;
  /** What it does wrong, in a line. */
  about: string;
  /** A public thread in which a real system did this. */
  wild?: string;
  /** Other settings. */
  options?: ServiceOptions & HandlerOptions;
  /** Other inboxes. */
  inbox?: InboxClass;
  /** Other operations, built around the right ones. Called once for each server, so that it can keep state. */
  operations?: (real: Operations) => Partial<Operations>;
  /** Another transport, built around the right one. */
  handler?: (real: RequestListener, service: Service) => RequestListener;
}

/** Starts a server with a fault; its `implementation` says so. */
export async function startFaultyServer(
  fault: Fault,
  options: ServiceOptions & HandlerOptions & ListenOptions = {},
): Promise<Listening & { service: Service }> {
  const { inbox: FaultyInbox } = fault;
  const all: ServiceOptions & HandlerOptions = {
    ...options,
    ...fault.options,
    implementation: `seqsync reference server, BROKEN on purpose: ${fault.name}`,
    ...(FaultyInbox === undefined
      ? {}
      : { newInbox: (epoch, startSeq, limits) => new FaultyInbox(epoch, startSeq, limits) }),
  };
  const service = new Service(all);
  const handler = createHandler(service, { ...all, operations: { ...fault.operations?.(operations) } });
  return { ...(await listen(fault.handler?.(handler, service) ?? handler, options)), service };
}
