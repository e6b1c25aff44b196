import type { Event, Header, SendCall, SyncCall } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { Finding } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import { InboxJudge } from "./inbox.js";
import type { AckedState, SyncTicket, WatchTicket } from "./numbering.js";
import { SendJudge } from "./send-outcome.js";
import { isPossible, type Send, Sends } from "./sends.js";
import { timeText } from "./time.js";
import { DedupWindows } from "./windows.js";

/** An operation under way. */
type Open =
  | { kind: "send"; call: Event; send: Send; begun: number; emptied: AckedState | undefined }
  | { kind: "sync"; call: Event; args: SyncCall; inbox: InboxJudge; ticket: SyncTicket }
  | { kind: "watch"; call: Event; inbox: InboxJudge; ticket: WatchTicket }
  | { kind: "loss"; call: Event; inboxes: readonly InboxJudge[] }
  | { kind: "other"; call: Event };

/**
 * Decides from a history alone whether a server kept the specification: feed it the events in their order, then ask what it
 * found. It assumes nothing but what clients saw: a call has its effect at one moment between its call and its answer, one
 * that was lost at any moment from then on or never, one that was refused not at all. Each breach blames one requirement.
 */
export class Judge {
  /** How often each rule could have been broken: one that is missing here was not checked by this history. */
  readonly applied = new Map<RequirementId, number>();
  readonly #inboxes = new Map<string, InboxJudge>();
  readonly #sends = new Sends();
  readonly #windows = new DedupWindows();
  readonly #open = new Map<bigint, Open>();
  readonly #findings: Finding[] = [];
  readonly #reported = new Set<string>();
  readonly #applies = (rule: RequirementId) => this.applied.set(rule, (this.applied.get(rule) ?? 0) + 1);
  readonly #sendJudge = new SendJudge({
    sends: this.#sends,
    lostSince: (recipient, at) => this.#inboxes.get(recipient)?.lostSince(at) ?? false,
    exercised: this.#applies,
    report: (userId, evidence, breached) => this.#report(userId, evidence, breached),
  });
  #header: Header | undefined;
  #now = 0;

  /** Takes the next event. */
  observe(event: Event): void {
    this.#now += 1;
    for (const send of this.#windows.over(event.atMicros)) this.#mayRepeat(send);
    const { body: what } = event;
    switch (what.case) {
      case "header": {
        const { dedupWindow } = what.value;
        this.#header = what.value;
        if (dedupWindow !== undefined)
          this.#sendJudge.windowMicros =
            dedupWindow.seconds * 1_000_000n + BigInt(Math.floor(dedupWindow.nanos / 1000));
        break;
      }
      case "accountOpened":
        this.#inbox(what.value.userId).open(what.value.startSeq, event);
        break;
      case "sendCall":
        this.#sendCall(event, what.value);
        break;
      case "syncCall": {
        const inbox = this.#inbox(what.value.userId);
        const ticket = inbox.syncCall(this.#now, what.value, event);
        this.#open.set(event.op, { kind: "sync", call: event, args: what.value, inbox, ticket });
        break;
      }
      case "watchCall": {
        const inbox = this.#inbox(what.value.userId);
        this.#open.set(event.op, { kind: "watch", call: event, inbox, ticket: inbox.watchCall(this.#now) });
        break;
      }
      case "rotateCall": {
        const inbox = this.#inbox(what.value.userId);
        inbox.lossBegins(this.#now);
        this.#open.set(event.op, { kind: "loss", call: event, inboxes: [inbox] });
        break;
      }
      case "restartCall": {
        const inboxes = [...this.#inboxes.values()];
        for (const inbox of inboxes) inbox.restartBegins(this.#now);
        this.#open.set(event.op, { kind: "loss", call: event, inboxes });
        break;
      }
      case "revokeCall":
        this.#open.set(event.op, { kind: "other", call: event });
        break;
      case "watchFrame": {
        const open = this.#open.get(event.op);
        if (open?.kind === "watch") open.inbox.watchFrame(this.#now, open.ticket, what.value, open.call, event);
        break;
      }
      case undefined:
        break;
      default:
        this.#outcome(event, what);
    }
  }

  /** What is broken, in the order in which it showed: the first is the likeliest root cause. Call it once, at the end. */
  finish(): Finding[] {
    for (const inbox of this.#inboxes.values()) inbox.finish();
    return this.#findings;
  }

  #outcome(event: Event, what: Event["body"]): void {
    const open = this.#open.get(event.op);
    if (open === undefined) return; // a damaged history; its reader says so
    this.#open.delete(event.op);
    switch (open.kind) {
      case "send":
        this.#sendOutcome(open, event, what);
        break;
      case "sync":
        if (what.case === "syncReturn")
          open.inbox.syncReturn(this.#now, open.ticket, open.args, what.value, open.call, event);
        else if (what.case === "refused") open.inbox.syncRefused(open.ticket, open.args, what.value, open.call, event);
        else open.inbox.syncLost(open.ticket, open.args);
        break;
      case "loss":
        for (const inbox of open.inboxes) {
          // One whose outcome nobody knows may come at any later time.
          if (what.case === "refused") inbox.lossRefused(this.#now);
          else if (what.case !== "noResponse") inbox.lossEnds(this.#now);
        }
        break;
      default:
        break;
    }
  }

  #sendCall(event: Event, args: SendCall): void {
    const { senderId: sender, clientMessageId: id, recipientId: recipient, payload: print } = args;
    const send = this.#sends.begin(this.#now, event, { sender, id, recipient, print });
    const { windowMicros } = this.#sendJudge;
    if (this.#sendJudge.isLate(send, event.atMicros)) this.#mayRepeat(send);
    else {
      if (windowMicros > 0n) this.#windows.open(event.op, send, send.call.atMicros + windowMicros);
      if (send.open + send.lost + send.accepted === 1) this.#inboxes.get(recipient)?.sendBegins();
    }
    const inbox = this.#inboxes.get(recipient);
    inbox?.sendsUnderWay(1);
    this.#open.set(event.op, { kind: "send", call: event, send, begun: this.#now, emptied: inbox?.emptied });
  }

  /** One of its attempts may take effect after the dedup window, and make another message: if it is not the only one. */
  #mayRepeat(send: Send): void {
    if (send.attempts === 1) return;
    send.mayRepeat = true;
    this.#inboxes.get(send.recipient)?.sendBegins();
  }

  #sendOutcome({ send, call, begun, emptied }: Open & { kind: "send" }, event: Event, what: Event["body"]): void {
    const inbox = this.#inboxes.get(send.recipient);
    send.open -= 1;
    inbox?.sendsUnderWay(-1);
    if (what.case === "refused" || what.case === "sendReturn") this.#windows.settle(event.op);
    if (what.case === "refused") {
      if (!isPossible(send)) inbox?.sendRefused();
      this.#sendJudge.refused({ send, inbox, call, event, begun, ackedState: emptied }, what.value);
      return;
    }
    if (what.case !== "sendReturn") {
      send.lost += 1;
      return;
    }
    send.accepted += 1;
    send.answered = this.#now;
    const at = what.value.acceptedAt;
    const acceptance = { begun, at: this.#now, event, time: at === undefined ? undefined : timeText(at) };
    // What was sent before a loss and is accepted now may be accepted from before it.
    const straddles =
      (send.ambiguousUntil !== undefined && begun <= send.ambiguousUntil) || (inbox?.rotatedSince(begun) ?? false);
    // Of several attempts it may then be another one that made what is there now, or makes it later, at another time.
    const isTime = !straddles || send.attempts === 1;
    this.#sendJudge.accepted({ send, inbox, call, event, begun }, acceptance, isTime);
    if (!straddles) send.time ??= acceptance.time;
    if (send.latest === undefined || begun > send.latest.begun) send.latest = acceptance;
    if (send.first !== undefined || straddles) return;
    send.ambiguousUntil = undefined;
    send.first = acceptance;
    inbox?.sendAccepted(send, acceptance);
  }

  #inbox(userId: string): InboxJudge {
    let inbox = this.#inboxes.get(userId);
    if (inbox === undefined) {
      inbox = new InboxJudge(userId, {
        sends: this.#sends,
        maxPageSize: () => this.#header?.maxPageSize ?? 0,
        durable: () => this.#header?.profiles.includes(Profile.DURABLE) ?? false,
        exercised: this.#applies,
        report: (evidence, breached) => this.#report(userId, evidence, breached),
      });
      this.#inboxes.set(userId, inbox);
    }
    return inbox;
  }

  /** One finding for a requirement and an inbox is enough: what follows is the same fault again. */
  #report(userId: string, evidence: readonly Event[], breached: Omit<Finding, "evidence">): void {
    const key = `${breached.requirement} ${userId}`;
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    this.#findings.push({ ...breached, evidence });
  }
}
