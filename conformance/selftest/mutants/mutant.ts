import type { RequestListener } from "node:http";
import { Dedup } from "../../../reference-server/dedup.js";
import { createHandler, type HandlerOptions } from "../../../reference-server/http/handler.js";
import { type Listening, type ListenOptions, listen } from "../../../reference-server/http/listen.js";
import { type Operations, operations } from "../../../reference-server/http/methods.js";
import { Inbox, type InboxLimits } from "../../../reference-server/inbox.js";
import { Service, type ServiceOptions } from "../../../reference-server/service.js";
import type { RequirementId } from "../../requirements/requirements.js";

/** A class of inboxes, as a fault replaces it. */
export type InboxClass = new (epoch: string, startSeq: number, limits: InboxLimits) => Inbox;

/** Operations as a fault may have them: they may also wait, which no right one does. */
export type MutantOperations = {
  [K in keyof Operations]?: (
    ...args: Parameters<Operations[K]>
  ) => ReturnType<Operations[K]> | Promise<ReturnType<Operations[K]>>;
};

/** What stands between the network and the state. */
export interface FrontEnd {
  /** Other operations, built around the right ones. Called once for each server, so that it can keep state. */
  operations?: (real: Operations) => MutantOperations;
  /** Another transport, built around the right one. Called once for each server, too. */
  handler?: (real: RequestListener, service: Service) => RequestListener;
}

/**
 * A server that breaks one requirement: the smallest change to the reference server that does, composed around its seams. Exists
 * to show that the conformance suite catches it, and what a failure looks like.
 */
export interface Mutant extends FrontEnd {
  /** Its name on the command line: lower case, with hyphens. */
  name: string;
  /** Id of the requirement that it breaks. */
  breaks: RequirementId;
  /** What it does wrong, in a line. */
  about: string;
  /** A public thread in which a real system did this. */
  seenIn?: string;
  /** Shows only when calls overlap: a run may have to try more than once. */
  race?: true;
  /** Other settings. */
  options?: ServiceOptions & HandlerOptions;
  /** Other inboxes. */
  inbox?: InboxClass;
  /** What a crash does to what was kept, before the server is there again. Default: nothing is lost. */
  crash?: (kept: Kept) => void;
  /** The server has two front ends with one state behind them, and this is what is wrong with the second. */
  second?: FrontEnd;
}

/** What there is to lose in a crash. */
export interface Kept {
  inboxes: Iterable<Inbox>;
  /** An epoch that there never was. */
  newEpoch: () => string;
  /** Loses all dedup records. */
  forgetSends: () => void;
}

/** A server that is wrong on purpose. */
export interface MutantServer extends Listening {
  /** One for each front end; `url` is the first. */
  readonly urls: readonly string[];
  readonly service: Service;
  /** Crashes: cuts all connections, loses what the fault loses, and resolves once it is there again, at the same URLs. */
  restart(): Promise<void>;
}

/** Starts a server with a fault; its `implementation` says so. */
export async function startMutant(
  fault: Omit<Mutant, "breaks">,
  options: ServiceOptions & HandlerOptions & ListenOptions = {},
): Promise<MutantServer> {
  const { inbox: FaultyInbox = Inbox } = fault;
  const inboxes: Inbox[] = [];
  const all: ServiceOptions & HandlerOptions = {
    ...options,
    ...fault.options,
    implementation: `seqsync reference server, BROKEN on purpose: ${fault.name}`,
    newInbox: (epoch, startSeq, limits) => {
      const inbox = new FaultyInbox(epoch, startSeq, limits);
      inboxes.push(inbox);
      return inbox;
    },
  };
  const service = new Service(all);
  const serve = (front: FrontEnd, port: ListenOptions) => {
    // The handler waits for whatever an operation answers, so one that answers later is no other type to it.
    const faulty = front.operations?.(operations) as Partial<Operations> | undefined;
    const handler = createHandler(service, { ...all, operations: { ...faulty } });
    return listen(front.handler?.(handler, service) ?? handler, port);
  };
  const start = async (ports: readonly number[]) => {
    const first = await serve(fault, { ...options, ...(ports[0] === undefined ? {} : { port: ports[0] }) });
    // The second one takes a port of its own, whatever was asked for the first.
    return fault.second === undefined
      ? [first]
      : [first, await serve(fault.second, { ...options, port: ports[1] ?? 0 })];
  };
  let fronts = await start([]);
  const urls = fronts.map(({ url }) => url);
  const close = async (graceMs?: number) => {
    await Promise.all(fronts.map((front) => front.close(graceMs)));
  };
  return {
    url: urls[0] as string,
    urls,
    service,
    close,
    restart: async () => {
      await close(0);
      fault.crash?.({
        inboxes,
        newEpoch: service.options.newId,
        forgetSends: () => {
          const { dedupWindowMs, maxDedupRecords } = service.options;
          Object.assign(service, { dedup: new Dedup(dedupWindowMs, maxDedupRecords) });
        },
      });
      fronts = await start(urls.map((url) => Number(new URL(url).port)));
    },
  };
}
