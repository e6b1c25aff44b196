/** Turns a fresh mutant into a server that counts how often its fault has occurred. */
import type { RequestListener } from "node:http";
import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import {
  type SendRequest,
  type SyncRequest,
  type SyncResponse,
  SyncResponseSchema,
  type WatchResponse,
} from "../../../proto/gen/seqsync/v1/service_pb.js";
import { type Account, bearerToken, type Caller, hash } from "../../../reference-server/accounts.js";
import { digest } from "../../../reference-server/dedup.js";
import { Refusal } from "../../../reference-server/errors.js";
import type { Operations } from "../../../reference-server/http/methods.js";
import { type Inbox, MAX_SEQ } from "../../../reference-server/inbox.js";
import type { Stream } from "../../../reference-server/operations/watch.js";
import type { Service } from "../../../reference-server/service.js";
import type { Mutant, MutantOperations } from "../mutants/mutant.js";
import { findRecord } from "../mutants/send/shared.js";
import { keyOf } from "./effects/send.js";
import { Connections, type Form } from "./form.js";
import { FreshInbox } from "./fresh-inbox.js";
import type { FreshMutant } from "./fresh-mutant.js";
import type { Occasion, Target } from "./occasion.js";
import { type AccountLog, Traffic } from "./traffic.js";

/** A request in progress. */
interface Request {
  form: Form;
  arrivedAt: number;
  /** Whether the fault hits this call with a revoked token; undefined as long as that is not decided. */
  isServedThoughRevoked?: boolean;
}

const MAX_ID_BYTES = 64;
/** Number of accounts from which a stranger is chosen. */
const RECENT = 8;
/** Time for which an inbox counts as in use after its last call or message, in milliseconds. */
const ACTIVE_MS = 30_000;

/** The mutant for `startMutant`, for one server, and its counters. */
export function faultyServer(fresh: FreshMutant): { mutant: Omit<Mutant, "breaks">; traffic: Traffic } {
  const server = new FaultyServer(fresh);
  return {
    traffic: server.traffic,
    mutant: {
      name: fresh.name,
      about: fresh.about,
      inbox: FreshInbox,
      handler: (real, service) => server.handler(real, service),
      operations: (real) => server.operations(real),
      crash: ({ inboxes }) => server.crash(inboxes),
    },
  };
}

class FaultyServer {
  readonly traffic = new Traffic();
  readonly #effect: FreshMutant["effect"];
  readonly #conditions: readonly ((occasion: Occasion) => boolean)[];
  readonly #connections = new Connections();
  /** The request whose operation is being carried out: operations are synchronous up to their first change. */
  #current: Request | undefined;
  /** Unary calls in progress, by credential. */
  readonly #inProgress = new Map<string, number>();
  readonly #revoked = new Map<string, { account: Account; at: number }>();
  readonly #owners = new WeakMap<Inbox, string>();
  readonly #epochs = new WeakMap<Inbox, string[]>();
  #recent: Account[] = [];
  #isPatched = false;

  constructor({ effect, conditions }: FreshMutant) {
    this.#effect = effect;
    this.#conditions = conditions.map((it) => it.start());
  }

  /** Whether the fault hits. */
  #hits(
    target: Target,
    occasion: Omit<Occasion, "target" | "form" | "traffic"> & { form?: Form | undefined },
  ): boolean {
    if (target !== this.#effect.target) return false;
    this.traffic.occasions += 1;
    const full = { form: this.#current?.form, ...occasion, target, traffic: this.traffic };
    return this.#conditions.map((matches) => matches(full)).every(Boolean);
  }

  #log({ userId, inbox }: Account): AccountLog {
    const log = this.traffic.account(userId);
    log.pending = inbox.pending.size;
    log.pendingBytes = (inbox as FreshInbox).pendingBytes;
    log.svrSeq = inbox.svrSeq;
    return log;
  }

  #stranger(...others: readonly Account[]): Account | undefined {
    return this.#recent.find((it) => !others.includes(it));
  }

  /** Notes how each request was written. */
  handler(real: RequestListener, service: Service): RequestListener {
    if (!this.#isPatched) this.#patchAccounts(service);
    this.#isPatched = true;
    return (req, res) => {
      const request: Request = { form: this.#connections.describe(req), arrivedAt: Date.now() };
      const credential = req.headers.authorization ?? "";
      if (request.form.rpc !== "Watch") {
        this.#inProgress.set(credential, (this.#inProgress.get(credential) ?? 0) + 1);
        res.on("close", () => this.#inProgress.set(credential, (this.#inProgress.get(credential) ?? 1) - 1));
      }
      let isApart = false;
      setImmediate(() => {
        isApart = true;
      });
      req.on("data", (chunk: Buffer) => request.form.add(chunk, isApart));
      // These two listeners enclose that of the handler, which carries the operation out.
      req.on("end", () => {
        this.#current = request;
      });
      req.on("close", () => {
        if (!req.complete) this.traffic.cutRequests += 1;
      });
      this.#current = request;
      try {
        return real(req, res);
      } finally {
        this.#current = undefined;
        req.on("end", () => {
          this.#current = undefined;
        });
      }
    };
  }

  operations(real: Operations): MutantOperations {
    return {
      createAccount: (service, request) => {
        const response = real.createAccount(service, request);
        const account = service.accounts.get(response.userId) as Account;
        this.#owners.set(account.inbox, account.userId);
        this.#log(account);
        this.#recent = [account, ...this.#recent].slice(0, RECENT);
        this.traffic.created += 1;
        return response;
      },
      send: (service, caller, request) => this.#logged(caller, () => this.#send(real, service, caller, request)),
      sync: (service, caller, request) => this.#logged(caller, () => this.#sync(real, service, caller, request)),
      watch: (service, caller, stream) => this.#watch(real, service, caller, stream),
      rotateEpoch: (service, request) => {
        const account = service.accounts.get(request.userId);
        if (account === undefined) return real.rotateEpoch(service, request);
        const inbox = account.inbox as FreshInbox;
        const log = this.#log(account);
        const epochs = this.#epochs.get(inbox) ?? [];
        epochs.push(inbox.epoch);
        this.#epochs.set(inbox, epochs);
        let response: ReturnType<Operations["rotateEpoch"]> | undefined;
        const carryOut = () => {
          response = real.rotateEpoch(service, request);
        };
        const occasion = { caller: log, inbox: log, message: undefined, ageMs: 0 };
        const hits = this.#hits("rotation", occasion);
        if (hits && this.#effect.target === "rotation")
          this.#effect.apply({ account, inbox, log, traffic: this.traffic, epochs, real: carryOut });
        else carryOut();
        log.rotations += 1;
        log.receivedInEpoch = 0;
        log.deliveredSeq = 0;
        this.traffic.rotations += 1;
        return response as ReturnType<Operations["rotateEpoch"]>;
      },
    };
  }

  crash(inboxes: Iterable<Inbox>): void {
    this.traffic.restarts += 1;
    if (this.#effect.target !== "crash") return;
    const { apply } = this.#effect;
    for (const inbox of inboxes as Iterable<FreshInbox>) {
      const log = this.traffic.account(this.#owners.get(inbox) ?? "");
      // Inboxes of cases that have ended cannot show anything.
      if (Date.now() - Math.max(log.lastCallAt, log.lastReceivedAt) > ACTIVE_MS) continue;
      const stranger = this.#recent.find((it) => it.inbox !== inbox);
      for (const message of [...inbox.pending.values()]) {
        Object.assign(log, { pending: inbox.pending.size, pendingBytes: inbox.pendingBytes, svrSeq: inbox.svrSeq });
        const ageMs = Date.now() - (message.acceptedAt === undefined ? Date.now() : timestampMs(message.acceptedAt));
        const caller = this.traffic.account(message.senderId);
        if (this.#hits("crash", { caller, inbox: log, message, ageMs }))
          apply({ inbox, log, traffic: this.traffic, stranger, message });
      }
    }
  }

  /** Carries out a call, and notes its outcome. */
  #logged<T>(caller: Caller, carryOut: () => T): T {
    const log = this.#log(caller.account);
    this.traffic.calls += 1;
    log.overlapping = this.#inProgress.get(this.#current?.form.header("authorization") ?? "") ?? 1;
    const reason = (error: unknown) => {
      log.refusals += 1;
      log.lastRefusal = error instanceof Refusal ? (Reason[error.detail?.reason ?? 0] ?? error.code) : "";
    };
    try {
      const result = carryOut();
      log.lastRefusal = "";
      return result;
    } catch (error) {
      reason(error);
      throw error;
    } finally {
      log.lastCallAt = Date.now();
      log.lastCodec = this.#current?.form.codec ?? "";
    }
  }

  #send(real: Operations, service: Service, caller: Caller, request: SendRequest) {
    const { recipientId, clientMessageId, payload } = request;
    const { traffic } = this;
    const sender = this.#log(caller.account);
    const recipient = service.accounts.get(recipientId);
    const log = recipient === undefined ? sender : this.#log(recipient);
    const inbox = (recipient ?? caller.account).inbox as FreshInbox;
    const idBytes = Buffer.byteLength(clientMessageId);
    const isInBounds = idBytes > 0 && idBytes <= MAX_ID_BYTES && payload.length <= service.options.maxPayloadBytes;
    const found = isInBounds ? findRecord(service, caller, clientMessageId) : undefined;
    const record =
      found !== undefined && service.accounts.get(found.recipientId)?.inbox.epoch === found.epoch ? found : undefined;
    const isRetry = record?.recipientId === recipientId && record.payloadDigest === digest(payload);
    const hasRoom = inbox.svrSeq < MAX_SEQ && inbox.pending.size < service.options.maxBacklog;
    const isNew = isInBounds && record === undefined && recipient !== undefined && hasRoom;
    if (traffic.forgotten.delete(keyOf(caller.account.userId, clientMessageId))) traffic.shown += 1;

    const carryOut = () => real.send(service, caller, request);
    const call = {
      service,
      caller,
      request,
      recipient: recipient ?? caller.account,
      inbox,
      log,
      traffic,
      stranger: this.#stranger(caller.account, recipient ?? caller.account),
      arrivedAt: this.#current?.arrivedAt ?? Date.now(),
      real: carryOut,
    };
    const ageMs = record?.acceptedAt === undefined ? 0 : Date.now() - timestampMs(record.acceptedAt);
    const occasion = { caller: sender, inbox: log, message: request, ageMs };
    const effect = this.#effect;
    try {
      if (isRetry && effect.target === "retry" && this.#hits("retry", occasion)) return effect.apply(call);
      if (isNew && effect.target === "send" && this.#hits("send", occasion)) return effect.apply(call);
      if (isRetry || isNew) return carryOut();
      return this.#refusable(carryOut, "Send", occasion, { ...call, send: request, sync: undefined }, () => {
        throw new Error("a Send is no Sync");
      });
    } finally {
      sender.sends += 1;
      sender.lastWasRetry = isRetry;
      if (isRetry) {
        sender.retries += 1;
        traffic.retries += 1;
      }
      if (isNew) {
        traffic.stored += 1;
        log.received += 1;
        log.receivedInEpoch += 1;
        log.lastReceivedAt = Date.now();
        log.lastReceivedIn = this.#current?.form.codec ?? "";
        log.senders.add(caller.account.userId);
      }
    }
  }

  #sync(real: Operations, service: Service, caller: Caller, request: SyncRequest) {
    const { traffic } = this;
    const { account } = caller;
    const inbox = account.inbox as FreshInbox;
    const log = this.#log(account);
    const begun = traffic.calls;
    const { cliSeq, epoch } = request;
    const isServed = (epoch === "" || epoch === inbox.epoch) && cliSeq <= inbox.svrSeq;
    const carryOut = (change: Partial<SyncRequest> = {}) => real.sync(service, caller, { ...request, ...change });
    const call = {
      service,
      caller,
      request,
      inbox,
      log,
      traffic,
      stranger: this.#stranger(account),
      arrivedAt: this.#current?.arrivedAt ?? Date.now(),
      real: carryOut,
    };
    const [oldest] = inbox.pending.values();
    const ageMs = oldest?.acceptedAt === undefined ? 0 : Date.now() - timestampMs(oldest.acceptedAt);
    const occasion = { caller: log, inbox: log, message: undefined, ageMs };
    const { ackedSeq } = inbox;
    const note = (response: SyncResponse) => {
      log.deliveredSeq = Math.max(log.deliveredSeq, response.nextCliSeq);
      traffic.synced(log, begun, request, response);
      return response;
    };
    try {
      const effect = this.#effect;
      if (isServed && effect.target === "sync" && this.#hits("sync", occasion)) {
        const response = effect.apply(call);
        return response instanceof Promise ? (response.then(note) as never) : note(response);
      }
      if (isServed) return note(carryOut());
      const refused = { ...call, send: undefined, sync: request };
      // Its refusal tells epoch and svr_seq.
      const { svrSeq } = inbox;
      traffic.synced(
        log,
        begun,
        request,
        create(SyncResponseSchema, { epoch: inbox.epoch, svrSeq, ackedSeq: MAX_SEQ }),
      );
      return this.#refusable(carryOut, "Sync", occasion, refused, carryOut) as SyncResponse;
    } finally {
      log.syncs += 1;
      log.lastWasRetry = false;
      log.lastSyncLagged = isServed && cliSeq < ackedSeq;
      if (isServed && cliSeq > ackedSeq) log.acks += 1;
    }
  }

  /** Carries out a call that may be refused by the state of the server. */
  #refusable<T>(
    carryOut: () => T,
    rpc: "Send" | "Sync",
    occasion: Omit<Occasion, "target" | "form" | "traffic">,
    call: object,
    realSync: (change: Partial<SyncRequest>) => SyncResponse,
  ): T {
    try {
      return carryOut();
    } catch (refusal) {
      const effect = this.#effect;
      if (!(refusal instanceof Refusal) || effect.target !== "refusal" || !this.#hits("refusal", occasion))
        throw refusal;
      return effect.apply({ ...call, rpc, refusal, realSync } as never) as T;
    }
  }

  #watch(real: Operations, service: Service, caller: Caller, stream: Stream): void {
    const { account } = caller;
    const log = this.#log(account);
    const form = this.#current?.form;
    const { traffic } = this;
    let isOpen = true;
    let silences = 0;
    let before: WatchResponse | undefined;
    let lastAt = Date.now();
    const write = (frame: WatchResponse) => {
      before = frame;
      lastAt = Date.now();
      log.frames += 1;
      return stream.write(frame);
    };
    const wrapped: Stream = {
      onReady: (callback) => stream.onReady(callback),
      onClose: (callback) => stream.onClose(callback),
      end: (error) => stream.end(error),
      write: (frame) => {
        if (silences > 0) return true;
        const effect = this.#effect;
        const isWake = before !== undefined && frame.epoch === before.epoch && frame.svrSeq > before.svrSeq;
        if (!isWake || effect.target !== "wake") return write(frame);
        const inbox = account.inbox as FreshInbox;
        const message = inbox.pending.get(inbox.svrSeq);
        const sender = message === undefined ? log : traffic.account(message.senderId);
        this.#log(account);
        const occasion = { form, caller: sender, inbox: log, message, ageMs: Date.now() - lastAt };
        if (!this.#hits("wake", occasion)) return write(frame);
        return effect.apply({
          service,
          inbox,
          log,
          traffic,
          stranger: this.#stranger(account),
          arrivedAt: Date.now(),
          frame,
          before,
          write,
          isOpen: () => isOpen,
          silence: () => {
            silences += 1;
            return () => {
              silences -= 1;
            };
          },
        });
      },
    };
    stream.onClose(() => {
      isOpen = false;
      log.openWatches -= 1;
      log.watchCodecs.splice(log.watchCodecs.indexOf(form?.codec ?? ""), 1);
    });
    log.watches += 1;
    log.openWatches += 1;
    log.watchCodecs.push(form?.codec ?? "");
    real.watch(service, caller, wrapped);
  }

  /** Notes revocations, and serves calls with revoked tokens if that is the fault. */
  #patchAccounts({ accounts }: Service): void {
    const authenticate = accounts.authenticate.bind(accounts);
    const revoke = accounts.revoke.bind(accounts);
    accounts.revoke = (token) => {
      let account: Account | undefined;
      try {
        ({ account } = authenticate(`Bearer ${token}`));
      } catch {} // there is no such token
      const isRevoked = revoke(token);
      if (isRevoked && account !== undefined) {
        this.#revoked.set(hash(token), { account, at: Date.now() });
        this.traffic.revocations += 1;
      }
      return isRevoked;
    };
    accounts.authenticate = (authorization) => {
      try {
        return authenticate(authorization);
      } catch (refusal) {
        const effect = this.#effect;
        const token = bearerToken(authorization);
        const revoked = token === undefined ? undefined : this.#revoked.get(hash(token));
        if (effect.target !== "revoked" || revoked === undefined || token === undefined) throw refusal;
        const request = this.#current;
        if (request === undefined) throw refusal;
        const log = this.#log(revoked.account);
        const occasion = { caller: log, inbox: log, message: undefined, ageMs: Date.now() - revoked.at };
        // The handler asks twice for each call.
        const isFirst = request.isServedThoughRevoked === undefined;
        request.isServedThoughRevoked ??= this.#hits("revoked", occasion);
        if (!request.isServedThoughRevoked) throw refusal;
        if (isFirst) this.traffic.fireAndShow();
        if (effect.refusal !== undefined) throw effect.refusal;
        return { account: revoked.account, tokenHash: hash(token) };
      }
    };
  }
}
