import type { RequestListener } from "node:http";
import { createHandler, type HandlerOptions } from "../http/handler.js";
import { type Listening, type ListenOptions, listen } from "../http/listen.js";
import { type Operations, operations } from "../http/methods.js";
import type { Inbox, InboxLimits } from "../inbox.js";
import { Service, type ServiceOptions } from "../service.js";

/** A class of inboxes, as a fault replaces it. */
export type InboxClass = new (epoch: string, startSeq: number, limits: InboxLimits) => Inbox;

/** Operations as a fault may have them: they may also wait, which no right one does. */
export type FaultyOperations = {
  [K in keyof Operations]?: (
    ...args: Parameters<Operations[K]>
  ) => ReturnType<Operations[K]> | Promise<ReturnType<Operations[K]>>;
};

/** What stands between the network and the state. */
export interface FrontEnd {
  /** Other operations, built around the right ones. Called once for each server, so that it can keep state. */
  operations?: (real: Operations) => FaultyOperations;
  /** Another transport, built around the right one. Called once for each server, too. */
  handler?: (real: RequestListener, service: Service) => RequestListener;
}

/**
 * A server that breaks one requirement: the smallest change to the reference server that does, composed around its seams. Exists
 * to show that the conformance suite catches it, and what a failure looks like.
 */
export interface Fault extends FrontEnd {
  /** Its name on the command line: lower case, with hyphens. */
  name: string;
  /** Id of the requirement that it breaks. */
  breaks: string;
  /** What it does wrong, in a line. */
  about: string;
  /** A public thread in which a real system did this. */
  wild?: string;
  /** Shows only when calls overlap: a run may have to try more than once. */
  race?: true;
  /** Other settings. */
  options?: ServiceOptions & HandlerOptions;
  /** Other inboxes. */
  inbox?: InboxClass;
  /** The server has two front ends with one state behind them, and this is what is wrong with the second. */
  second?: FrontEnd;
}

/** A server that is wrong on purpose. */
export interface FaultyServer extends Listening {
  /** One for each front end; `url` is the first. */
  readonly urls: readonly string[];
  readonly service: Service;
}

/** Starts a server with a fault; its `implementation` says so. */
export async function startFaultyServer(
  fault: Fault,
  options: ServiceOptions & HandlerOptions & ListenOptions = {},
): Promise<FaultyServer> {
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
  const serve = (front: FrontEnd, port: ListenOptions) => {
    // The handler waits for whatever an operation answers, so one that answers later is no other type to it.
    const faulty = front.operations?.(operations) as Partial<Operations> | undefined;
    const handler = createHandler(service, { ...all, operations: { ...faulty } });
    return listen(front.handler?.(handler, service) ?? handler, port);
  };
  const fronts = [await serve(fault, options)];
  // The second one takes a port of its own, whatever was asked for the first.
  if (fault.second !== undefined) fronts.push(await serve(fault.second, { ...options, port: 0 }));
  const [{ url }] = fronts as [Listening];
  return {
    url,
    urls: fronts.map((front) => front.url),
    service,
    close: async (graceMs) => {
      await Promise.all(fronts.map((front) => front.close(graceMs)));
    },
  };
}
