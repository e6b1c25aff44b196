import { isDeepStrictEqual } from "node:util";
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { Message } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { GetServerInfoResponse, SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { recordRotateEpoch } from "../accounts/rotate-epoch.js";
import type { AccountSource, Lease } from "../accounts/source.js";
import { type ExploreOptions, explore } from "../explore/explore.js";
import { type Finding, Inconclusive, NoResponseFailure, Violation } from "../findings.js";
import type { Recorder } from "../history/recorder.js";
import type { RequirementId } from "../requirements/requirements.js";
import { Client, type Credentials, type Reply } from "../rpc/client.js";
import { CODE_OF, describeRefusal, type Refusal } from "../rpc/connect.js";
import type { Session } from "../rpc/session.js";
import { type AccountContext, type Sent, TestAccount } from "./account.js";

/** What holds within the dedup window only. */
const WINDOWED: readonly RequirementId[] = [
  "SEND-RETRY",
  "SEND-RETRY-CONCURRENT",
  "SEND-RETRY-LATER",
  "SEND-RETRY-FIRST",
  "SEND-ID-REUSED",
];

/** What a call is refused for whatever the state of the recipient's inbox (ERR-ORDER). */
const BEFORE_INBOX: readonly Reason[] = [
  Reason.CREDENTIAL_INVALID,
  Reason.MALFORMED,
  Reason.CLIENT_MESSAGE_ID_INVALID,
  Reason.PAYLOAD_TOO_LARGE,
];

/** The names that accounts go by: bob is the one whose inbox a case is about. */
const NAMES = ["bob", "alice", "carol", "dave"] as const;

/** Where nothing is said of a payload's size it has at most this many bytes. */
const USUAL_PAYLOAD = 64;

export interface ContextOptions {
  session: Session;
  recorder: Recorder;
  info: GetServerInfoResponse;
  source: AccountSource;
  leases: readonly Lease[];
  /** Makes client_message_ids of this run unique, also when it comes again to the same accounts. */
  nonce: string;
  /** Arguments of the command that reach this target again. */
  invocation: string;
  /** Hears how many programs an exploration has run. */
  onProgram?: (programs: number) => void;
  /** Numbers from 0 to below 1, the same for the same seed. */
  random: () => number;
  seed: number;
  /** Kills the server and starts it again; undefined if nobody said how. */
  restart?: (() => Promise<void>) | undefined;
  /** Stretches every deadline. */
  timeoutScale: number;
  /** Aborted when the case has had its time. */
  signal: AbortSignal;
}

/** What a case works with: the parties, the server's declared limits, and words to say what is expected. */
export class Context implements AccountContext {
  readonly session: Session;
  readonly info: GetServerInfoResponse;
  readonly accounts: readonly TestAccount[];
  readonly random: () => number;
  readonly recorder: Recorder;
  /** Aborted when the case has had its time. */
  readonly signal: AbortSignal;
  /** What was found otherwise than by the judge or by a failed expectation. */
  readonly found: Finding[] = [];
  /** How to see again what was found, where running the case is not it. */
  reproduce: string | undefined;
  readonly #options: ContextOptions;
  readonly #cleanUps: (() => void)[] = [];
  readonly #began = performance.now();
  #ids = 0;

  constructor(options: ContextOptions) {
    this.#options = options;
    this.session = options.session;
    this.recorder = options.recorder;
    this.info = options.info;
    this.random = options.random;
    this.signal = options.signal;
    this.accounts = options.leases.map((lease, index) => new TestAccount(this, lease, NAMES[index] ?? `user${index}`));
  }

  /** The account whose inbox the case is about. */
  get bob(): TestAccount {
    return this.#party(0);
  }

  /** The usual sender. */
  get alice(): TestAccount {
    return this.#party(1);
  }

  /** Somebody else. */
  get carol(): TestAccount {
    return this.#party(2);
  }

  get dave(): TestAccount {
    return this.#party(3);
  }

  /** How long to wait for something that a specification's deadline of `ms` milliseconds is about. */
  deadline(ms: number): number {
    return ms * this.#options.timeoutScale;
  }

  newId(): string {
    this.#ids += 1;
    return `${this.#options.nonce}-${this.#ids}`;
  }

  client(account: Credentials, name: string): Client {
    return new Client(this.session, this.recorder, account, name);
  }

  onEnd(cleanUp: () => void): void {
    this.#cleanUps.push(cleanUp);
  }

  /** Gives up what the case left open. */
  end(): void {
    for (const cleanUp of this.#cleanUps) cleanUp();
  }

  /** Ends the case: this requirement is broken. */
  fail(requirement: RequirementId, message: string, expected: string, actual: string): never {
    if (this.#windowIsOver() && (WINDOWED.includes(requirement) || this.#sentAgain()))
      throw new Inconclusive("the server's dedup_window was over before the case was; a longer one is needed to tell");
    throw new Violation({ requirement, message, expected, actual, evidence: this.#recent() }, false);
  }

  /** Whether what was sent at the beginning of the case may be forgotten by now. */
  #windowIsOver(): boolean {
    const { dedupWindow } = this.info;
    return dedupWindow !== undefined && performance.now() - this.#began >= durationMs(dedupWindow);
  }

  /** Whether an id was sent more than once: after its window that makes messages, of which a case knows nothing. */
  #sentAgain(): boolean {
    const ids = new Set<string>();
    return this.recorder.events.some(({ body: what }) => {
      if (what.case !== "sendCall") return false;
      const { senderId, clientMessageId } = what.value;
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

  /** Expects two plain values to be the same. */
  equal<T>(actual: T, expected: T, requirement: RequirementId, message: string): void {
    if (!isDeepStrictEqual(actual, expected)) this.fail(requirement, message, show(expected), show(actual));
  }

  /**
   * Expects a page to begin with the first of these messages, at `firstSeq`, and to hold nothing else than them, in this order.
   * It may hold fewer, as pages may, but not none where any is expected. What comes after it is for Device.drain to show.
   */
  page(page: SyncResponse, firstSeq: number, sent: readonly Sent[], requirement: RequirementId, message: string): void {
    const expected = sent.map(({ clientMessageId }, index) => `${firstSeq + index}:${clientMessageId}`);
    const actual = page.messages.map(({ seq, clientMessageId }) => `${seq}:${clientMessageId}`);
    const isBeginning = isDeepStrictEqual(actual, expected.slice(0, actual.length));
    if (!isBeginning || (actual.length === 0 && expected.length > 0))
      this.fail(requirement, message, showList(expected), showList(actual));
  }

  /** Expects exactly these messages, from `firstSeq` on, in this order: what a device has drained. */
  all(
    messages: readonly Message[],
    firstSeq: number,
    sent: readonly Sent[],
    requirement: RequirementId,
    message: string,
  ): void {
    const expected = sent.map(({ clientMessageId }, index) => `${firstSeq + index}:${clientMessageId}`);
    const actual = messages.map(({ seq, clientMessageId }) => `${seq}:${clientMessageId}`);
    if (!isDeepStrictEqual(actual, expected)) this.fail(requirement, message, showList(expected), showList(actual));
  }

  accepted<T>(answered: Reply<T>, requirement: RequirementId): T {
    if (answered.kind === "response") return answered.value;
    this.#excuse(answered.refusal);
    return this.fail(requirement, "a well-formed call was refused", "an answer", describeRefusal(answered.refusal));
  }

  /** Ends the case without a verdict where the server's limits, which are its own choice, leave it no room. */
  #excuse({ reason }: Refusal): void {
    if (reason === Reason.BACKLOG_FULL)
      throw new Inconclusive("needs more unacknowledged messages than this inbox takes");
    const { maxPayloadBytes } = this.info;
    if (reason === Reason.PAYLOAD_TOO_LARGE && maxPayloadBytes < USUAL_PAYLOAD)
      throw new Inconclusive(`needs payloads of ${USUAL_PAYLOAD} bytes; this server takes ${maxPayloadBytes}`);
  }

  /** Expects a refusal for this reason, with the code that belongs to it. `requirement` is blamed if it was not refused. */
  refused<T>(answered: Reply<T>, reason: Reason, requirement: RequirementId, what: string): Refusal {
    const expected = `a refusal with ${CODE_OF[reason]} ${Reason[reason]}`;
    if (answered.kind === "response")
      return this.fail(requirement, `${what} was not refused`, expected, "it was accepted");
    const { refusal } = answered;
    if (refusal.reason === reason && refusal.code === CODE_OF[reason]) return refusal;
    const tooEarly = refusal.reason === Reason.BACKLOG_FULL && BEFORE_INBOX.includes(reason);
    if (!tooEarly && refusal.reason !== reason) this.#excuse(refusal);
    const wrong = `${what} was refused in another way`;
    // A wrong code with the right reason, or no reason, are faults of the error; another reason means that something else was checked.
    if (refusal.reason === reason) return this.fail("ERR-CODE", wrong, expected, describeRefusal(refusal));
    if (refusal.code === CODE_OF[reason] && refusal.reason === Reason.UNSPECIFIED) {
      return this.fail("ERR-REASON", wrong, expected, describeRefusal(refusal));
    }
    return this.fail(requirement, wrong, expected, describeRefusal(refusal));
  }

  /** Expects that what `act` does leaves this inbox as it is. */
  async unchanged(
    party: TestAccount,
    requirement: RequirementId,
    what: string,
    act: () => Promise<void>,
  ): Promise<void> {
    const summary = ({ epoch, svrSeq, ackedSeq }: SyncResponse) => ({ epoch, svrSeq, ackedSeq });
    const before = summary(await party.state());
    await act();
    const after = summary(await party.state());
    this.equal(after, before, requirement, `${what} changed ${party.name}'s inbox`);
  }

  /** While `act` runs, any step that fails is blamed on this requirement: it is the condition that makes the step special. */
  async blaming<T>(requirement: RequirementId, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (error instanceof Violation) throw new Violation({ ...error.finding, requirement }, error.byJudge);
      if (error instanceof NoResponseFailure) throw new NoResponseFailure(requirement, error.call, error.why);
      throw error;
    }
  }

  /** Makes an inbox lose its data. */
  async rotateEpoch(party: TestAccount): Promise<void> {
    const { rotateEpoch } = this.#options.source;
    if (rotateEpoch === undefined) throw new Inconclusive("needs the fixture RotateEpoch");
    await recordRotateEpoch(this.recorder, rotateEpoch, party.userId);
  }

  /** Makes a party's token invalid. */
  async revokeToken(party: TestAccount): Promise<void> {
    const { revokeToken } = this.#options.source;
    if (revokeToken === undefined) throw new Inconclusive("needs the fixture RevokeToken");
    const op = this.recorder.call("suite", 0, {
      case: "revokeCall",
      value: { $typeName: "seqsync.conformance.v1.RevokeCall", userId: party.userId },
    });
    await revokeToken(party.token);
    this.recorder.complete(op, { case: "done", value: { $typeName: "seqsync.conformance.v1.Done" } });
  }

  /** Kills the server and starts it again. What is under way may be lost. */
  async restart(): Promise<void> {
    const { restart } = this.#options;
    if (restart === undefined) throw new Inconclusive("needs --restart-command");
    const op = this.recorder.call("suite", 0, {
      case: "restartCall",
      value: { $typeName: "seqsync.conformance.v1.RestartCall" },
    });
    try {
      await restart();
    } catch (error) {
      throw new Inconclusive(error instanceof Error ? error.message : String(error));
    }
    this.recorder.complete(op, { case: "done", value: { $typeName: "seqsync.conformance.v1.Done" } });
  }

  /** Runs random programs on accounts of their own, and takes over what they find. */
  async explore(options: Pick<ExploreOptions, "runs" | "seed" | "faults">): Promise<void> {
    const { source, info, invocation, onProgram } = this.#options;
    const lacking = source.unavailableReason({ count: 2 });
    if (lacking !== undefined) throw new Inconclusive(lacking);
    const { urls, connection } = this.session.transport;
    const { failure } = await explore({
      ...options,
      urls,
      connection,
      info,
      source,
      signal: this.signal,
      shrinkMs: 10_000,
      ...(onProgram === undefined ? {} : { onProgram }),
    });
    if (failure === undefined) return;
    this.reproduce = `seqsync explore ${invocation} --faults ${options.faults} --seed ${failure.seed} --path ${failure.path}`;
    this.found.push(...failure.findings);
  }

  /** The last operations, each from its call on: what led up to a failed expectation. */
  #recent(): Event[] {
    const { events } = this.recorder;
    const ops = new Set(events.slice(-6).map(({ op }) => op));
    return events.filter(({ op }) => op !== 0n && ops.has(op));
  }

  #party(index: number): TestAccount {
    const party = this.accounts[index];
    if (party === undefined)
      throw new Error(`the case uses ${NAMES[index]} but does not say that it needs ${index + 1} accounts`);
    return party;
  }
}

/** A value for people, shortened. */
export function show(value: unknown): string {
  const text =
    typeof value === "string"
      ? JSON.stringify(value)
      : JSON.stringify(value, (_, v) => (typeof v === "bigint" ? `${v}` : v));
  return text === undefined ? "nothing" : text.length > 300 ? `${text.slice(0, 300)}…` : text;
}

function showList(items: readonly string[]): string {
  if (items.length === 0) return "no message";
  const few = items.length <= 8 ? items : [...items.slice(0, 4), "…", ...items.slice(-3)];
  return `${items.length} message${items.length === 1 ? "" : "s"}: ${few.join(", ")}`;
}
