import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { SendResponseSchema } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import type { Account, Caller } from "../../../../reference-server/accounts.js";
import { Refusal, refuse } from "../../../../reference-server/errors.js";
import { errorOf, mapResponses, rpcOf, wrapSend, wrapWatch } from "../interceptors.js";
import type { Mutant } from "../mutant.js";
import { findRecord, storeDuplicate } from "../send/shared.js";
import { currentCall, currentCodec, currentConnection, knownCalls } from "./calls.js";

/** Longest time for which a Sync waits for the Watches of its account, in milliseconds. */
const LOCK_MS = 3000;

/** Mutants that show only if devices, connections or calls are mixed. */
export const mixedCalls: readonly Mutant[] = [
  {
    name: "mixtures-sync-waits-for-a-watch",
    breaks: "SYNC-EMPTY",
    about: "lets a Sync without new messages wait while a Watch of the account is open, for up to 3 seconds",
    seenIn: "licson/libSSE-php#8",
    kind: "mixtures",
    operations: (real) => ({
      sync: async (service, caller, request) => {
        const response = real.sync(service, caller, request);
        const until = Date.now() + LOCK_MS;
        while (response.messages.length === 0 && caller.account.watchers.size > 0 && Date.now() < until)
          await new Promise((resolve) => setTimeout(resolve, 20));
        return response;
      },
    }),
  },
  {
    name: "mixtures-end-of-a-watch-acks",
    breaks: "WATCH-NO-ACK",
    about: "acks the messages that arrived while a Watch was open when the Watch ends",
    seenIn: "mozilla-services/autopush#1070",
    kind: "mixtures",
    operations: (real) => ({
      watch: (service, caller, stream) => {
        const { inbox } = caller.account;
        const { epoch, svrSeq } = inbox;
        stream.onClose(() => {
          if (inbox.epoch === epoch && inbox.svrSeq > svrSeq) inbox.sync(inbox.svrSeq, epoch, 1);
        });
        real.watch(service, caller, stream);
      },
    }),
  },
  {
    name: "mixtures-copy-to-a-watching-sender",
    breaks: "SEQ-CONSECUTIVE",
    about: "stores a message to the sender's own account twice while the account has a Watch open",
    seenIn: "iNPUTmice/Conversations#2746",
    kind: "mixtures",
    operations: (real) => ({
      send: (service, caller, request) => {
        const { userId, inbox, watchers } = caller.account;
        const before = inbox.svrSeq;
        const response = real.send(service, caller, request);
        if (request.recipientId === userId && inbox.svrSeq > before && watchers.size > 0)
          storeDuplicate(service, caller, request);
        return response;
      },
    }),
  },
  {
    name: "mixtures-watch-ends-older-ones",
    breaks: "WATCH-WAKE",
    about: "no longer wakes the older Watches of an account once a newer one has ended",
    seenIn: "nicolasff/webdis#100",
    kind: "mixtures",
    operations: (real) => {
      const open = new Map<Account, Set<{ isMuted: boolean }>>();
      return {
        watch: (service, caller, stream) => {
          const older = [...(open.get(caller.account) ?? [])];
          const watch = { isMuted: false };
          open.set(caller.account, new Set([...older, watch]));
          stream.onClose(() => {
            open.get(caller.account)?.delete(watch);
            for (const it of older) it.isMuted = true;
          });
          real.watch(service, caller, { ...stream, write: (frame) => watch.isMuted || stream.write(frame) });
        },
      };
    },
  },
  {
    name: "mixtures-numbers-kept-while-watched",
    breaks: "EPOCH-RESTART",
    about: "goes on counting under a new epoch if a Watch is open",
    kind: "mixtures",
    operations: (real) => ({
      rotateEpoch: (service, request) => {
        const account = service.accounts.get(request.userId);
        const before = account?.inbox.svrSeq ?? 0;
        const response = real.rotateEpoch(service, request);
        if (account !== undefined && account.watchers.size > 0)
          Object.assign(account.inbox, { svrSeq: before, ackedSeq: before });
        return response;
      },
    }),
  },
  {
    name: "mixtures-code-while-watched",
    breaks: "ERR-CODE",
    about: "refuses a cli_seq above svr_seq with failed_precondition while a Watch of the account is open",
    kind: "mixtures",
    operations: (real) => ({
      sync: (service, caller, request) => {
        try {
          return real.sync(service, caller, request);
        } catch (error) {
          const isAhead = error instanceof Refusal && error.detail?.reason === Reason.CLI_SEQ_AHEAD;
          if (!isAhead || caller.account.watchers.size === 0) throw error;
          throw new Refusal("failed_precondition", error.message, error.detail);
        }
      },
    }),
  },
  {
    name: "mixtures-only-the-first-client-acks",
    breaks: "HTTP-HEADERS",
    about: "ignores the acks of a device whose user agent is not that of the account's first device",
    seenIn: "poppingmoon/aria#414",
    kind: "mixtures",
    handler: knownCalls,
    operations: (real) => {
      const first = new Map<Account, string>();
      return {
        sync: (service, caller, request) => {
          const { account } = caller;
          const agent = currentCall()?.headers["user-agent"] ?? "";
          if (!first.has(account)) first.set(account, agent);
          const isIgnored = first.get(account) !== agent && request.cliSeq <= account.inbox.svrSeq;
          return real.sync(service, caller, isIgnored ? { ...request, cliSeq: 0 } : request);
        },
      };
    },
  },
  {
    name: "mixtures-account-of-the-cookie",
    breaks: "AUTH-CREDENTIAL-ONLY",
    about: "serves a Sync for the account that first sent the same cookies",
    seenIn: "julianlam/nodebb-plugin-session-sharing#113",
    kind: "mixtures",
    handler: knownCalls,
    operations: (real) => {
      const sessions = new Map<string, Caller>();
      return {
        sync: (service, caller, request) => {
          const cookie = currentCall()?.headers.cookie;
          if (cookie === undefined) return real.sync(service, caller, request);
          const session = sessions.get(cookie) ?? caller;
          sessions.set(cookie, session);
          return real.sync(service, session, request);
        },
      };
    },
  },
  {
    name: "mixtures-revoked-but-connected",
    breaks: "AUTH-REVOKED",
    about: "checks a credential once for each connection, so that a revoked one stays valid on an open connection",
    seenIn: "kumahq/kuma-website#1298",
    kind: "mixtures",
    handler: (real, service) => {
      const { accounts } = service;
      const known = new WeakMap<object, Map<string, Caller>>();
      const { authenticate } = accounts;
      accounts.authenticate = (authorization = "") => {
        const connection = currentConnection();
        const caller = known.get(connection)?.get(authorization) ?? authenticate.call(accounts, authorization);
        known.set(connection, (known.get(connection) ?? new Map()).set(authorization, caller));
        return caller;
      };
      return knownCalls(real, service);
    },
  },
  {
    name: "mixtures-refused-on-the-connection",
    breaks: "SYNC-ANSWER",
    about: "refuses a Sync that follows a call without a valid credential on the same connection",
    seenIn: "ging/fiware-pep-proxy#143",
    kind: "mixtures",
    handler: (real, service) => {
      const refused = new WeakSet<object>();
      const byThis = new WeakSet<object>();
      const { accounts } = service;
      const { authenticate } = accounts;
      accounts.authenticate = (authorization) => {
        const call = currentCall();
        const isSync = call !== undefined && rpcOf(call) === "Sync";
        if (isSync && refused.delete(call.socket)) {
          byThis.add(call);
          throw refuse(Reason.CREDENTIAL_INVALID, "log in again");
        }
        return authenticate.call(accounts, authorization);
      };
      const recording = mapResponses((response) => {
        const call = currentCall();
        if (response.status === 401 && call !== undefined && !byThis.has(call)) refused.add(call.socket);
        return response;
      })(real);
      return knownCalls(recording, service);
    },
  },
  {
    name: "mixtures-send-in-an-aborted-transaction",
    breaks: "SEND-VISIBLE",
    about: "drops a message that follows a refused Sync on the same connection, and reports success",
    seenIn: "brianc/node-postgres#154",
    kind: "mixtures",
    handler: knownCalls,
    operations: (real) => {
      const aborted = new WeakSet<object>();
      return {
        sync: (service, caller, request) => {
          aborted.delete(currentConnection());
          try {
            return real.sync(service, caller, request);
          } catch (error) {
            aborted.add(currentConnection());
            throw error;
          }
        },
        send: (service, caller, request) => {
          const { recipientId, clientMessageId, payload } = request;
          const isAborted = aborted.delete(currentConnection());
          const idBytes = Buffer.byteLength(clientMessageId);
          const isGood = idBytes >= 1 && idBytes <= 64 && payload.length <= service.options.maxPayloadBytes;
          const isNew = findRecord(service, caller, clientMessageId) === undefined;
          return isAborted && isGood && isNew && service.accounts.get(recipientId) !== undefined
            ? create(SendResponseSchema, { acceptedAt: timestampFromMs(service.options.now()) })
            : real.send(service, caller, request);
        },
      };
    },
  },
  {
    name: "mixtures-sender-of-the-connection",
    breaks: "AUTH-SENDER",
    about: "sets sender_id to the account of the first Send on the connection if that was in another codec",
    seenIn: "einfallstoll/express-ntlm#22",
    kind: "mixtures",
    handler: knownCalls,
    operations: (real) => {
      const first = new WeakMap<object, { userId: string; codec: string }>();
      return {
        send: (service, caller, request) => {
          const connection = currentConnection();
          const opened = first.get(connection) ?? { userId: caller.account.userId, codec: currentCodec() };
          first.set(connection, opened);
          const inbox = service.accounts.get(request.recipientId)?.inbox;
          const before = inbox?.svrSeq;
          const response = real.send(service, caller, request);
          const stored = inbox?.pending.get(inbox.svrSeq);
          if (stored !== undefined && stored.seq !== before && opened.codec !== currentCodec())
            stored.senderId = opened.userId;
          return response;
        },
      };
    },
  },
  {
    name: "mixtures-records-of-the-connection",
    breaks: "SEND-RETRY",
    about: "recognises a retried Send only on the connection of the first one, or with the same user agent",
    kind: "mixtures",
    handler: knownCalls,
    operations: (real) => {
      const firsts = new Map<string, { connection: object; agent: string }>();
      return {
        send: (service, caller, request) => {
          const key = `${caller.account.userId} ${request.recipientId} ${request.clientMessageId}`;
          const agent = currentCall()?.headers["user-agent"] ?? "";
          const first = firsts.get(key) ?? { connection: currentConnection(), agent };
          const record = findRecord(service, caller, request.clientMessageId);
          const isKnown = first.connection === currentConnection() || first.agent === agent;
          const isCurrent = service.accounts.get(request.recipientId)?.inbox.epoch === record?.epoch;
          if (record?.recipientId === request.recipientId && isCurrent && !isKnown)
            return storeDuplicate(service, caller, request);
          const response = real.send(service, caller, request);
          firsts.set(key, first);
          return response;
        },
      };
    },
  },
  {
    name: "mixtures-notes-to-oneself-wake-nobody",
    breaks: "WATCH-WAKE",
    about: "tells no Watch of a message that an account sends to itself",
    seenIn: "signalapp/Signal-Android#8300",
    kind: "mixtures",
    operations: wrapSend((real) => (service, caller, request) => {
      const { userId, watchers } = caller.account;
      if (request.recipientId !== userId) return real(service, caller, request);
      const silent = [...watchers];
      watchers.clear();
      try {
        return real(service, caller, request);
      } finally {
        for (const watcher of silent) watchers.add(watcher);
      }
    }),
  },
  {
    name: "mixtures-end-of-a-watch-silences-others",
    breaks: "WATCH-WAKE",
    about: "forgets all Watches with the same token when one of them ends",
    seenIn: "Netflix/zuul#1280",
    kind: "mixtures",
    operations: wrapWatch((stream, { account, tokenHash }) => ({
      ...stream,
      onClose: (callback) =>
        stream.onClose(() => {
          callback();
          for (const other of account.watchers) if (other.tokenHash === tokenHash) account.watchers.delete(other);
        }),
    })),
  },
  {
    name: "mixtures-error-text-unescaped",
    breaks: "ERR-SHAPE",
    about: "quotes the unknown recipient in an error without escaping it",
    seenIn: "couchbase/sync_gateway#4437",
    kind: "mixtures",
    operations: wrapSend((real) => (service, caller, request) => {
      try {
        return real(service, caller, request);
      } catch (error) {
        if (!(error instanceof Refusal) || error.detail?.reason !== Reason.RECIPIENT_UNKNOWN) throw error;
        throw new Refusal(error.code, `no account has the id ${request.recipientId}`, error.detail);
      }
    }),
    handler: mapResponses((response) => {
      const { code, message, details } = errorOf(response) ?? {};
      if (code === undefined) return response;
      const text = `{"code":"${code}","message":"${message}","details":${JSON.stringify(details ?? [])}}`;
      return { ...response, body: Buffer.from(text) };
    }),
  },
  {
    name: "mixtures-recipient-as-a-pattern",
    breaks: "SEND-RECIPIENT",
    about: "looks recipients up by a pattern, so that an underscore stands for any character",
    seenIn: "snoonetIRC/CloudBot#24",
    kind: "mixtures",
    handler: (real, { accounts }) => {
      const get = accounts.get.bind(accounts);
      const add = accounts.add.bind(accounts);
      const ids: string[] = [];
      const isLike = (id: string, pattern: string) =>
        id.length === pattern.length &&
        [...pattern].every((character, at) => character === "_" || character === id[at]);
      Object.assign(accounts, {
        add: (...values: Parameters<typeof add>) => {
          const account = add(...values);
          ids.push(account.userId);
          return account;
        },
        get: (userId: string) => get(userId) ?? get(ids.find((id) => isLike(id, userId)) ?? userId),
      });
      return real;
    },
  },
];
