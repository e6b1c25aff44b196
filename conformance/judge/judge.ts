import type { Event, Header, SendCall, SyncCall } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { type Finding, newFinding, type ViolationDetail } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import { AliveTime } from "./alive-time.js";
import { ClockSteps } from "./clock-steps.js";
import { InboxJudge } from "./inbox.js";
import { timeText } from "./messages.js";
import type { AckedState, SyncTicket, WatchTicket } from "./numbering.js";
import { SendJudge } from "./send-outcome.js";
import { mayExist, type Send, Sends } from "./sends.js";
import { SlowSyncs } from "./slow-syncs.js";
import { Wakes } from "./wakes.js";
import { DedupWindows } from "./windows.js";

/** An operation that has no outcome yet. */
type PendingOperation =
  | { kind: "send"; call: Event; send: Send; begun: number; ackedState: AckedState | undefined }
  | { kind: "sync"; call: Event; args: SyncCall; inbox: InboxJudge; ticket: SyncTicket }
  | { kind: "watch"; call: Event; inbox: InboxJudge; userId: string; ticket: WatchTicket }
  | { kind: "loss"; call: Event; inboxes: readonly InboxJudge[] }
  | { kind: "step"; call: Event }
  | { kind: "other"; call: Event };

/**
 * Judges from a history alone whether a server conforms to the specification: pass all events in their order to
 * `observe`, then call `finish`. The judge knows only what clients saw. It assumes that a call takes effect at one
 * moment between its call event and its response; a call without a response takes effect at any moment after its call
 * event, or never; a refused call takes no effect. Each finding blames one requirement.
 */
export class Judge {
  /**
   * Number of checks of each requirement that could have found a violation. A requirement without an entry was not
   * checked.
   */
  readonly exercised = new Map<RequirementId, number>();
  /** Number of violations so far, with those that are not reported because they repeat one. */
  violations = 0;
  readonly #inboxes = new Map<string, InboxJudge>();
  readonly #sends = new Sends();
  readonly #windows = new DedupWindows();
  readonly #clock = new ClockSteps();
  readonly #alive = new AliveTime();
  readonly #wakes: Wakes;
  readonly #slowSyncs: SlowSyncs;
  readonly #pending = new Map<bigint, PendingOperation>();
  readonly #findings: Finding[] = [];
  readonly #reported = new Set<string>();
  readonly #countExercised = (rule: RequirementId) => this.exercised.set(rule, (this.exercised.get(rule) ?? 0) + 1);
  readonly #sendJudge = new SendJudge({
    sends: this.#sends,
    clock: this.#clock,
    lostSince: (recipient, at) => this.#inboxes.get(recipient)?.lostSince(at) ?? false,
    exercised: this.#countExercised,
    report: (userId, evidence, violation) => this.#report(userId, evidence, violation),
  });
  #header: Header | undefined;
  #now = 0;

  /** `timeoutScale` multiplies the time limits of the specification. */
  constructor(timeoutScale = 1) {
    this.#wakes = new Wakes(this.#alive, timeoutScale);
    this.#slowSyncs = new SlowSyncs(this.#alive, timeoutScale);
  }

  /** Processes the next event of the history. */
  observe(event: Event): void {
    this.#now += 1;
    for (const send of this.#windows.expire(this.#clock.latest(event.atMicros))) this.#allowDuplicate(send);
    const { body } = event;
    switch (body.case) {
      case "header": {
        const { dedupWindow } = body.value;
        this.#header = body.value;
        if (dedupWindow !== undefined) {
          const nanos = dedupWindow.seconds * 1_000_000_000n + BigInt(dedupWindow.nanos);
          // 0 would mean that the window is unknown.
          this.#sendJudge.windowMicros = nanos > 0n && nanos < 1000n ? 1n : nanos / 1000n;
        }
        break;
      }
      case "accountOpened":
        this.#inbox(body.value.userId).start(body.value.startSeq, event);
        break;
      case "sendCall":
        this.#sendCall(event, body.value);
        break;
      case "syncCall": {
        const inbox = this.#inbox(body.value.userId);
        const ticket = inbox.syncCall(this.#now, body.value, event);
        this.#pending.set(event.op, { kind: "sync", call: event, args: body.value, inbox, ticket });
        break;
      }
      case "watchCall": {
        const inbox = this.#inbox(body.value.userId);
        const { userId } = body.value;
        this.#pending.set(event.op, { kind: "watch", call: event, inbox, userId, ticket: inbox.watchCall(this.#now) });
        break;
      }
      case "rotateCall": {
        const inbox = this.#inbox(body.value.userId);
        inbox.beginRotation(this.#now);
        this.#wakes.disturb(body.value.userId);
        this.#pending.set(event.op, { kind: "loss", call: event, inboxes: [inbox] });
        break;
      }
      case "restartCall": {
        const inboxes = [...this.#inboxes.values()];
        for (const inbox of inboxes) inbox.beginRestart(this.#now);
        for (const userId of this.#inboxes.keys()) this.#wakes.disturb(userId);
        this.#pending.set(event.op, { kind: "loss", call: event, inboxes });
        break;
      }
      case "revokeCall":
        this.#wakes.disturb(body.value.userId);
        this.#pending.set(event.op, { kind: "other", call: event });
        break;
      case "stepClockCall":
        this.#clock.begin(body.value.offsetMs);
        this.#pending.set(event.op, { kind: "step", call: event });
        break;
      case "watchFrame": {
        const operation = this.#pending.get(event.op);
        if (operation?.kind !== "watch") break;
        operation.inbox.watchFrame(this.#now, operation.ticket, body.value, operation.call, event);
        if (this.#wakes.frame(operation.userId, operation.call, event, body.value)) this.#countExercised("WATCH-WAKE");
        break;
      }
      case undefined:
        break;
      default:
        this.#outcome(event, body);
    }
  }

  /**
   * Returns the violations in the order in which they were found: the first one is the most likely root cause. Call it
   * once.
   */
  finish(): Finding[] {
    for (const inbox of this.#inboxes.values()) inbox.finish();
    return this.#findings;
  }

  #outcome(event: Event, body: Event["body"]): void {
    const operation = this.#pending.get(event.op);
    if (operation === undefined) return; // the history is damaged, which its reader reports
    this.#pending.delete(event.op);
    const isAnswer = body.case === "sendReturn" || body.case === "syncReturn" || body.case === "refused";
    if (operation.kind !== "watch" && isAnswer && this.#alive.answered(operation.call.atMicros, event.atMicros))
      for (const { userId, evidence, violation } of this.#wakes.missed(event.atMicros))
        this.#report(userId, evidence, violation);
    switch (operation.kind) {
      case "send":
        this.#sendOutcome(operation, event, body);
        break;
      case "sync": {
        const { inbox, ticket, args, call } = operation;
        if (body.case === "syncReturn") inbox.syncReturn(this.#now, ticket, args, body.value, call, event);
        else if (body.case === "refused") inbox.syncRefused(ticket, args, body.value, call, event);
        else inbox.syncWithoutResponse(ticket, args);
        const waited = body.case === "syncReturn" ? this.#slowSyncs.judge(ticket, call, event) : undefined;
        if (waited !== undefined) this.#report(args.userId, [call, event], waited);
        break;
      }
      case "watch":
        this.#wakes.end(event.op);
        break;
      case "loss":
        for (const inbox of operation.inboxes) {
          // A loss with an indeterminate outcome may happen at any later time, so it does not end.
          if (body.case === "refused") inbox.cancelLoss(this.#now);
          else if (body.case !== "noResponse") inbox.endLoss(this.#now);
        }
        break;
      case "step":
        this.#clock.end(body.case === "done" || body.case === "refused" ? body.case : "indeterminate");
        break;
      default:
        break;
    }
  }

  #sendCall(event: Event, args: SendCall): void {
    const { senderId: sender, clientMessageId: id, recipientId: recipient, payload: fingerprint } = args;
    const windowFromMicros = this.#clock.earliest(event.atMicros);
    const send = this.#sends.begin(this.#now, event, { sender, id, recipient, fingerprint, windowFromMicros });
    const { windowMicros } = this.#sendJudge;
    if (this.#sendJudge.isLate(send, event.atMicros)) this.#allowDuplicate(send);
    else {
      if (windowMicros > 0n) this.#windows.open(event.op, send, send.windowFromMicros + windowMicros);
      if (send.pending + send.indeterminate + send.accepted === 1) this.#inboxes.get(recipient)?.addPossibleMessage();
    }
    const inbox = this.#inboxes.get(recipient);
    inbox?.countPendingSends(1);
    this.#pending.set(event.op, { kind: "send", call: event, send, begun: this.#now, ackedState: inbox?.ackedState });
  }

  /** After the dedup window, an attempt may create a second message, unless it is the only attempt. */
  #allowDuplicate(send: Send): void {
    if (send.attempts === 1) return;
    send.mayDuplicate = true;
    this.#inboxes.get(send.recipient)?.addPossibleMessage();
  }

  #sendOutcome(
    { send, call, begun, ackedState }: PendingOperation & { kind: "send" },
    event: Event,
    body: Event["body"],
  ): void {
    const inbox = this.#inboxes.get(send.recipient);
    send.pending -= 1;
    inbox?.countPendingSends(-1);
    if (body.case === "refused" || body.case === "sendReturn") this.#windows.close(event.op);
    if (body.case === "refused") {
      if (!mayExist(send)) inbox?.removePossibleMessage();
      this.#sendJudge.refused({ send, inbox, call, event, begun, ackedState }, body.value);
      return;
    }
    if (body.case !== "sendReturn") {
      send.indeterminate += 1;
      return;
    }
    send.accepted += 1;
    send.lastAccepted = this.#now;
    const { acceptedAt: time } = body.value;
    const acceptedAt = time === undefined ? undefined : timeText(time);
    const acceptance = { begun, at: this.#now, event, acceptedAt };
    // An attempt that began before the end of a data loss may have been accepted before the loss.
    const ambiguous =
      (send.ambiguousUntil !== undefined && begun <= send.ambiguousUntil) || (inbox?.rotatedSince(begun) ?? false);
    // In that case, another attempt may have created the message that is in the inbox now, with another accepted_at.
    const isCurrent = !ambiguous || send.attempts === 1;
    this.#sendJudge.accepted({ send, inbox, call, event, begun }, acceptance, isCurrent);
    if (!ambiguous) send.acceptedAt ??= acceptance.acceptedAt;
    if (send.latest === undefined || begun > send.latest.begun) send.latest = acceptance;
    if (send.first !== undefined || ambiguous) return;
    send.ambiguousUntil = undefined;
    send.first = acceptance;
    const covered = inbox?.sendAccepted(send, acceptance);
    if (covered !== undefined) this.#wakes.accepted(send.recipient, covered.epoch, covered.svrSeq, event);
  }

  #inbox(userId: string): InboxJudge {
    let inbox = this.#inboxes.get(userId);
    if (inbox === undefined) {
      inbox = new InboxJudge(userId, {
        sends: this.#sends,
        maxPageSize: () => this.#header?.maxPageSize ?? 0,
        durable: () => this.#header?.profiles.includes(Profile.DURABLE) ?? false,
        exercised: this.#countExercised,
        report: (evidence, violation) => this.#report(userId, evidence, violation),
      });
      this.#inboxes.set(userId, inbox);
    }
    return inbox;
  }

  /** Reports each requirement once for each inbox: further violations are likely to have the same cause. */
  #report(userId: string, evidence: readonly Event[], violation: ViolationDetail): void {
    this.violations += 1;
    const key = `${violation.requirement} ${userId}`;
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    this.#findings.push(newFinding(violation, evidence));
  }
}
