import { isDeepStrictEqual } from "node:util";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { Message } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse, SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { recordAttempts } from "../accounts/record-attempts.js";
import { recordRotateEpoch } from "../accounts/rotate-epoch.js";
import type { AccountSource, Lease } from "../accounts/source.js";
import type { Contents } from "../contents/aspects.js";
import { type Finding, Inconclusive, NoResponseFailure, newFinding, Violation } from "../findings.js";
import { accountOpened, done, restartCall, revokeCall, stepClockCall } from "../history/events.js";
import type { Exchanges } from "../history/exchanges.js";
import { type Recorder, SUITE } from "../history/recorder.js";
import type { RequirementId } from "../requirements/requirements.js";
import { Client, type Credentials } from "../rpc/client.js";
import { CODE_OF, describeRefusal } from "../rpc/connect.js";
import type { DefiniteResult, Refusal } from "../rpc/result.js";
import type { Session } from "../rpc/session.js";
import { type AccountContext, type SentMessage, TestAccount } from "./account.js";
import { EveryExchange } from "./every-exchange.js";
import { firstDifference, showBoth, showLists } from "./show.js";

/** Requirements that hold only within the dedup window. */
const WINDOWED: readonly RequirementId[] = [
  "SEND-RETRY",
  "SEND-RETRY-CONCURRENT",
  "SEND-RETRY-LATER",
  "SEND-RETRY-FIRST",
  "SEND-ID-REUSED",
];

/** Reasons that take precedence over the state of the recipient's inbox (ERR-ORDER). */
const BEFORE_INBOX: readonly Reason[] = [
  Reason.CREDENTIAL_INVALID,
  Reason.MALFORMED,
  Reason.CLIENT_MESSAGE_ID_INVALID,
  Reason.PAYLOAD_TOO_LARGE,
];

/** Names of the accounts of a case. The case is about bob's inbox. */
const NAMES = ["bob", "alice", "carol", "dave"] as const;

/** Largest payload that the suite sends, in bytes: several concurrent cases may hold such a payload in memory. */
const LARGEST_PAYLOAD_BYTES = 16 << 20;

/** Maximum payload size in cases that do not test payload sizes, in bytes. */
const SMALL_PAYLOAD_BYTES = 64;

export interface ContextOptions {
  session: Session;
  recorder: Recorder;
  info: GetServerInfoResponse;
  source: AccountSource;
  leases: readonly Lease[];
  /** Prefix that makes the client_message_ids of this case unique, also across runs with the same accounts. */
  nonce: string;
  /** Makes the client_message_ids and payloads whose content does not matter to the case. */
  contents: Contents;
  /** Command-line arguments that select the target and its accounts, for commands in reports. */
  invocation: string;
  /** Is called with the number of programs that an exploration of the case has run. */
  onProgram?: (programs: number) => void;
  /** Returns numbers from 0 to below 1, determined by the seed. */
  random: () => number;
  seed: number;
  /** Kills and restarts the server; undefined without a restart command. */
  restart?: (() => Promise<void>) | undefined;
  /** The exchanges of the case so far. */
  exchanges?: Exchanges | undefined;
  /** Factor by which every deadline is multiplied. */
  timeoutScale: number;
  /** Aborted at the time limit of the case, or when the run is stopped. */
  signal: AbortSignal;
}

/** The context of a running case: its accounts, the server's declared limits, and functions that check expectations. */
export class Context implements AccountContext {
  readonly session: Session;
  readonly info: GetServerInfoResponse;
  readonly accounts: readonly TestAccount[];
  readonly random: () => number;
  readonly recorder: Recorder;
  /** Aborted at the time limit of the case, or when the run is stopped. */
  readonly signal: AbortSignal;
  /** Findings other than those of the judge and of failed expectations. */
  readonly findings: Finding[] = [];
  /** Command that reproduces the findings, if running the case again does not. */
  reproduce: string | undefined;
  /** Source of the accounts, for cases that lease their own. */
  readonly source: AccountSource;
  /** Command-line arguments that select the target and its accounts, for commands in reports. */
  readonly invocation: string;
  /** Reports the number of programs that an exploration of the case has run. */
  readonly onProgram: ((programs: number) => void) | undefined;
  readonly #options: ContextOptions;
  readonly #cleanUps: (() => void)[] = [];
  /** The accounts that the case has leased itself. */
  readonly #added: TestAccount[] = [];
  readonly #started = performance.now();
  /** Difference between the server's wall clock and the true time, in milliseconds, after the latest step. */
  #clockOffsetMs = 0;
  /** The latest step of the clock; undefined before the first. */
  #clockStep: Promise<void> | undefined;
  /** Sum of all steps forward of the server's clock, in milliseconds: dedup windows may end earlier by so much. */
  #steppedForwardMs = 0;
  /** The exchange of each page and each message, by its number. */
  readonly #exchangeOf = new WeakMap<object, number>();

  constructor(options: ContextOptions) {
    this.#options = options;
    this.session = options.session;
    this.recorder = options.recorder;
    this.info = options.info;
    this.random = options.random;
    this.signal = options.signal;
    this.source = options.source;
    this.invocation = options.invocation;
    this.onProgram = options.onProgram;
    this.accounts = options.leases.map((lease, index) => new TestAccount(this, lease, NAMES[index] ?? `user${index}`));
    options.exchanges?.setAccounts(this.accounts);
    const everyExchange = new EveryExchange(this.accounts, this.recorder, options, this.findings);
    this.session.onExchange = (exchange) => everyExchange.observe(exchange);
    this.session.onViolation = (violation, op) => everyExchange.report(violation, op);
  }

  /** The account whose inbox the case is about: the usual recipient. */
  get bob(): TestAccount {
    return this.#account(0);
  }

  /** The usual sender. */
  get alice(): TestAccount {
    return this.#account(1);
  }

  /** A third account. */
  get carol(): TestAccount {
    return this.#account(2);
  }

  /** A fourth account. */
  get dave(): TestAccount {
    return this.#account(3);
  }

  /** Scales a deadline of the specification, in milliseconds. */
  deadline(ms: number): number {
    return ms * this.#options.timeoutScale;
  }

  /** Returns a new client_message_id. */
  newId(): string {
    return this.#options.contents.id(this.#options.nonce);
  }

  /** The start of all plain client_message_ids of the run, of this case and of others. */
  get idPrefix(): string {
    return this.#options.nonce.slice(0, 8);
  }

  filler(text: string): Uint8Array {
    return this.#options.contents.payload(text, this.info.maxPayloadBytes);
  }

  /** The declared `max_payload_bytes`; inconclusive if the suite does not send payloads of that size. */
  get maxPayloadBytes(): number {
    const { maxPayloadBytes } = this.info;
    if (maxPayloadBytes <= LARGEST_PAYLOAD_BYTES) return maxPayloadBytes;
    throw new Inconclusive(
      `max_payload_bytes is ${maxPayloadBytes}; the suite sends at most ${LARGEST_PAYLOAD_BYTES} bytes`,
      ReasonCode.SERVER_LIMIT,
    );
  }

  /** Adds accounts that the case has leased itself. `nameOf` returns the name of each for people, from its index. */
  addAccounts(leases: readonly Lease[], nameOf: (index: number) => string): TestAccount[] {
    for (const { userId, startSeq } of leases) this.recorder.complete(0n, accountOpened(userId, startSeq));
    const added = leases.map((lease, index) => new TestAccount(this, lease, nameOf(index)));
    this.#added.push(...added);
    this.#options.exchanges?.setAccounts([...this.accounts, ...this.#added]);
    return added;
  }

  client(account: Credentials, name: string): Client {
    return new Client(this.session, this.recorder, account, name);
  }

  onEnd(cleanUp: () => void): void {
    this.#cleanUps.push(cleanUp);
  }

  /** Calls the registered clean-up functions. */
  end(): void {
    for (const cleanUp of this.#cleanUps) cleanUp();
  }

  /**
   * Ends the case with a violation of this requirement; as inconclusive if expired dedup records can explain the
   * difference. `exchange` is the number of the exchange that shows the violation. Default: the one that ended last.
   */
  fail(requirement: RequirementId, message: string, expected: string, actual: string, exchange?: number): never {
    if (this.#dedupWindowHasPassed() && (WINDOWED.includes(requirement) || this.#hasRetries()))
      throw new Inconclusive(
        "the server's dedup_window passed before the end of the case; the case needs a longer dedup_window",
        ReasonCode.SERVER_LIMIT,
      );
    const deciding = exchange ?? this.#options.exchanges?.lastEnded ?? 0;
    const finding = newFinding({ requirement, message, expected, actual }, this.#recentEvents(), false);
    throw new Violation({ ...finding, exchange: deciding });
  }

  /** Whether the dedup records of the first messages of the case may have expired. */
  #dedupWindowHasPassed(): boolean {
    const { dedupWindow } = this.info;
    return (
      dedupWindow !== undefined && performance.now() - this.#started + this.#steppedForwardMs >= durationMs(dedupWindow)
    );
  }

  /**
   * Whether a client_message_id was sent more than once: after the dedup window a retry creates a message that the case
   * does not expect.
   */
  #hasRetries(): boolean {
    const ids = new Set<string>();
    return this.recorder.events.some(({ body }) => {
      if (body.case !== "sendCall") return false;
      const { senderId, clientMessageId } = body.value;
      const key = `${senderId.length}:${senderId}${clientMessageId}`;
      return ids.has(key) || !ids.add(key);
    });
  }

  /** Expects a condition to hold. */
  that(
    condition: boolean,
    requirement: RequirementId,
    message: string,
    expected: string,
    actual: string,
  ): asserts condition {
    if (!condition) this.fail(requirement, message, expected, actual);
  }

  /** Expects two plain values to be equal. */
  equal<T>(actual: T, expected: T, requirement: RequirementId, message: string): void {
    if (!isDeepStrictEqual(actual, expected)) this.fail(requirement, message, ...showBoth(expected, actual));
  }

  /** Expects a message to have these values in these fields. */
  fields<T extends object>(message: T, expected: Partial<T>, requirement: RequirementId, violation: string): void {
    const names = Object.keys(expected) as (keyof T)[];
    const actual = Object.fromEntries(names.map((name) => [name, message[name]]));
    this.equal<object>(actual, expected, requirement, violation);
  }

  /**
   * Expects a page to contain only these messages, in this order, with consecutive seqs from `firstSeq`. The page may
   * contain fewer, but not none if any are expected. Use `all` with Device.drain to check the rest.
   */
  page(
    page: SyncResponse,
    firstSeq: number,
    sent: readonly SentMessage[],
    requirement: RequirementId,
    message: string,
  ): void {
    const expected = numbered(sent, firstSeq);
    const actual = listed(page.messages);
    const isPrefix = isDeepStrictEqual(actual, expected.slice(0, actual.length));
    if (!isPrefix || (actual.length === 0 && expected.length > 0))
      this.fail(requirement, message, ...showLists(expected, actual), this.#exchangeOf.get(page));
  }

  /** Expects exactly these messages, in this order, with consecutive seqs from `firstSeq`. */
  all(
    messages: readonly Message[],
    firstSeq: number,
    sent: readonly SentMessage[],
    requirement: RequirementId,
    message: string,
  ): void {
    const expected = numbered(sent, firstSeq);
    const actual = listed(messages);
    if (isDeepStrictEqual(actual, expected)) return;
    // The page with the first wrong message decides, or the one that ends too early: not the empty page after them.
    const wrong = messages[firstDifference(expected, actual)] ?? messages.at(-1);
    const exchange = wrong === undefined ? undefined : this.#exchangeOf.get(wrong);
    this.fail(requirement, message, ...showLists(expected, actual), exchange);
  }

  accepted<T>(result: DefiniteResult<T>, requirement: RequirementId): T {
    if (result.kind === "response") {
      this.#rememberExchange(result.value);
      return result.value;
    }
    this.throwIfServerLimit(result.refusal);
    return this.fail(
      requirement,
      `a well-formed ${requirement === "SYNC-ANSWER" ? "Sync" : "call"} was refused`,
      requirement === "SYNC-ANSWER" ? "a page" : "acceptance of the call",
      describeRefusal(result.refusal),
      // Of calls made at once, another one may have ended last.
      this.#options.exchanges?.endedWith(result.refusal.text),
    );
  }

  /** Remembers which exchange a page, and each of its messages, arrived with: the one that ended last. */
  #rememberExchange(value: unknown): void {
    const number = this.#options.exchanges?.lastEnded;
    if (number === undefined || typeof value !== "object" || value === null || !("messages" in value)) return;
    this.#exchangeOf.set(value, number);
    for (const message of (value as SyncResponse).messages) this.#exchangeOf.set(message, number);
  }

  /** Ends the case as inconclusive if a limit that the server may choose is too tight for it. */
  throwIfServerLimit({ reason }: Refusal): void {
    if (reason === Reason.CREDENTIAL_INVALID && this.#clockStep !== undefined)
      throw new Inconclusive("needs credentials that stay valid when the clock is stepped", ReasonCode.SERVER_LIMIT);
    if (reason === Reason.BACKLOG_FULL)
      throw new Inconclusive("needs more unacknowledged messages than this server accepts", ReasonCode.SERVER_LIMIT);
    const { maxPayloadBytes } = this.info;
    if (reason === Reason.PAYLOAD_TOO_LARGE && maxPayloadBytes < SMALL_PAYLOAD_BYTES)
      throw new Inconclusive(
        `needs payloads of ${SMALL_PAYLOAD_BYTES} bytes; this server accepts ${maxPayloadBytes}`,
        ReasonCode.SERVER_LIMIT,
      );
  }

  /** Expects a refusal with this reason and its code. An accepted call violates `requirement`. */
  refused<T>(result: DefiniteResult<T>, reason: Reason, requirement: RequirementId, what: string): Refusal {
    const expected = `a refusal with ${CODE_OF[reason]} ${Reason[reason]}`;
    if (result.kind === "response")
      return this.fail(requirement, `${what} was not refused`, expected, "it was accepted");
    const { refusal } = result;
    if (refusal.reason === reason && refusal.code === CODE_OF[reason]) return refusal;
    const isWrongOrder = refusal.reason === Reason.BACKLOG_FULL && BEFORE_INBOX.includes(reason);
    if (!isWrongOrder && refusal.reason !== reason) this.throwIfServerLimit(refusal);
    const wrong = `${what} was refused with the wrong error`;
    // A wrong code or a missing reason is a malformed error. A different reason means that the server found a different
    // problem.
    if (refusal.reason === reason) return this.fail("ERR-CODE", wrong, expected, describeRefusal(refusal));
    if (refusal.code === CODE_OF[reason] && refusal.reason === Reason.UNSPECIFIED) {
      return this.fail("ERR-REASON", wrong, expected, describeRefusal(refusal));
    }
    return this.fail(requirement, wrong, expected, describeRefusal(refusal));
  }

  /** Expects `act` not to change the state of an inbox. */
  async unchanged(
    account: TestAccount,
    requirement: RequirementId,
    what: string,
    act: () => Promise<void>,
  ): Promise<void> {
    const summary = ({ epoch, svrSeq, ackedSeq }: SyncResponse) => ({ epoch, svrSeq, ackedSeq });
    const before = summary(await account.state());
    await act();
    const after = summary(await account.state());
    this.equal(after, before, requirement, `${what} changed ${account.name}'s inbox`);
  }

  /** Runs `act`, and attributes a violation that ends it to this requirement, which `act` tests. */
  async blaming<T>(requirement: RequirementId, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (error instanceof Violation) throw new Violation({ ...error.finding, requirement });
      if (error instanceof NoResponseFailure) throw new NoResponseFailure(requirement, error.call, error.why);
      throw error;
    }
  }

  /** Makes an inbox lose its data. */
  async rotateEpoch(account: TestAccount): Promise<void> {
    const { rotateEpoch } = this.source;
    if (rotateEpoch === undefined) throw new Inconclusive("needs the fixture RotateEpoch", ReasonCode.NO_FIXTURE);
    await recordRotateEpoch(this.recorder, rotateEpoch, account.userId);
  }

  /** Revokes the token of an account. */
  async revokeToken(account: TestAccount): Promise<void> {
    const { revokeToken } = this.source;
    if (revokeToken === undefined) throw new Inconclusive("needs the fixture RevokeToken", ReasonCode.NO_FIXTURE);
    const op = this.recorder.call(SUITE, 0, revokeCall(account.userId));
    await revokeToken(account.token);
    this.recorder.complete(op, done());
  }

  /**
   * Sets the wall clock of the server to the true time plus `offsetMs` milliseconds, -604800000 to 604800000. The end of
   * the case sets it back.
   */
  async stepClock(offsetMs: number): Promise<void> {
    this.signal.throwIfAborted();
    await this.#setClock(offsetMs);
  }

  /** Sets the wall clock of the server to the true time again, if the case has stepped it. */
  async restoreClock(): Promise<void> {
    if (this.#clockStep === undefined) return;
    // A case that was aborted may wait for a step. One that failed may have taken effect.
    const isDone = await this.#clockStep.then(
      () => true,
      () => false,
    );
    if (!isDone || this.#clockOffsetMs !== 0) await this.#setClock(0);
  }

  #setClock(offsetMs: number): Promise<void> {
    const { stepClock } = this.source;
    if (stepClock === undefined) throw new Inconclusive("needs the fixture StepClock", ReasonCode.NO_FIXTURE);
    this.#steppedForwardMs += Math.max(0, offsetMs - this.#clockOffsetMs);
    this.#clockOffsetMs = offsetMs;
    this.#clockStep = recordAttempts(this.recorder, stepClockCall(offsetMs), (onAttempt) =>
      stepClock(offsetMs, onAttempt),
    );
    return this.#clockStep;
  }

  /** Kills and restarts the server. The outcome of pending calls is indeterminate. */
  async restart(): Promise<void> {
    const { restart } = this.#options;
    if (restart === undefined) throw new Inconclusive("needs --restart-command", ReasonCode.NO_RESTART_COMMAND);
    const op = this.recorder.call(SUITE, 0, restartCall());
    try {
      await restart();
    } catch (error) {
      throw new Inconclusive(error instanceof Error ? error.message : String(error), ReasonCode.RESTART_FAILED);
    }
    this.recorder.complete(op, done());
  }

  /** All events of the last operations, as evidence for a failed expectation. */
  #recentEvents(): Event[] {
    const { events } = this.recorder;
    const ops = new Set(events.slice(-6).map(({ op }) => op));
    return events.filter(({ op }) => op !== 0n && ops.has(op));
  }

  #account(index: number): TestAccount {
    const account = this.accounts[index];
    if (account === undefined)
      throw new Error(`the case uses ${NAMES[index]}, but declares fewer than ${index + 1} accounts`);
    return account;
  }
}

const listed = (messages: readonly Message[]) => messages.map(({ seq, clientMessageId }) => ({ seq, clientMessageId }));

const numbered = (sent: readonly SentMessage[], firstSeq: number) =>
  sent.map(({ clientMessageId }, index) => ({ seq: firstSeq + index, clientMessageId }));
