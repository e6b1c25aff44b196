import { create } from "@bufbuild/protobuf";
import { HeaderSchema } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse, SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { recordRotateEpoch } from "../accounts/rotate-epoch.js";
import type { AccountSource, Lease } from "../accounts/source.js";
import { type Finding, NoResponseFailure, Violation } from "../findings.js";
import { Recorder } from "../history/recorder.js";
import { Judge } from "../judge/judge.js";
import type { RequirementId } from "../requirements/requirements.js";
import { AttemptClient, type DeviceState, type Message } from "../rpc/attempts.js";
import { Client, type Watching } from "../rpc/client.js";
import { type Codec, describeRefusal, type Refusal } from "../rpc/connect.js";
import type { Session } from "../rpc/session.js";
import { HISTORY_FORMAT } from "../version.js";
import type { FaultyNetwork } from "./faulty-network.js";
import { clientOf, groups, type Step } from "./program.js";

export interface Environment {
  /** Calls the target through the network. */
  faulty: Session;
  /** Calls the target itself. */
  direct: Session;
  network: FaultyNetwork;
  source: AccountSource;
  info: GetServerInfoResponse;
  accounts: number;
  devices: number;
  seed: number;
  /** Makes ids of this run unique. */
  nonce: string;
}

export interface Execution {
  findings: Finding[];
  recorder: Recorder;
  /** How often each rule of the judge could have been broken. */
  applied: ReadonlyMap<RequirementId, number>;
}

let programs = 0;

/** Runs a program on accounts of its own, then lets each account fetch all that is left, and asks the judge. */
export async function execute(steps: readonly Step[], ground: Environment, wakeMs = WAKE_MS): Promise<Execution> {
  const judge = new Judge();
  const recorder = new Recorder((event) => judge.observe(event));
  const leases = await ground.source.lease({ count: ground.accounts });
  programs += 1;
  const play = new ProgramRun(ground, recorder, leases, `${ground.nonce}-${programs}`);
  try {
    await play.begin();
    for (const group of groups(steps)) await play.performAll(group);
    await ground.network.settle();
    await play.conclude(wakeMs);
    return { findings: [...play.garbled, ...judge.finish()], recorder, applied: judge.applied };
  } finally {
    play.end();
    ground.source.release(leases);
  }
}

/** One performance of a program: the state of its clients. */
class ProgramRun {
  readonly #environment: Environment;
  readonly #recorder: Recorder;
  readonly #leases: readonly Lease[];
  readonly #nonce: string;
  readonly #client: AttemptClient;
  readonly #devices: DeviceState[][];
  readonly #lastSent: (Message | undefined)[];
  readonly #watches: { account: number; watching: Watching }[] = [];
  #ids = 0;

  constructor(ground: Environment, recorder: Recorder, leases: readonly Lease[], nonce: string) {
    this.#environment = ground;
    this.#recorder = recorder;
    this.#leases = leases;
    this.#nonce = nonce;
    this.#client = new AttemptClient(ground.faulty, recorder);
    this.#devices = leases.map(() =>
      Array.from({ length: ground.devices }, () => ({ cliSeq: 0, epoch: "", previous: 0 })),
    );
    this.#lastSent = leases.map(() => undefined);
  }

  /** Answers that were none of the protocol, though the network left them whole. */
  get garbled(): readonly Finding[] {
    return this.#client.malformed;
  }

  /** Tells the judge who plays; an account with a past is brought up to date. */
  async begin(): Promise<void> {
    const { specVersion, implementation, profiles, maxPageSize, dedupWindow } = this.#environment.info;
    const header = create(HeaderSchema, {
      format: HISTORY_FORMAT,
      name: this.#nonce,
      specVersion,
      implementation,
      profiles,
      maxPageSize,
      seed: this.#environment.seed,
      ...(dedupWindow ? { dedupWindow } : {}),
    });
    this.#recorder.complete(0n, { case: "header", value: header });
    for (const { userId, startSeq } of this.#leases) {
      this.#recorder.complete(0n, {
        case: "accountOpened",
        value: {
          $typeName: "seqsync.conformance.v1.AccountOpened",
          userId,
          ...(startSeq === undefined ? {} : { startSeq }),
        },
      });
    }
    for (const [index, { startSeq }] of this.#leases.entries())
      if (startSeq === undefined) await this.#drain(index, true);
  }

  /** Performs steps side by side; those that wait for their client's last one, one after the other. */
  async performAll(group: readonly Step[]): Promise<void> {
    const last = new Map<string, Promise<void>>();
    for (const step of group) {
      const client = clientOf(step);
      const before = step.begins === "in-turn" ? last.get(client) : undefined;
      last.set(client, before === undefined ? this.perform(step) : before.then(() => this.perform(step)));
      // All are waited for, also those that a later step of the same client has displaced.
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
        // Store first, then advance. Under a new epoch what it had is of another numbering.
        device.previous = page.epoch === device.epoch ? device.cliSeq : 0;
        device.cliSeq = page.nextCliSeq;
        device.epoch = page.epoch;
        return;
      }
      case "watch": {
        const { direct } = this.#environment;
        const watching = new Client(
          direct,
          this.#recorder,
          this.#lease(operation.account),
          `${name(operation.account)}'s watch`,
        ).watch();
        this.#watches.push({ account: operation.account, watching });
        return;
      }
      case "rotate": {
        const { userId } = this.#lease(operation.account);
        const { rotateEpoch } = this.#environment.source;
        if (rotateEpoch !== undefined) await recordRotateEpoch(this.#recorder, rotateEpoch, userId);
        return;
      }
    }
  }

  /** Every account fetches what is left, without acking until it has all: nothing that was accepted may be missing now. */
  async conclude(wakeMs: number): Promise<void> {
    const states = await Promise.all(this.#leases.map((_, index) => this.#drain(index, false)));
    await Promise.all(
      this.#watches.map(async ({ account, watching }) => {
        const state = states[account];
        if (state === undefined || watching.end !== undefined) return;
        const woken = await watching.until(
          ({ epoch, svrSeq }) => epoch === state.epoch && svrSeq >= state.svrSeq,
          wakeMs,
        );
        if (!woken && watching.end === undefined) this.#client.malformed.push(asleep(state, watching));
      }),
    );
  }

  end(): void {
    for (const { watching } of this.#watches) watching.cancel();
  }

  /** Answers the inbox's state at the end; undefined if it was not told. */
  async #drain(index: number, ack: boolean): Promise<SyncResponse | undefined> {
    const client = new Client(
      this.#environment.direct,
      this.#recorder,
      this.#lease(index),
      `${name(index)}'s last device`,
    );
    for (let cliSeq = 0; ; ) {
      const answered = await client.sync({ cliSeq, epoch: "", pageSize: 0 }).catch((error: unknown) => {
        if (error instanceof Violation) this.#client.malformed.push(error.finding);
        else if (error instanceof NoResponseFailure) this.#client.malformed.push(unanswered(error));
        else throw error;
        return undefined;
      });
      if (answered?.kind === "refusal") this.#client.malformed.push(turnedAway(answered.refusal));
      if (answered?.kind !== "response") return undefined;
      const { nextCliSeq, svrSeq, messages } = answered.value;
      if (messages.length === 0 || nextCliSeq <= cliSeq) return answered.value;
      if (nextCliSeq >= svrSeq && !ack) return answered.value;
      cliSeq = nextCliSeq;
    }
  }

  #compose({ from, to, id, size }: Extract<Step["operation"], { kind: "send" }>): Message {
    const last = this.#lastSent[from];
    if (id === "repeat" && last !== undefined) return last;
    this.#ids += 1;
    const fresh = `${this.#nonce}-${this.#ids}`;
    const others = this.#lastSent[(from + 1) % this.#leases.length];
    if (id === "others" && others !== undefined) return others;
    const message: Message = {
      recipientId: this.#lease(to).userId,
      clientMessageId: id === "reuse" && last !== undefined ? last.clientMessageId : fresh,
      // Each payload is another one, where its size leaves room for that.
      payload: Buffer.alloc(size, fresh),
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

  /** Every second client speaks JSON, if the server does: what holds, holds across codecs. */
  #codec(index: number): Codec {
    return index % 2 === 1 && this.#environment.info.profiles.includes(Profile.JSON) ? "json" : "proto";
  }

  #lease(index: number): Lease {
    return this.#leases[index] as Lease;
  }
}

/** Nothing that the last device asks for can be wrong: it begins with 0, names no epoch, and then takes what it is given. */
const turnedAway = (refusal: Refusal): Finding => ({
  requirement: "SYNC-ANSWER",
  message: "a device that begins with 0 and adopts each next_cli_seq was refused",
  expected: "an answer",
  actual: describeRefusal(refusal),
  evidence: [],
});

const unanswered = ({ requirement, message }: NoResponseFailure): Finding => ({
  requirement,
  message,
  expected: "an answer",
  actual: "none, on a network that loses nothing",
  evidence: [],
});

/** How long a watch may take to hear of what has happened, in milliseconds (WATCH-WAKE). */
const WAKE_MS = 5000;

const asleep = ({ svrSeq }: SyncResponse, { frames }: Watching): Finding => ({
  requirement: "WATCH-WAKE",
  message: "an open Watch was not told of what had been accepted",
  expected: `a frame with svr_seq ${svrSeq} within ${WAKE_MS / 1000} s`,
  actual: frames.length === 0 ? "no frame at all" : `its last frame has ${frames.at(-1)?.svrSeq}`,
  evidence: [],
});

const NAMES = ["bob", "alice", "carol", "dave"];
const DEVICES = ["phone", "tablet", "laptop", "watch"];
const name = (index: number) => NAMES[index] ?? `user${index}`;
const deviceName = (account: number, device: number) => `${name(account)}'s ${DEVICES[device] ?? `device ${device}`}`;
