import { type Account, bearerToken, hash } from "../../../../reference-server/accounts.js";
import { Inbox, type NewMessage } from "../../../../reference-server/inbox.js";
import type { Stream } from "../../../../reference-server/operations/watch.js";
import type { Service } from "../../../../reference-server/service.js";
import { ownerOf } from "../auth/credentials.js";
import { wrapSend } from "../interceptors.js";
import type { FrontEnd } from "../mutant.js";
import { findRecord, storeDuplicate } from "../send/shared.js";

/** A stream that repeats its last frame instead of reporting changes while `isMuted` returns true. */
export function repeatWhen(stream: Stream, isMuted: () => boolean): Stream {
  let last: Parameters<Stream["write"]>[0] | undefined;
  return {
    ...stream,
    write: (frame) => {
      if (last === undefined || !isMuted()) last = frame;
      return stream.write(last);
    },
  };
}

/** Loses the pending messages up to a seq, as if they had been acked. */
export function loseUpTo(inbox: Inbox, seq: number): void {
  while (inbox.ackedSeq < Math.min(seq, inbox.svrSeq)) {
    inbox.ackedSeq += 1;
    inbox.pending.delete(inbox.ackedSeq);
  }
}

/** Loses the pending messages above a seq, whose numbers are then assigned again. */
export function loseAbove(inbox: Inbox, seq: number): void {
  while (inbox.svrSeq > Math.max(seq, inbox.ackedSeq)) {
    inbox.pending.delete(inbox.svrSeq);
    inbox.svrSeq -= 1;
  }
}

/** Number of payload bytes that are pending. */
export function pendingBytes({ pending }: Inbox): number {
  let bytes = 0;
  for (const { payload } of pending.values()) bytes += payload.length;
  return bytes;
}

/** Identifies a dedup record. */
export const recordKey = (senderId: string, clientMessageId: string) => `${senderId} ${clientMessageId}`;

/** An inbox that can lose the dedup records of its messages one by one. */
export class ForgetfulInbox extends Inbox {
  /** The seq of each message so far, by the key of its dedup record. */
  readonly seqs = new Map<string, number>();
  /** Keys of the records that are lost. */
  readonly forgotten = new Set<string>();

  override append(message: NewMessage) {
    const stored = super.append(message);
    const key = recordKey(message.senderId, message.clientMessageId);
    this.seqs.set(key, stored.seq);
    this.forgotten.delete(key);
    return stored;
  }

  override rotate(epoch: string): void {
    super.rotate(epoch);
    this.seqs.clear();
    this.forgotten.clear();
  }
}

/** Stores a retried Send again if the `ForgetfulInbox` of its recipient has lost its dedup record. */
export const storeForgotten = wrapSend((real) => (service, caller, request) => {
  const record = findRecord(service, caller, request.clientMessageId);
  const inbox = service.accounts.get(request.recipientId)?.inbox;
  const isRetry = record?.recipientId === request.recipientId && record.epoch === inbox?.epoch;
  const key = recordKey(caller.account.userId, request.clientMessageId);
  return isRetry && inbox instanceof ForgetfulInbox && inbox.forgotten.has(key)
    ? storeDuplicate(service, caller, request)
    : real(service, caller, request);
});

/** A revocation, and what has happened on its server since. `at` is in milliseconds since 1970, by the server's clock. */
interface Revocation {
  account: Account;
  at: number;
  revocationsSince: number;
  restartsSince: number;
}

/** Accepts a revoked token again once `isAlive` returns true. `now` is the time of the server's clock. */
export function reviveTokens(isAlive: (revocation: Revocation, now: number) => boolean): FrontEnd {
  const servers = new WeakMap<Service, Map<string, Revocation>>();
  return {
    operations: (real) => ({
      revokeToken: (service, request) => {
        const account = ownerOf(service, `Bearer ${request.token}`);
        const response = real.revokeToken(service, request);
        const revoked = servers.get(service);
        for (const other of revoked?.values() ?? []) other.revocationsSince += 1;
        if (account !== undefined)
          revoked?.set(request.token, { account, at: service.options.now(), revocationsSince: 0, restartsSince: 0 });
        return response;
      },
    }),
    // Called at each start of a server.
    handler: (real, service) => {
      const revoked = servers.get(service);
      if (revoked !== undefined) {
        for (const revocation of revoked.values()) revocation.restartsSince += 1;
        return real;
      }
      const tokens = new Map<string, Revocation>();
      servers.set(service, tokens);
      const { accounts } = service;
      const { authenticate } = accounts;
      accounts.authenticate = (authorization) => {
        const token = bearerToken(authorization) ?? "";
        const revocation = tokens.get(token);
        return revocation !== undefined && isAlive(revocation, service.options.now())
          ? { account: revocation.account, tokenHash: hash(token) }
          : authenticate.call(accounts, authorization);
      };
      return real;
    },
  };
}
