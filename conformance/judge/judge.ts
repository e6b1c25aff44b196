import type { Event, Header, Refused, SendCall, SyncCall } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { RequirementId } from "../registry/requirements.js";
import type { Finding } from "../verdict.js";
import { InboxJudge, type SyncTicket, type WatchTicket } from "./inbox.js";
import type { Breached } from "./page.js";
import { type Send, Sends } from "./sends.js";
import { timeText } from "./time.js";

/** An operation under way. */
type Open =
  | { kind: "send"; call: Event; args: SendCall; send: Send; begun: number }
  | { kind: "sync"; call: Event; args: SyncCall; inbox: InboxJudge; ticket: SyncTicket }
  | { kind: "watch"; call: Event; inbox: InboxJudge; ticket: WatchTicket }
  | { kind: "rotate"; call: Event; inbox: InboxJudge }
  | { kind: "restart" | "other"; call: Event };

/**
 * Decides from a history alone whether a server kept the specification: feed it the events in their order, then ask what it
 * found. It assumes nothing but what clients saw: a call has its effect at one moment between its call and its answer, one
 * that was lost at any moment from then on or never, one that was refused not at all. Each breach blames one requirement.
 */
export class Judge {
  readonly #inboxes = new Map<string, InboxJudge>();
  readonly #sends = new Sends();
  readonly #open = new Map<bigint, Open>();
  readonly #findings: Finding[] = [];
  readonly #reported = new Set<string>();
  #header: Header | undefined;
  #now = 0;

  /** Takes the next event. */
  observe(event: Event): void {
    this.#now += 1;
    const { what } = event;
    switch (what.case) {
      case "header":
        this.#header = what.value;
        break;
      case "accountOpened":
        this.#inbox(what.value.userId).open(what.value.startSeq, event);
        break;
      case "sendCall":
        this.#sendCall(event, what.value);
        break;
      case "syncCall": {
        const inbox = this.#inbox(what.value.userId);
        this.#open.set(event.op, {
          kind: "sync",
          call: event,
          args: what.value,
          inbox,
          ticket: inbox.syncCall(this.#now, what.value, event),
        });
        break;
      }
      case "watchCall": {
        const inbox = this.#inbox(what.value.userId);
        this.#open.set(event.op, { kind: "watch", call: event, inbox, ticket: inbox.watchCall(this.#now) });
        break;
      }
      case "rotateCall": {
        const inbox = this.#inbox(what.value.userId);
        inbox.lossBegins();
        this.#open.set(event.op, { kind: "rotate", call: event, inbox });
        break;
      }
      case "restartCall":
        for (const inbox of this.#inboxes.values()) inbox.restartBegins();
        this.#open.set(event.op, { kind: "restart", call: event });
        break;
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

  #outcome(event: Event, what: Event["what"]): void {
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
        else open.inbox.syncLost(open.ticket);
        break;
      case "rotate":
        open.inbox.lossEnds(this.#now);
        break;
      case "restart":
        for (const inbox of this.#inboxes.values()) inbox.restartEnds();
        break;
      default:
        break;
    }
  }

  #sendCall(event: Event, args: SendCall): void {
    const { senderId: sender, clientMessageId: id, recipientId: recipient, payload: print } = args;
    const send = this.#sends.begin(this.#now, event, { sender, id, recipient, print });
    if (send.possible === 1) this.#inboxes.get(recipient)?.sendBegins();
    this.#open.set(event.op, { kind: "send", call: event, args, send, begun: this.#now });
  }

  #sendOutcome(open: Open & { kind: "send" }, event: Event, what: Event["what"]): void {
    const { send } = open;
    const inbox = this.#inboxes.get(send.recipient);
    send.open -= 1;
    if (what.case === "refused") {
      send.possible -= 1;
      if (send.possible === 0) inbox?.sendRefused();
      this.#judgeRefusedSend(open, inbox, what.value, event);
      return;
    }
    if (what.case !== "sendReturn") return; // lost: it stays possible
    this.#judgeAcceptedSend(open, event, what.value.acceptedAt);
    if (send.accepted === Number.POSITIVE_INFINITY) {
      send.accepted = this.#now;
      send.acceptance = event;
      if (!send.straddles) inbox?.sendAccepted(send, event);
    }
  }

  #judgeAcceptedSend(
    { send, call, begun }: Open & { kind: "send" },
    event: Event,
    at: { seconds: bigint; nanos: number } | undefined,
  ): void {
    const evidence = [call, event];
    if (at === undefined) {
      this.#report(send.recipient, evidence, {
        requirement: "SEND-ACCEPTED-AT",
        message: "an accepted Send has no accepted_at",
        expected: "accepted_at",
        actual: "none",
      });
    } else {
      const told = timeText(at);
      if (send.acceptedAt !== undefined && send.acceptedAt !== told && !send.straddles) {
        this.#report(send.recipient, [send.acceptance ?? send.call, ...evidence], {
          requirement: send.overlapped ? "SEND-RETRY-CONCURRENT" : "SEND-RETRY",
          message: "a repeated Send was answered with another accepted_at",
          expected: send.acceptedAt,
          actual: told,
        });
      }
      send.acceptedAt ??= told;
    }
    const other = this.#sends
      .sharing(send.sender, send.id)
      .find((it) => it !== send && it.accepted < begun && !it.straddles);
    if (other !== undefined) {
      this.#report(send.recipient, [other.call, ...(other.acceptance ? [other.acceptance] : []), ...evidence], {
        requirement: "SEND-ID-REUSED",
        message: "a client_message_id was accepted again for another recipient or payload",
        expected: "a refusal with CLIENT_MESSAGE_ID_REUSED",
        actual: "it was accepted",
      });
    }
  }

  #judgeRefusedSend(
    { send, call }: Open & { kind: "send" },
    inbox: InboxJudge | undefined,
    refusal: Refused,
    event: Event,
  ): void {
    const wrong = (requirement: RequirementId, message: string) =>
      this.#report(send.recipient, [call, event], {
        requirement,
        message,
        expected: "it is accepted",
        actual: `${refusal.code} ${Reason[refusal.reason]}`,
      });
    switch (refusal.reason) {
      case Reason.RECIPIENT_UNKNOWN:
        if (inbox !== undefined) wrong("SEND-ACCEPT", "a Send to an account that exists was refused as unknown");
        break;
      case Reason.SEQ_EXHAUSTED:
        if (send.accepted < Number.POSITIVE_INFINITY)
          wrong("SEND-RETRY-FIRST", "a repeated Send was refused for the state of the inbox");
        else if (inbox !== undefined && !inbox.mayBeExhausted())
          wrong("SEND-ACCEPT", "a Send was refused as if the inbox had no seq left");
        break;
      case Reason.BACKLOG_FULL:
        if (send.accepted < Number.POSITIVE_INFINITY)
          wrong("SEND-RETRY-FIRST", "a repeated Send was refused for the state of the inbox");
        break;
      case Reason.CLIENT_MESSAGE_ID_REUSED: {
        const rivals = this.#sends.sharing(send.sender, send.id).filter((it) => it !== send);
        if (rivals.some((it) => it.possible > 0)) break;
        if (send.accepted < Number.POSITIVE_INFINITY)
          wrong("SEND-RETRY", "a repeated Send was refused as if it were another");
        else if (rivals.length > 0 || send.attempts > 1)
          wrong("SEND-ID-FREE", "an id that was only used in refused Sends was refused as used");
        else if (this.#sends.search((it) => it.id === send.id && it.sender !== send.sender) !== undefined) {
          wrong("SEND-ID-SCOPE", "an id was refused because another sender used it");
        } else wrong("SEND-ACCEPT", "an id that was never used was refused as used");
        break;
      }
      default:
        break; // whether these are right depends on the credential or on limits, which a history does not hold
    }
  }

  #inbox(userId: string): InboxJudge {
    let inbox = this.#inboxes.get(userId);
    if (inbox === undefined) {
      inbox = new InboxJudge(userId, {
        sends: this.#sends,
        maxPageSize: () => this.#header?.maxPageSize ?? 0,
        durable: () => this.#header?.profiles.includes(Profile.DURABLE) ?? false,
        report: (evidence, breached) => this.#report(userId, evidence, breached),
      });
      this.#inboxes.set(userId, inbox);
    }
    return inbox;
  }

  /** One finding for a requirement and an inbox is enough: what follows is the same fault again. */
  #report(userId: string, evidence: readonly Event[], breached: Breached): void {
    const key = `${breached.requirement} ${userId}`;
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    this.#findings.push({ ...breached, evidence });
  }
}
