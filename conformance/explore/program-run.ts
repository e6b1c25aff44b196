import { setTimeout as sleep } from "node:timers/promises";
import { ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { SeqSyncService, type SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { recordRotateEpoch } from "../accounts/rotate-epoch.js";
import type { Lease } from "../accounts/source.js";
import { type Finding, Inconclusive } from "../findings.js";
import { EveryExchange } from "../harness/every-exchange.js";
import { done, noResponse, restartCall, revokeCall } from "../history/events.js";
import { recordPrologue } from "../history/prologue.js";
import { type Recorder, SUITE } from "../history/recorder.js";
import { Client, type SendArguments } from "../rpc/client.js";
import { type Codec, describeRefusal } from "../rpc/connect.js";
import type { CallResult } from "../rpc/result.js";
import { AttemptClient, type DeviceState } from "./attempts.js";
import type { Environment } from "./environment.js";
import { drain } from "./last-device.js";
import { type Look, Looks } from "./looks.js";
import { deviceName } from "./names.js";
import { despiteOutage } from "./outage.js";
import { clientOf, type NetworkFault, type Operation, type Step } from "./program.js";
import { ProgramAccount } from "./program-account.js";
import { ProgramWatches } from "./program-watches.js";
import { Findings } from "./run-findings.js";
import { makeWrongCall } from "./wrong-call.js";

type OperationOf<K extends Operation["kind"]> = Extract<Operation, { kind: K }>;

/** Payloads of up to this size have contents of many kinds, and other sizes, in a varied program; in bytes. */
const SMALL_BYTES = 8;

export interface RunOptions {
  environment: Environment;
  recorder: Recorder;
  /** The accounts of the program, by their numbers in it. */
  leases: ReadonlyMap<number, Lease>;
  /** Seed of the looks of the steps; 0 if they are plain. */
  variation: number;
  /** What varies. */
  aspects: ReadonlySet<string>;
  /** Text that makes the ids of this run unique. */
  nonce: string;
}

/** One execution of a program, with the state of its clients. */
export class ProgramRun {
  readonly #environment: Environment;
  readonly #recorder: Recorder;
  readonly #leases: readonly Lease[];
  readonly #accounts: ReadonlyMap<number, ProgramAccount>;
  readonly #nonce: string;
  readonly #client: AttemptClient;
  readonly #watches: ProgramWatches;
  readonly #findings = new Findings();
  readonly #looks: Looks;
  #ids = 0;
  #wasRevoked = false;

  constructor({ environment, recorder, leases, variation, aspects, nonce }: RunOptions) {
    const { direct, faulty, abandoned, devices } = environment;
    this.#environment = environment;
    this.#recorder = recorder;
    this.#leases = [...leases.values()];
    this.#accounts = new Map([...leases].map(([index, lease]) => [index, new ProgramAccount(index, lease, devices)]));
    this.#nonce = nonce;
    this.#looks = new Looks(variation, aspects);
    const known = [...this.#accounts.values()].map(({ name, lease }) => ({ ...lease, name }));
    const exchanges = new EveryExchange(known, recorder, { session: direct, nonce }, this.#findings.all);
    for (const session of [direct, faulty]) {
      session.onExchange = (exchange) => exchanges.observe(exchange);
      session.onViolation = (violation, op) => exchanges.report(violation, op);
    }
    this.#client = new AttemptClient(environment, recorder, abandoned, this.#findings);
    this.#watches = new ProgramWatches(direct, recorder, this.#findings);
  }

  /** Findings other than those of the judge. */
  get findings(): readonly Finding[] {
    return this.#findings.all;
  }

  /** The aspects that varied. */
  get varied(): string[] {
    return this.#looks.varied;
  }

  /** Records the prologue of the history, and acks all messages of accounts that may have been used before. */
  async begin(): Promise<void> {
    const { info, seed, abandoned } = this.#environment;
    recordPrologue(this.#recorder, { name: this.#nonce, info, seed, accounts: this.#leases });
    abandoned.record(this.#leases, this.#recorder);
    for (const account of this.#accounts.values())
      if (account.lease.startSeq === undefined) await this.#drain(account, true);
  }

  /** Runs the steps of a group concurrently, except those that wait for the last step of their client. */
  async performAll(group: readonly Step[]): Promise<void> {
    const all: Promise<void>[] = [];
    const last = new Map<string, Promise<void>>();
    for (const step of group) {
      const client = clientOf(step);
      const before = step.begins === "in-turn" ? last.get(client) : undefined;
      const running = before === undefined ? this.#perform(step) : before.then(() => this.#perform(step));
      last.set(client, running);
      all.push(running);
    }
    const ended = await Promise.allSettled(all);
    for (const result of ended) if (result.status === "rejected") throw result.reason;
  }

  async #perform({ operation, fault, look: number }: Step): Promise<void> {
    const look = this.#looks.of(number);
    // A call chooses its form before it first waits, so concurrent steps do not mix theirs.
    this.#useForms(look);
    switch (operation.kind) {
      case "send":
        return this.#send(operation.from, this.#compose(operation, number), fault, operation.codec);
      case "burst": {
        const { from, count, codec } = operation;
        const messages = Array.from({ length: count }, () => this.#compose({ ...operation, id: "new" }, number));
        await Promise.all(messages.map((message) => this.#send(from, message, fault, codec)));
        return;
      }
      case "sync":
        return this.#sync(operation, fault);
      case "watch":
        return this.#watches.open(this.#account(operation.account), operation.codec);
      case "close-watch":
        return this.#watches.closeOne(this.#account(operation.account), operation.which);
      case "wrong":
        return this.#wrong(operation, number);
      case "info":
        return this.#info(operation);
      case "idle":
        await sleep(operation.ms);
        return;
      case "rotate":
        return this.#rotate(operation);
      case "revoke":
        return this.#revoke(operation);
      case "restart":
        return this.#restart();
    }
  }

  #useForms({ forms }: Look): void {
    for (const session of [this.#environment.direct, this.#environment.faulty]) session.forms = forms;
  }

  async #send(from: number, message: SendArguments, fault: NetworkFault | "none", codec: Codec): Promise<void> {
    const account = this.#account(from);
    const isRevoked = account.token === "revoked";
    const result = await this.#client.send(account.lease, message, { client: account.name, fault, codec });
    this.#judgeToken(account, isRevoked, result, "Send");
  }

  async #sync(operation: OperationOf<"sync">, fault: NetworkFault | "none"): Promise<void> {
    const account = this.#account(operation.account);
    const device = account.devices[operation.device] as DeviceState;
    const epoch = { own: device.epoch, none: "", wrong: "no-such-epoch" }[operation.epoch];
    const args = { cliSeq: this.#cursor(operation, account), epoch, pageSize: operation.pageSize };
    const isRevoked = account.token === "revoked";
    const client = deviceName(operation.account, operation.device);
    const result = await this.#client.sync(account.lease, args, { client, fault, codec: operation.codec });
    this.#judgeToken(account, isRevoked, result, "Sync");
    if (result.kind !== "response" || !operation.store) return;
    const page = result.value;
    // A cli_seq of another epoch belongs to another numbering.
    device.previous = page.epoch === device.epoch ? device.cliSeq : 0;
    device.cliSeq = page.nextCliSeq;
    device.epoch = page.epoch;
  }

  /** Judges what a call shows about its token. `isRevoked`: the revocation ended before the call began. */
  #judgeToken(account: ProgramAccount, isRevoked: boolean, result: CallResult<unknown>, rpc: "Send" | "Sync"): void {
    const isInvalid = result.kind === "refusal" && result.refusal.reason === Reason.CREDENTIAL_INVALID;
    if (isRevoked && result.kind === "response")
      this.#findings.report({
        requirement: "AUTH-REVOKED",
        message: `a ${rpc} with a revoked token was not refused`,
        expected: "a refusal with unauthenticated CREDENTIAL_INVALID",
        actual: "it was accepted",
      });
    else if (isRevoked && result.kind === "refusal" && !isInvalid && result.refusal.reason !== Reason.UNSPECIFIED)
      this.#findings.report({
        requirement: "AUTH-REVOKED",
        message: `a ${rpc} with a revoked token was refused for another reason`,
        expected: "a refusal with unauthenticated CREDENTIAL_INVALID",
        actual: describeRefusal(result.refusal),
      });
    else if (this.#wasRevoked && account.token === "valid" && isInvalid)
      this.#findings.report({
        requirement: "AUTH-REVOKED",
        message: `a ${rpc} was refused for its token, although only the token of another account was revoked`,
        expected: "a valid token that stays valid",
        actual: describeRefusal(result.refusal),
      });
  }

  async #wrong({ account: index, call, codec }: OperationOf<"wrong">, look: number): Promise<void> {
    const account = this.#account(index);
    const { maxPayloadBytes } = this.#environment.info;
    const { cliSeq, epoch } = account.devices[0] as DeviceState;
    const intended = {
      account,
      message: this.#message({ recipientId: account.lease.userId, size: 4 }, look),
      sync: { cliSeq, epoch, pageSize: 0 },
      unknown: `nobody-${this.#nonce}`,
      tooLarge: () => Buffer.alloc(maxPayloadBytes + 1, "x"),
    };
    const { direct: session } = this.#environment;
    // Only its id counts, and only if it has one that a server may remember.
    if (call !== "sync-with-unknown-token" && call !== "malformed-sync") account.lastRefused = intended.message;
    const violation = await makeWrongCall(call, intended, { session, recorder: this.#recorder, codec });
    if (violation !== undefined) this.#findings.report(violation);
  }

  async #info({ codec }: OperationOf<"info">): Promise<void> {
    const result = await this.#environment.direct.attempt(SeqSyncService.method.getServerInfo, {}, { codec });
    const violation = { message: "GetServerInfo has no valid response", expected: "the server's info" };
    if (result.kind === "refusal")
      this.#findings.report({ ...violation, requirement: "INFO-OPEN", actual: describeRefusal(result.refusal) });
    else if (result.kind === "malformed")
      this.#findings.report({ ...violation, requirement: result.requirement, actual: result.actual ?? result.why });
  }

  async #rotate({ account }: OperationOf<"rotate">): Promise<void> {
    const { rotateEpoch } = this.#environment.source;
    // Without a response the outcome is indeterminate, as that of any other call.
    if (rotateEpoch !== undefined)
      await recordRotateEpoch(this.#recorder, rotateEpoch, this.#account(account).lease.userId).catch(
        unlessInconclusive,
      );
  }

  async #revoke({ account: index }: OperationOf<"revoke">): Promise<void> {
    const { revokeToken } = this.#environment.source;
    const account = this.#account(index);
    if (revokeToken === undefined || account.token !== "valid") return;
    account.token = "indeterminate";
    this.#wasRevoked = true;
    const op = this.#recorder.call(SUITE, 0, revokeCall(account.lease.userId));
    try {
      await revokeToken(account.lease.token);
    } catch (error) {
      unlessInconclusive(error);
      this.#recorder.complete(op, noResponse("the call failed"));
      return;
    }
    account.token = "revoked";
    this.#recorder.complete(op, done());
  }

  /** Kills and restarts the server. The outcome of pending calls is indeterminate. */
  async #restart(): Promise<void> {
    const { restart, direct, recoveryMs } = this.#environment;
    if (restart === undefined) return;
    const op = this.#recorder.call(SUITE, 0, restartCall());
    try {
      await restart();
    } catch (error) {
      throw new Inconclusive(error instanceof Error ? error.message : String(error), ReasonCode.RESTART_FAILED);
    }
    this.#recorder.complete(op, done());
    this.#watches.closeAll();
    for (const account of this.#accounts.values()) {
      // Whether a revocation survives a crash is a matter for a case.
      if (account.token !== "valid") account.token = "indeterminate";
      else {
        const client = new Client(direct, this.#recorder, account.lease, `${account.name}'s last device`);
        const result = await despiteOutage(direct, recoveryMs, () =>
          client.sync({ cliSeq: 0, epoch: "", pageSize: 1 }),
        );
        if (result.kind === "refusal" && result.refusal.reason === Reason.CREDENTIAL_INVALID)
          throw new Inconclusive(
            "the accounts did not survive the restart; use --accounts with accounts that persist",
            ReasonCode.ACCOUNT_UNAVAILABLE,
          );
      }
    }
  }

  /**
   * Fetches the pending messages of all accounts, so that the judge finds missing ones, expects the Watches to be up to
   * date, and revoked tokens to be refused.
   */
  async finish(wakeMs: number): Promise<void> {
    this.#useForms(this.#looks.of("the last devices"));
    const states = new Map<ProgramAccount, SyncResponse>();
    await Promise.all(
      [...this.#accounts].map(async ([index, account]) => {
        if (account.token === "revoked") return this.#syncRevoked(index);
        const state = await this.#drain(account, false);
        if (state !== undefined) states.set(account, state);
      }),
    );
    await this.#watches.finish(states, wakeMs);
  }

  /** Makes the last call with a revoked token. */
  async #syncRevoked(index: number): Promise<void> {
    const operation = { account: index, device: 0, cursor: "own", epoch: "own", pageSize: 0, store: false } as const;
    await this.#sync({ ...operation, kind: "sync", codec: "proto" }, "none");
  }

  /** Closes the open Watches, and makes the sessions plain again. */
  end(): void {
    this.#watches.end();
    for (const session of [this.#environment.direct, this.#environment.faulty]) {
      session.forms = undefined;
      session.onExchange = () => {};
      session.onViolation = () => {};
    }
  }

  #drain(account: ProgramAccount, ackLastPage: boolean): Promise<SyncResponse | undefined> {
    const { direct: session, recoveryMs } = this.#environment;
    return drain(account, {
      session,
      recorder: this.#recorder,
      findings: this.#findings,
      recoveryMs,
      ackLastPage,
    });
  }

  #compose(
    { from, to, id, size }: Pick<OperationOf<"send">, "from" | "to" | "id" | "size">,
    look: number,
  ): SendArguments {
    const sender = this.#account(from);
    const { lastSent, firstSent, lastRefused } = sender;
    if (id === "repeat" && lastSent !== undefined) return lastSent;
    if (id === "first" && firstSent !== undefined) return firstSent;
    const all = [...this.#accounts.values()];
    const others = all[(all.indexOf(sender) + 1) % all.length]?.lastSent;
    if (id === "others" && others !== undefined) return others;
    const message = this.#message({ recipientId: this.#account(to).lease.userId, size }, look);
    if (id === "reuse" && lastSent !== undefined) message.clientMessageId = lastSent.clientMessageId;
    if (id === "refused" && lastRefused !== undefined) message.clientMessageId = lastRefused.clientMessageId;
    sender.lastSent = message;
    sender.firstSent ??= message;
    return message;
  }

  /** Makes a new message. Payloads differ, if their size permits. */
  #message({ recipientId, size }: { recipientId: string; size: number }, number: number): SendArguments {
    this.#ids += 1;
    const unique = `${this.#nonce}-${this.#ids}`;
    const { maxPayloadBytes } = this.#environment.info;
    const look = this.#looks.of(number);
    const payload =
      this.#looks.varies(number) && size <= SMALL_BYTES ? look.payload(maxPayloadBytes) : Buffer.alloc(size, unique);
    return { recipientId, clientMessageId: look.id(unique), payload };
  }

  #cursor({ device, cursor }: OperationOf<"sync">, { devices }: ProgramAccount): number {
    const state = devices[device] as DeviceState;
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
        return devices[(device + 1) % devices.length]?.cliSeq ?? 0;
    }
  }

  #account(index: number): ProgramAccount {
    return this.#accounts.get(index) as ProgramAccount;
  }
}

function unlessInconclusive(error: unknown): void {
  if (!(error instanceof Inconclusive)) throw error;
}
