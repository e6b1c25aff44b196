import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse, SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { recordRotateEpoch } from "../accounts/rotate-epoch.js";
import type { AccountSource, Lease } from "../accounts/source.js";
import { type Finding, Inconclusive, NoResponseFailure, newFinding, RetriesExhausted, Violation } from "../findings.js";
import { recordPrologue } from "../history/prologue.js";
import { Recorder } from "../history/recorder.js";
import { Judge } from "../judge/judge.js";
import type { RequirementId } from "../requirements/requirements.js";
import { Client, type SendArguments } from "../rpc/client.js";
import { type Codec, describeRefusal } from "../rpc/connect.js";
import type { Refusal } from "../rpc/result.js";
import type { Session } from "../rpc/session.js";
import type { WatchStream } from "../rpc/watch-stream.js";
import type { AbandonedSends } from "./abandoned-sends.js";
import { AttemptClient, type DeviceState } from "./attempts.js";
import type { FaultyNetwork } from "./faulty-network.js";
import { despiteOutage } from "./outage.js";
import { clientOf, groups, type Step } from "./program.js";

export interface Environment {
  /** Makes calls through the faulty network. */
  faulty: Session;
  /** Makes calls to the target directly. */
  direct: Session;
  network: FaultyNetwork;
  source: AccountSource;
  info: GetServerInfoResponse;
  accounts: number;
  devices: number;
  seed: number;
  /** Prefix that makes the ids of this run unique. */
  nonce: string;
  /** The Sends of earlier programs whose outcome is unknown. */
  abandoned: AbandonedSends;
  /** How long to wait for a server that has stopped responding, in milliseconds. */
  recoveryMs: number;
}

export interface Execution {
  findings: Finding[];
  recorder: Recorder;
  /** Number of checks of each requirement that could have found a violation. */
  exercised: ReadonlyMap<RequirementId, number>;
}

let programs = 0;

/**
 * Runs a program on accounts of its own, then fetches all pending messages of each account, and judges the history.
 *
 * @throws Inconclusive if the server has stopped responding and does not come back.
 */
export async function execute(steps: readonly Step[], environment: Environment, wakeMs = WAKE_MS): Promise<Execution> {
  const judge = new Judge();
  const recorder = new Recorder((event) => judge.observe(event));
  const { source, abandoned, direct, info } = environment;
  const leases = await despiteOutage(direct, environment.recoveryMs, () =>
    source.lease({ count: environment.accounts }),
  );
  programs += 1;
  const run = new ProgramRun(environment, recorder, leases, `${environment.nonce}-${programs}`);
  try {
    await run.begin();
    for (const group of groups(steps)) await run.performAll(group);
    await environment.network.settle();
    await run.finish(wakeMs);
    return { findings: [...run.findings, ...judge.finish()], recorder, exercised: judge.exercised };
  } finally {
    run.end();
    if (source.isSingleUse) abandoned.drop(leases);
    else await abandoned.settle(leases, direct, info);
    source.release(leases);
  }
}

/** One execution of a program, with the state of its clients. */
class ProgramRun {
  readonly #environment: Environment;
  readonly #recorder: Recorder;
  readonly #leases: readonly Lease[];
  readonly #nonce: string;
  readonly #client: AttemptClient;
  readonly #devices: DeviceState[][];
  readonly #lastSent: (SendArguments | undefined)[];
  readonly #watches: { account: number; stream: WatchStream }[] = [];
  #ids = 0;

  constructor(environment: Environment, recorder: Recorder, leases: readonly Lease[], nonce: string) {
    this.#environment = environment;
    this.#recorder = recorder;
    this.#leases = leases;
    this.#nonce = nonce;
    this.#client = new AttemptClient(environment.faulty, recorder, environment.abandoned);
    this.#devices = leases.map(() =>
      Array.from({ length: environment.devices }, () => ({ cliSeq: 0, epoch: "", previous: 0 })),
    );
    this.#lastSent = leases.map(() => undefined);
  }

  /** Findings other than those of the judge. */
  get findings(): readonly Finding[] {
    return this.#client.findings;
  }

  /** Records the prologue of the history, and acks all messages of accounts that may have been used before. */
  async begin(): Promise<void> {
    const { info, seed, abandoned } = this.#environment;
    recordPrologue(this.#recorder, { name: this.#nonce, info, seed, accounts: this.#leases });
    abandoned.record(this.#leases, this.#recorder);
    for (const [index, { startSeq }] of this.#leases.entries())
      if (startSeq === undefined) await this.#drain(index, { ackLastPage: true });
  }

  /** Runs the steps of a group concurrently, except those that wait for the last step of their client. */
  async performAll(group: readonly Step[]): Promise<void> {
    const last = new Map<string, Promise<void>>();
    for (const step of group) {
      const client = clientOf(step);
      const before = step.begins === "in-turn" ? last.get(client) : undefined;
      last.set(client, before === undefined ? this.perform(step) : before.then(() => this.perform(step)));
      // A later step of the same client replaces this entry. A second entry with a unique key keeps the promise, so
      // that it is awaited.
      last.set(`${client} ${last.size}`, last.get(client) as Promise<void>);
    }
    await Promise.all(last.values());
  }

  async perform({ operation, fault }: Step): Promise<void> {
    switch (operation.kind) {
      case "send": {
        const sender = this.#lease(operation.from);
        const message = this.#compose(operation);
        return this.#client.send(sender, name(operation.from), message, fault, this.#codec(operation.from));
      }
      case "sync": {
        const device = this.#devices[operation.account]?.[operation.device] as DeviceState;
        const epoch = { own: device.epoch, none: "", wrong: "no-such-epoch" }[operation.epoch];
        const args = { cliSeq: this.#cursor(operation, device), epoch, pageSize: operation.pageSize };
        const page = await this.#client.sync(
          this.#lease(operation.account),
          deviceName(operation.account, operation.device),
          args,
          fault,
          this.#codec(operation.device),
        );
        if (page === undefined || !operation.store) return;
        // A cli_seq of another epoch belongs to another numbering.
        device.previous = page.epoch === device.epoch ? device.cliSeq : 0;
        device.cliSeq = page.nextCliSeq;
        device.epoch = page.epoch;
        return;
      }
      case "watch": {
        const { direct } = this.#environment;
        const stream = new Client(
          direct,
          this.#recorder,
          this.#lease(operation.account),
          `${name(operation.account)}'s watch`,
        ).watch();
        this.#watches.push({ account: operation.account, stream });
        return;
      }
      case "rotate": {
        const { userId } = this.#lease(operation.account);
        const { rotateEpoch } = this.#environment.source;
        // Without a response the outcome is indeterminate, as that of any other call.
        if (rotateEpoch !== undefined)
          await recordRotateEpoch(this.#recorder, rotateEpoch, userId).catch((error: unknown) => {
            if (!(error instanceof Inconclusive)) throw error;
          });
        return;
      }
    }
  }

  /** The Watches and data losses of an account, and its last Sync: they show which frame is missing. */
  #eventsOfWatches(account: number): Event[] {
    const { events } = this.#recorder;
    const userId = this.#leases[account]?.userId;
    const callsOf = (kinds: readonly string[]) =>
      events.filter(
        ({ body }) => kinds.includes(body.case ?? "") && (body.value as { userId?: string }).userId === userId,
      );
    const calls = [...callsOf(["watchCall", "rotateCall"]), ...callsOf(["syncCall"]).slice(-1)];
    const ops = new Set(calls.map(({ op }) => op));
    return events.filter(({ op }) => ops.has(op));
  }

  /**
   * Fetches the pending messages of all accounts, so that the judge finds missing ones, and expects the Watches to be
   * up to date.
   */
  async finish(wakeMs: number): Promise<void> {
    const states = await Promise.all(this.#leases.map((_, index) => this.#drain(index, { ackLastPage: false })));
    await Promise.all(
      this.#watches.map(async ({ account, stream }) => {
        const state = states[account];
        if (state === undefined || stream.end !== undefined) return;
        const woken = await stream.waitForFrame(
          ({ epoch, svrSeq }) => epoch === state.epoch && svrSeq >= state.svrSeq,
          wakeMs,
        );
        if (!woken && stream.end === undefined)
          this.#client.findings.push(missingFrame(state, stream, this.#eventsOfWatches(account)));
      }),
    );
  }

  /** Closes the open Watches. */
  end(): void {
    for (const { stream } of this.#watches) stream.cancel();
  }

  /**
   * Fetches all messages of an account; each page but the last is acked by the next Sync. Returns the last page;
   * undefined if the server does not return it.
   */
  async #drain(index: number, { ackLastPage }: { ackLastPage: boolean }): Promise<SyncResponse | undefined> {
    const client = new Client(
      this.#environment.direct,
      this.#recorder,
      this.#lease(index),
      `${name(index)}'s last device`,
    );
    for (let cliSeq = 0, pages = 1; ; pages += 1) {
      const { direct, recoveryMs } = this.#environment;
      const sync = () => client.sync({ cliSeq, epoch: "", pageSize: 0 });
      const result = await despiteOutage(direct, recoveryMs, sync).catch((error: unknown) => {
        if (error instanceof Violation) this.#client.findings.push(error.finding);
        else if (error instanceof NoResponseFailure) this.#client.findings.push(withoutResponse(error));
        // A server that only asks to retry shows nothing.
        else if (!(error instanceof RetriesExhausted)) throw error;
        return undefined;
      });
      if (result?.kind === "refusal") this.#client.findings.push(refusedSync(result.refusal));
      if (result?.kind !== "response") return undefined;
      const { nextCliSeq, svrSeq, messages } = result.value;
      // A server may invent messages without end, which the judge reports.
      if (messages.length === 0 || nextCliSeq <= cliSeq || pages >= MAX_PAGES) return result.value;
      if (nextCliSeq >= svrSeq && !ackLastPage) return result.value;
      cliSeq = nextCliSeq;
    }
  }

  #compose({ from, to, id, size }: Extract<Step["operation"], { kind: "send" }>): SendArguments {
    const last = this.#lastSent[from];
    if (id === "repeat" && last !== undefined) return last;
    this.#ids += 1;
    const newId = `${this.#nonce}-${this.#ids}`;
    const others = this.#lastSent[(from + 1) % this.#leases.length];
    if (id === "others" && others !== undefined) return others;
    const message: SendArguments = {
      recipientId: this.#lease(to).userId,
      clientMessageId: id === "reuse" && last !== undefined ? last.clientMessageId : newId,
      // Payloads differ, if their size permits.
      payload: Buffer.alloc(size, newId),
    };
    this.#lastSent[from] = message;
    return message;
  }

  #cursor({ account, device, cursor }: Extract<Step["operation"], { kind: "sync" }>, state: DeviceState): number {
    switch (cursor) {
      case "own":
        return state.cliSeq;
      case "stale":
        return state.previous;
      case "zero":
        return 0;
      case "ahead":
        return Math.min(state.cliSeq + 1000, 0xffff_ffff);
      case "other":
        return this.#devices[account]?.[(device + 1) % this.#environment.devices]?.cliSeq ?? 0;
    }
  }

  /** Every second client uses JSON if the server declares it: all guarantees hold across codecs. */
  #codec(index: number): Codec {
    return index % 2 === 1 && this.#environment.info.profiles.includes(Profile.JSON) ? "json" : "proto";
  }

  #lease(index: number): Lease {
    return this.#leases[index] as Lease;
  }
}

/**
 * The device of `#drain` begins with cli_seq 0 and no epoch, and then uses next_cli_seq: no server may refuse its
 * Syncs.
 */
const refusedSync = (refusal: Refusal): Finding =>
  newFinding({
    requirement: "SYNC-ANSWER",
    message: "a device that begins with cli_seq 0 and follows next_cli_seq was refused",
    expected: "a response",
    actual: describeRefusal(refusal),
  });

const withoutResponse = ({ requirement, message }: NoResponseFailure): Finding =>
  newFinding({ requirement, message, expected: "a response", actual: "no response, although the server is up" });

/** Maximum number of pages of an inbox that are fetched: many more than the messages of a program. */
const MAX_PAGES = 300;

/** Time limit for a frame about a new message, in milliseconds (WATCH-WAKE). */
const WAKE_MS = 5000;

function missingFrame({ svrSeq, epoch }: SyncResponse, { frames }: WatchStream, evidence: readonly Event[]): Finding {
  const last = frames.at(-1);
  const isNewEpoch = last !== undefined && last.epoch !== epoch;
  return newFinding(
    {
      requirement: "WATCH-WAKE",
      message: isNewEpoch
        ? "an open Watch got no frame with the new epoch of its inbox"
        : "an open Watch got no frame about accepted messages",
      expected: `a frame with epoch "${epoch}" and svr_seq ${svrSeq}, within ${WAKE_MS / 1000} s`,
      actual: last === undefined ? "no frame" : `last frame: epoch "${last.epoch}" and svr_seq ${last.svrSeq}`,
    },
    evidence,
  );
}

const NAMES = ["bob", "alice", "carol", "dave"];
const DEVICES = ["phone", "tablet", "laptop", "watch"];
const name = (index: number) => NAMES[index] ?? `user${index}`;
const deviceName = (account: number, device: number) => `${name(account)}'s ${DEVICES[device] ?? `device ${device}`}`;
