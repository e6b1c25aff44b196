import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ErrorDetail } from "../../proto/gen/seqsync/v1/error_pb.js";
import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { ViolationDetail } from "../findings.js";
import { jsonObject, parseError } from "../rpc/connect.js";
import { pairsOf } from "../rpc/every-response.js";
import type { HttpRequest, HttpResponse } from "../transport/messages.js";
import { isCompressed, isDistinctive, requestTexts, textsOf } from "./response-texts.js";

/** Ids and contents of the last messages are looked for, up to this number. */
const MAX_MESSAGES = 2000;
/** A smaller number may be in a response for another reason, unless its name tells what it is. */
const LARGE = 10_000_000;
/** Limits that an error may name. */
const LIMITS: readonly number[] = [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32];

/** Names of headers and of JSON members whose number can only be a seq. */
const SEQ_NAME = /^(x-)?(inbox|message|msg)?[-_]?(svr|acked|next[-_]?cli)?[-_]?seq$/i;
/** The same in a sentence. */
const SEQ_IN_TEXT = /(?<![\w-])(?:svr_?seq|acked_?seq|seq)\b["']?\s*(?:is|of|at|=|:)?\s*(\d{1,10})\b/gi;

/** An account, as far as responses to others must not reveal it. */
export interface KnownAccount {
  readonly name: string;
  readonly userId: string;
  readonly token: string;
}

/** What is known of the inbox of an account. */
interface Inbox {
  readonly epochs: Set<string>;
  lowest: number;
  /** The highest seq that can have been assigned. */
  highest: number;
}

/**
 * Looks in the responses of a case for what they must not reveal: in an error, data of accounts other than the caller's;
 * in any response to a Send, the numbers and the epoch of the recipient's inbox. What the request itself held is no
 * leak. It looks only for what no response holds by chance.
 */
export class Leaks {
  readonly #accounts: readonly KnownAccount[];
  readonly #nonce: string;
  readonly #inboxes = new Map<string, Inbox>();
  /** Ids and payloads with the users who know them. */
  readonly #messages = new Map<string, Set<string>>();
  readonly #userOf = new Map<bigint, string>();
  #learned = 0;

  /** `nonce` is part of the ids of the case, and of nothing else. */
  constructor(accounts: readonly KnownAccount[], nonce: string) {
    this.#accounts = accounts;
    this.#nonce = Buffer.from(nonce).toString("latin1");
  }

  /** Learns from the events that are new. */
  learn(events: readonly Event[]): void {
    for (; this.#learned < events.length; this.#learned += 1) this.#learnFrom(events[this.#learned] as Event);
  }

  /** Returns the violations of a response. */
  find(request: HttpRequest, response: HttpResponse): ViolationDetail[] {
    const { path, headers = {} } = request;
    const pairs = pairsOf(headers);
    const isSend = path === `/${SeqSyncService.typeName}/${SeqSyncService.method.send.name}`;
    const isError = response.status !== 200;
    if (!path.startsWith("/seqsync.v1.") || !(isSend || isError)) return [];
    let texts: string | undefined;
    const sent = {
      includes(text: string): boolean {
        texts ??= requestTexts(request);
        return texts.includes(text);
      },
    };
    // Of a compressed request it is not known what it holds.
    if (isCompressed(request)) return [];
    const callers = this.#accounts.filter(({ token }) => pairs.some(([, value]) => value.includes(token)));
    const search: Search = { sent, texts: textsOf(response), callers, response, isSend, isError };
    const detail = isError ? errorOf(response)?.detail : undefined;
    const state = isSend && detail !== undefined ? stateIn(detail) : undefined;
    const violations = [isError ? this.#findPrivate(search) : undefined, state ?? this.#findState(search)];
    return violations.filter((it) => it !== undefined);
  }

  /** Looks for tokens, user ids, message ids and contents of others. */
  #findPrivate({ sent, texts, callers }: Search): ViolationDetail | undefined {
    const isHere = (secret: string) => texts.includes(secret) && !sent.includes(secret);
    for (const account of this.#accounts) {
      if (callers.includes(account)) continue;
      const { name, token } = account;
      const isLong = token.length >= 8;
      if (isLong && isHere(token)) return leak("ERR-NO-LEAK", `an error holds ${name}'s token`, "the token");
      const userId = latin1(account.userId);
      const isPartOfOwn = callers.some((it) => latin1(it.userId).includes(userId));
      if (isDistinctive(userId) && !isPartOfOwn && isHere(userId))
        return leak("ERR-NO-LEAK", `an error holds the user id of ${name}, who is not the caller`, account.userId);
    }
    if (!texts.includes(this.#nonce)) return undefined;
    for (const [secret, users] of this.#messages)
      if (!callers.some(({ userId }) => users.has(userId)) && isHere(secret))
        return leak("ERR-NO-LEAK", "an error holds the id or the content of a message of another account", secret);
    return undefined;
  }

  /** Looks for seqs and epochs: in an error those of others, in a response to a Send those of the recipient too. */
  #findState(search: Search): ViolationDetail | undefined {
    const { sent, callers, isSend, isError } = search;
    for (const account of this.#accounts) {
      const inbox = this.#inboxes.get(account.userId);
      const isCaller = callers.includes(account);
      const isRecipient = isSend && sent.includes(latin1(account.userId));
      if (inbox === undefined || (isCaller ? !isRecipient : !isError && !isRecipient)) continue;
      const found = this.#epochIn(search, inbox, isRecipient) ?? numberIn(search, inbox, isRecipient);
      if (found === undefined) continue;
      const requirement = isError && !isCaller ? "ERR-NO-LEAK" : "SEND-SEQ-HIDDEN";
      const where = isError ? `an error${isSend ? " of a Send" : ""}` : "the response to a Send";
      return leak(requirement, `${where} holds the ${found.what} of ${account.name}'s inbox`, found.text);
    }
    return undefined;
  }

  #epochIn({ sent, texts, callers }: Search, { epochs }: Inbox, isRecipient: boolean) {
    // All inboxes of a server may have the same epoch.
    const own = callers.map(({ userId }) => this.#inboxes.get(userId));
    const mayBeOwn = own.length === 0 || own.some((it) => it === undefined || it.epochs.size === 0);
    if (!isRecipient && mayBeOwn) return undefined;
    for (const epoch of epochs) {
      const text = latin1(epoch);
      const isShared = !isRecipient && own.some((it) => it?.epochs.has(epoch));
      if (isDistinctive(text) && !isShared && texts.includes(text) && !sent.includes(text))
        return { what: "epoch", text: epoch };
    }
    return undefined;
  }

  #learnFrom({ op, body }: Event): void {
    switch (body.case) {
      case "accountOpened":
        if (body.value.startSeq !== undefined) this.#learnSeqs(body.value.userId, body.value.startSeq);
        break;
      case "sendCall": {
        const { senderId, recipientId, clientMessageId, payload } = body.value;
        const inbox = this.#inboxes.get(recipientId);
        if (inbox !== undefined) inbox.highest += 1;
        for (const text of [clientMessageId, Buffer.from(payload?.head ?? []).toString("utf8")])
          this.#learnMessage(latin1(text), [senderId, recipientId]);
        break;
      }
      case "syncCall":
      case "watchCall":
        this.#userOf.set(op, body.value.userId);
        break;
      case "syncReturn": {
        const { epoch, svrSeq, ackedSeq } = body.value;
        this.#learnSeqs(this.#userOf.get(op), ackedSeq, svrSeq, epoch);
        this.#userOf.delete(op);
        break;
      }
      case "watchFrame":
        this.#learnSeqs(this.#userOf.get(op), body.value.svrSeq, body.value.svrSeq, body.value.epoch);
        break;
      case "rotateCall":
      case "restartCall":
        // The numbers may begin anew.
        for (const inbox of this.#inboxes.values()) inbox.lowest = 0;
        break;
      default:
        break;
    }
  }

  #learnSeqs(userId: string | undefined, lowest: number, highest = lowest, epoch = ""): void {
    if (userId === undefined) return;
    const inbox = this.#inboxes.get(userId) ?? { epochs: new Set<string>(), lowest, highest };
    inbox.lowest = Math.min(inbox.lowest, lowest);
    inbox.highest = Math.max(inbox.highest, highest);
    if (epoch !== "") inbox.epochs.add(epoch);
    this.#inboxes.set(userId, inbox);
  }

  #learnMessage(text: string, users: readonly string[]): void {
    if (text.length < 8 || !text.includes(this.#nonce)) return;
    const known = this.#messages.get(text) ?? new Set();
    for (const user of users) known.add(user);
    this.#messages.set(text, known);
    const [oldest] = this.#messages.keys();
    if (this.#messages.size > MAX_MESSAGES && oldest !== undefined) this.#messages.delete(oldest);
  }
}

interface Search {
  /** Texts of the request, which are collected once they are needed. */
  sent: { includes(text: string): boolean };
  /** Texts of the response, in latin1: each byte is a character. */
  texts: string;
  callers: readonly KnownAccount[];
  response: HttpResponse;
  isSend: boolean;
  isError: boolean;
}

/** Looks for a seq: for a large number anywhere, and in a response to a Send for any number that is called a seq. */
function numberIn(
  { sent, texts, response, isSend, isError }: Search,
  { lowest, highest }: Inbox,
  isRecipient: boolean,
) {
  for (const [digits] of texts.matchAll(/(?<![\d.])\d{8,10}(?![\d.])/g)) {
    const number = Number(digits);
    // A range of many numbers also holds times and sizes.
    const isSeq = number >= LARGE && number >= lowest && number <= highest + 1 && highest - lowest < LARGE;
    if (isSeq && !LIMITS.includes(number) && !sent.includes(digits)) return { what: "seq", text: digits };
  }
  if (!isSend || !isRecipient) return undefined;
  const sentences = isError ? Buffer.from(response.body).toString("utf8") : "";
  const told = [...sentences.matchAll(SEQ_IN_TEXT)].map(([, digits]) => Number(digits));
  const named = [...namedNumbers(response), ...told];
  const seq = named.find((it) => it >= Math.max(1, lowest) && it <= highest + 1 && !LIMITS.includes(it));
  return seq === undefined || sent.includes(`${seq}`) ? undefined : { what: "seq", text: `${seq}` };
}

/** The numbers in headers and JSON members that are called a seq. */
function namedNumbers({ headers, body }: HttpResponse): number[] {
  const named = Object.entries(headers).filter(([name]) => SEQ_NAME.test(name));
  const numbers = named.map(([, value]) => (/^\d{1,10}$/.test(value) ? Number(value) : 0));
  const text = Buffer.from(body).toString("utf8");
  const collect = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [name, member] of Object.entries(value)) {
      if (SEQ_NAME.test(name)) numbers.push(Number(member));
      collect(member);
    }
  };
  collect(jsonObject(text));
  return numbers;
}

const errorOf = ({ status, body }: HttpResponse) => parseError(status, Buffer.from(body).toString("utf8"));

/** The violation of an ErrorDetail of a Send that holds the state of an inbox. */
function stateIn({ svrSeq, epoch }: ErrorDetail): ViolationDetail | undefined {
  if (svrSeq === 0 && epoch === "") return undefined;
  return {
    requirement: "SEND-SEQ-HIDDEN",
    message: "the refusal of a Send reveals the state of the recipient's inbox",
    expected: "an ErrorDetail without svr_seq and epoch",
    actual: `svr_seq ${svrSeq}, epoch "${epoch}"`,
  };
}

const latin1 = (text: string) => Buffer.from(text).toString("latin1");

const leak = (requirement: "ERR-NO-LEAK" | "SEND-SEQ-HIDDEN", message: string, text: string): ViolationDetail => ({
  requirement,
  message,
  expected: "nothing of that in the response",
  actual: `in the response: ${Buffer.from(text, "latin1").toString("utf8")}`,
});
