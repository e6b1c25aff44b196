import type { RequestListener } from "node:http";
import { Dedup } from "../../../reference-server/dedup.js";
import { createHandler, type HandlerOptions } from "../../../reference-server/http/handler.js";
import { type Listening, type ListenOptions, listen } from "../../../reference-server/http/listen.js";
import { type Operations, operations } from "../../../reference-server/http/methods.js";
import { Inbox, type InboxLimits } from "../../../reference-server/inbox.js";
import { Service, type ServiceOptions } from "../../../reference-server/service.js";
import type { RequirementId } from "../../requirements/requirements.js";

/** The constructor of an inbox class, such as a mutant's subclass of `Inbox`. */
export type InboxClass = new (epoch: string, startSeq: number, limits: InboxLimits) => Inbox;

/** Operations that a mutant replaces. Unlike the server's own, they may be asynchronous. */
export type MutantOperations = {
  [K in keyof Operations]?: (
    ...args: Parameters<Operations[K]>
  ) => ReturnType<Operations[K]> | Promise<ReturnType<Operations[K]>>;
};

/** The faulty parts between the network and the state. */
export interface FrontEnd {
  /** Wraps the real operations. Called once for each server, so that it can keep state. */
  operations?: (real: Operations) => MutantOperations;
  /** Wraps the real HTTP handler. Called once for each server, so that it can keep state. */
  handler?: (real: RequestListener, service: Service) => RequestListener;
}

/**
 * What a fault depends on that differs between real clients. Mutants of a kind show only if the suite varies in it.
 * - `forms`: how a request is written.
 * - `contents`: payloads and ids.
 * - `volumes`: the number or size of messages, senders, accounts and so on; these need a thorough run.
 * - `times`: the time that has passed; these need a thorough run.
 * - `mixtures`: what other devices and calls do.
 * - `crashes`: what there was to lose when the server crashed.
 */
export const MUTANT_KINDS = ["forms", "contents", "volumes", "times", "mixtures", "crashes"] as const;
export type MutantKind = (typeof MUTANT_KINDS)[number];

/**
 * A server that is faulty on purpose: the smallest change to the reference server that breaks one requirement. It shows
 * that the conformance suite detects the fault, and how the failure is reported.
 */
export interface Mutant extends FrontEnd {
  /** Name on the command line: lower case, with hyphens. */
  name: string;
  /** Id of the requirement that the mutant breaks. */
  breaks: RequirementId;
  /** What the server does wrong, in one clause that begins with a verb and has no full stop. */
  about: string;
  /** A public thread about a real system with this fault, as owner/repository#number. */
  seenIn?: string;
  /** What the fault depends on. Default: nothing that differs between clients. */
  kind?: MutantKind;
  /** Whether the fault shows only when calls overlap, so that a single run may miss it. */
  race?: true;
  /** Options of the reference server that the mutant overrides. */
  options?: ServiceOptions & HandlerOptions;
  /** The mutant's inbox class. */
  inbox?: InboxClass;
  /** Destroys data during a crash, before the server starts again. Default: nothing is lost. */
  crash?: (data: CrashData) => void;
  /** Fault of a second front end. If set, the server has two front ends with the same state. */
  second?: FrontEnd;
}

/** The data that a crash can destroy. */
export interface CrashData {
  inboxes: Iterable<Inbox>;
  /** Returns an epoch that was never used. */
  newEpoch: () => string;
  /** Deletes all dedup records. */
  deleteDedupRecords: () => void;
}

/** A running mutant. */
export interface MutantServer extends Listening {
  /** One URL for each front end; `url` is the first. */
  readonly urls: readonly string[];
  readonly service: Service;
  /**
   * Simulates a crash: cuts all connections, applies the mutant's `crash`, and resolves when the same URLs are served
   * again.
   */
  restart(): Promise<void>;
}

/** Starts a mutant. Its `implementation` names the mutant. */
export async function startMutant(
  mutant: Omit<Mutant, "breaks">,
  options: ServiceOptions & HandlerOptions & ListenOptions = {},
): Promise<MutantServer> {
  const { inbox: MutantInbox = Inbox } = mutant;
  const inboxes: Inbox[] = [];
  const all: ServiceOptions & HandlerOptions = {
    ...options,
    ...mutant.options,
    implementation: `seqsync mutant ${mutant.name} (faulty on purpose)`,
    newInbox: (epoch, startSeq, limits) => {
      const inbox = new MutantInbox(epoch, startSeq, limits);
      inboxes.push(inbox);
      return inbox;
    },
  };
  const service = new Service(all);
  const serve = (front: FrontEnd, port: ListenOptions) => {
    // The handler awaits the result of an operation, so an asynchronous one works although its type does not allow it.
    const replaced = front.operations?.(operations) as Partial<Operations> | undefined;
    const handler = createHandler(service, { ...all, operations: { ...replaced } });
    return listen(front.handler?.(handler, service) ?? handler, port);
  };
  const start = async (ports: readonly number[]) => {
    const first = await serve(mutant, { ...options, ...(ports[0] === undefined ? {} : { port: ports[0] }) });
    // The requested port is the first front end's; the second takes a free one.
    return mutant.second === undefined
      ? [first]
      : [first, await serve(mutant.second, { ...options, port: ports[1] ?? 0 })];
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
      mutant.crash?.({
        inboxes,
        newEpoch: service.options.newId,
        deleteDedupRecords: () => {
          const { dedupWindowMs, maxDedupRecords } = service.options;
          Object.assign(service, { dedup: new Dedup(dedupWindowMs, maxDedupRecords) });
        },
      });
      fronts = await start(urls.map((url) => Number(new URL(url).port)));
    },
  };
}
