import type { IncomingMessage } from "node:http";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { type Account, bearerToken, hash } from "../accounts.js";
import { refuse } from "../errors.js";
import { Inbox, type NewMessage } from "../inbox.js";
import type { Service } from "../service.js";
import type { Fault } from "./fault.js";
import { answers, errorOf, instead, requests, rpcOf, sending, syncing, watching } from "./seams.js";

/** A header in place of a request's own. */
const authorized = (change: (header: string | undefined) => string | undefined): NonNullable<Fault["handler"]> =>
  requests((req) => {
    const header = change(req.headers.authorization);
    if (header === undefined) delete req.headers.authorization;
    else req.headers.authorization = header;
  });

/** Whose credential a header holds; undefined if nobody's. */
function ownerOf(service: Service, header: string | undefined): Account | undefined {
  try {
    return service.accounts.authenticate(header).account;
  } catch {
    return undefined;
  }
}

/** Puts the first credential that came in place of one that is not known, where `where` says so. */
const guest =
  (where: (req: IncomingMessage) => boolean): NonNullable<Fault["handler"]> =>
  (real, service) => {
    let first: string | undefined;
    return requests((req) => {
      const { authorization } = req.headers;
      if (ownerOf(service, authorization) !== undefined) first ??= authorization;
      else if (first !== undefined && where(req)) req.headers.authorization = first;
    })(real);
  };

/** Takes the account from a header X-User-Id, where `where` says so. */
const believingHeaders =
  (where: (req: IncomingMessage) => boolean): NonNullable<Fault["handler"]> =>
  (real, service) => {
    const tokens = new Map<string, string>();
    return requests((req) => {
      const { authorization } = req.headers;
      const owner = ownerOf(service, authorization);
      if (owner === undefined || authorization === undefined) return;
      tokens.set(owner.userId, authorization);
      if (where(req)) req.headers.authorization = tokens.get(String(req.headers["x-user-id"])) ?? authorization;
    })(real);
  };

/** Faults of the chapter "Authentication". */
export const auth: readonly Fault[] = [
  {
    name: "auth-missing-is-not-found",
    breaks: "AUTH-REQUIRED",
    about: "a call with no valid credential is answered like one for an account that does not exist",
    handler: answers((answer) => {
      const error = errorOf(answer);
      if (error?.code !== "unauthenticated") return answer;
      const body = Buffer.from(JSON.stringify({ ...error, code: "not_found", details: [] }));
      return { ...answer, status: 404, body };
    }),
  },
  {
    name: "auth-guest",
    breaks: "AUTH-REQUIRED",
    about: "a Sync without a credential is done for a guest, who is the first account that came",
    handler: guest((req) => rpcOf(req) === "Sync" && req.headers.authorization === undefined),
  },
  {
    name: "auth-watch-is-open",
    breaks: "AUTH-WATCH",
    about: "a Watch with an unknown credential is opened, for the first account that came",
    handler: guest((req) => rpcOf(req) === "Watch"),
  },
  {
    name: "auth-scheme-with-case",
    breaks: "AUTH-SCHEME",
    about: "only the spelling Bearer is known",
    handler: authorized((header) => (header?.startsWith("Bearer ") ? header : undefined)),
  },
  {
    name: "auth-watch-scheme-with-case",
    breaks: "AUTH-SCHEME",
    about: "Watch, and nothing else, knows only the spelling Bearer",
    handler: requests((req) => {
      if (rpcOf(req) === "Watch" && !req.headers.authorization?.startsWith("Bearer ")) delete req.headers.authorization;
    }),
  },
  {
    name: "auth-any-scheme",
    breaks: "AUTH-SCHEME",
    about: "the last word of the header is the token, whatever stands before",
    handler: authorized((header) => header && `Bearer ${header.split(" ").at(-1)}`),
  },
  {
    name: "auth-token-of-1024",
    breaks: "AUTH-TOKEN-SIZE",
    about: "a token of more than 1024 bytes is answered with 431",
    handler: instead((req) =>
      (bearerToken(req.headers.authorization)?.length ?? 0) > 1024 ? { status: 431 } : undefined,
    ),
  },
  {
    name: "auth-token-cut",
    breaks: "AUTH-TOKEN-SIZE",
    about: "what follows the first 4096 bytes of a token, or a space of padding, is not looked at",
    handler: (real) => {
      // Tokens of fixtures are short: what stands for the long one is the known one that it begins with.
      const known = new Set<string>();
      return requests((req) => {
        const token = bearerToken(req.headers.authorization);
        if (token === undefined) return;
        if (token.length <= 4096) known.add(token);
        else for (const start of known) if (token.startsWith(start)) req.headers.authorization = `Bearer ${start}`;
      })(real);
    },
  },
  {
    name: "auth-account-by-connection",
    breaks: "AUTH-CREDENTIAL-ONLY",
    about: "the account is remembered with the connection: a reused one acts for whoever opened it",
    handler: (real) => {
      const opened = new WeakMap<object, string>();
      return requests((req) => {
        const { authorization } = req.headers;
        const former = opened.get(req.socket);
        if (former === undefined && authorization !== undefined) opened.set(req.socket, authorization);
        // A caller without a credential is asked for one, as it should be.
        if (former !== undefined && authorization !== undefined && rpcOf(req) === "Sync")
          req.headers.authorization = former;
      })(real);
    },
  },
  {
    name: "auth-account-by-header",
    breaks: "AUTH-CREDENTIAL-ONLY",
    about: "a header X-User-Id, meant for a gateway, is believed",
    handler: believingHeaders(() => true),
  },
  {
    name: "auth-watch-by-header",
    breaks: "AUTH-CREDENTIAL-ONLY",
    about: "Watch, and nothing else, believes a header X-User-Id that was meant for a gateway",
    handler: believingHeaders((req) => rpcOf(req) === "Watch"),
  },
  {
    name: "auth-sender-is-the-first",
    breaks: "AUTH-SENDER",
    about: "after its tenth message an inbox gives all senders the id of the first",
    inbox: class extends Inbox {
      #first: string | undefined;
      #count = 0;
      override append(message: NewMessage) {
        this.#first ??= message.senderId;
        this.#count += 1;
        return super.append(this.#count > 10 ? { ...message, senderId: this.#first } : message);
      }
    },
  },
  {
    name: "auth-sender-is-the-recipient",
    breaks: "AUTH-SENDER",
    about: "sender_id is the account whose inbox the message is in",
    operations: sending((real) => (service, caller, request) => {
      const recipient = service.accounts.get(request.recipientId);
      const before = recipient?.inbox.svrSeq;
      const answer = real(service, caller, request);
      const stored = recipient?.inbox.pending.get(recipient.inbox.svrSeq);
      if (recipient !== undefined && stored !== undefined && stored.seq !== before) stored.senderId = recipient.userId;
      return answer;
    }),
  },
  {
    name: "auth-copy-to-another",
    breaks: "AUTH-ISOLATION",
    about: "after a message to oneself, the next Sync of somebody else delivers it too",
    wild: "pixelated/pixelated-user-agent#674",
    operations: (real) => {
      let stray: { message: NewMessage; of: Account } | undefined;
      return {
        send: (service, caller, request) => {
          const answer = real.send(service, caller, request);
          const { inbox } = caller.account;
          const message = inbox.pending.get(inbox.svrSeq);
          if (request.recipientId === caller.account.userId && message !== undefined)
            stray = { message, of: caller.account };
          return answer;
        },
        sync: (service, caller, request) => {
          if (stray !== undefined && stray.of !== caller.account && caller.account.inbox.svrSeq < 1000) {
            caller.account.inbox.append(stray.message);
            stray = undefined;
          }
          return real.sync(service, caller, request);
        },
      };
    },
  },
  {
    name: "auth-sync-acks-the-sender",
    breaks: "AUTH-ISOLATION",
    about: "an ack counts in the inbox of the one whose message is acked as well",
    operations: syncing((real) => (service, caller, request) => {
      const { inbox } = caller.account;
      const acked = inbox.pending.get(request.cliSeq)?.senderId;
      const answer = real(service, caller, request);
      const other = acked === undefined ? undefined : service.accounts.get(acked)?.inbox;
      if (other !== undefined && other !== inbox) other.sync(Math.min(request.cliSeq, other.svrSeq), "", 1);
      return answer;
    }),
  },
  {
    name: "auth-revocation-takes-a-minute",
    breaks: "AUTH-REVOKED",
    about: "a token that was used before is good for as long as it is cached",
    handler: (real, service) => {
      const cached = new Map<string, Account>();
      const { accounts } = service;
      const { authenticate } = accounts;
      accounts.authenticate = (authorization) => {
        const token = bearerToken(authorization) ?? "";
        const account = cached.get(token);
        if (account !== undefined) return { account, tokenHash: hash(token) };
        const caller = authenticate.call(accounts, authorization);
        cached.set(token, caller.account);
        return caller;
      };
      return real;
    },
  },
  {
    name: "auth-revocation-of-sync-only",
    breaks: "AUTH-REVOKED",
    about: "Send goes on with a revoked credential that has sent before",
    handler: (real, service) => {
      const cached = new Map<string, Account>();
      const { accounts } = service;
      const { authenticate } = accounts;
      let rpc = "";
      accounts.authenticate = (authorization) => {
        const token = bearerToken(authorization) ?? "";
        const account = cached.get(token);
        if (account !== undefined && rpc === "Send") return { account, tokenHash: hash(token) };
        const caller = authenticate.call(accounts, authorization);
        cached.set(token, caller.account);
        return caller;
      };
      return (req, res) => {
        rpc = rpcOf(req);
        return real(req, res);
      };
    },
  },
  {
    name: "auth-revocation-ends-no-watch",
    breaks: "AUTH-REVOKED-WATCH",
    about: "a Watch outlives its credential",
    operations: watching((stream) => ({
      ...stream,
      end: (error) => {
        if (error?.detail?.reason !== Reason.CREDENTIAL_INVALID) stream.end(error);
      },
    })),
  },
  {
    name: "auth-revoked-watch-ends-well",
    breaks: "AUTH-REVOKED-WATCH",
    about: "a Watch whose credential is revoked ends without an error",
    operations: watching((stream) => ({ ...stream, end: () => stream.end() })),
  },
  {
    name: "auth-revocation-hits-another",
    breaks: "AUTH-REVOKED",
    about: "a revocation locks out the account that sent last as well",
    operations: (real) => {
      let last: string | undefined;
      const out = new Set<string>();
      const check = (userId: string) => {
        if (out.has(userId)) throw refuse(Reason.CREDENTIAL_INVALID, "log in again");
      };
      return {
        send: (service, caller, request) => {
          check(caller.account.userId);
          last = caller.account.userId;
          return real.send(service, caller, request);
        },
        sync: (service, caller, request) => {
          check(caller.account.userId);
          return real.sync(service, caller, request);
        },
        revokeToken: (service, request) => {
          if (last !== undefined) out.add(last);
          return real.revokeToken(service, request);
        },
      };
    },
  },
];
