import type { IncomingMessage } from "node:http";
import { type Account, bearerToken, hash } from "../../../../reference-server/accounts.js";
import { Inbox, type NewMessage } from "../../../../reference-server/inbox.js";
import type { Service } from "../../../../reference-server/service.js";
import {
  editRequests,
  errorOf,
  mapBodies,
  mapResponses,
  respondInstead,
  rpcOf,
  wrapSend,
  wrapSync,
} from "../interceptors.js";
import type { Mutant } from "../mutant.js";

/** Changes or removes the Authorization header. */
const mapAuthorization = (change: (header: string | undefined) => string | undefined): NonNullable<Mutant["handler"]> =>
  editRequests((req) => {
    const changed = change(req.headers.authorization);
    if (changed === undefined) delete req.headers.authorization;
    else req.headers.authorization = changed;
  });

/** Returns the account of an Authorization header; undefined if the credential is not valid. */
export function ownerOf(service: Service, header: string | undefined): Account | undefined {
  try {
    return service.accounts.authenticate(header).account;
  } catch {
    return undefined;
  }
}

/** Replaces an unknown or missing credential by the first valid one that the server received, for matching requests. */
const useFirstCredential =
  (matches: (req: IncomingMessage) => boolean): NonNullable<Mutant["handler"]> =>
  (real, service) => {
    let first: string | undefined;
    return editRequests((req) => {
      const { authorization } = req.headers;
      if (ownerOf(service, authorization) !== undefined) first ??= authorization;
      else if (first !== undefined && matches(req)) req.headers.authorization = first;
    })(real);
  };

/**
 * Executes a request for the account that it names instead of the account of its credential, if the named one has
 * called before.
 */
const trustUserId =
  (userIdOf: (req: IncomingMessage) => string | null | undefined): NonNullable<Mutant["handler"]> =>
  (real, service) => {
    const tokens = new Map<string, string>();
    return editRequests((req) => {
      const { authorization } = req.headers;
      const owner = ownerOf(service, authorization);
      if (owner === undefined || authorization === undefined) return;
      tokens.set(owner.userId, authorization);
      req.headers.authorization = tokens.get(userIdOf(req) ?? "") ?? authorization;
    })(real);
  };

const header = (req: IncomingMessage, name: string) => req.headers[name]?.toString();
const query = ({ url }: IncomingMessage, name: string) =>
  new URL(url ?? "/", "http://localhost").searchParams.get(name);

/** Mutants of the chapter "Authentication": credentials, accounts and senders. */
export const authCredentials: readonly Mutant[] = [
  {
    name: "auth-missing-is-not-found",
    breaks: "AUTH-REQUIRED",
    about: "responds with not_found to a call without a valid credential",
    handler: mapResponses((response) => {
      const error = errorOf(response);
      if (error?.code !== "unauthenticated") return response;
      const body = Buffer.from(JSON.stringify({ ...error, code: "not_found", details: [] }));
      return { ...response, status: 404, body };
    }),
  },
  {
    name: "auth-guest",
    breaks: "AUTH-REQUIRED",
    about: "executes a Sync without a credential for the first account that called",
    handler: useFirstCredential((req) => rpcOf(req) === "Sync" && req.headers.authorization === undefined),
  },
  {
    name: "auth-watch-is-open",
    breaks: "AUTH-WATCH",
    about: "opens a Watch with an unknown credential for the first account that called",
    handler: useFirstCredential((req) => rpcOf(req) === "Watch"),
  },
  {
    name: "auth-token-tail-unchecked",
    breaks: "AUTH-REQUIRED",
    about: "ignores the last eight characters of a token, like a server that does not verify the signature",
    handler: (real, service) => {
      const first = new Map<string, string>();
      return mapAuthorization((it) => {
        const key = `${it?.slice(0, -8)} ${it?.length}`;
        if (it !== undefined && !first.has(key)) first.set(key, it);
        return first.get(key);
      })(real, service);
    },
  },
  {
    name: "auth-watch-token-by-its-beginning",
    breaks: "AUTH-WATCH",
    about: "compares only the first 16 characters of a token for Watch",
    handler: (real) => {
      const known = new Map<string, string>();
      return editRequests((req) => {
        const { authorization = "" } = req.headers;
        const start = bearerToken(authorization)?.slice(0, 16) ?? "";
        if (!known.has(start)) known.set(start, authorization);
        if (rpcOf(req) === "Watch") req.headers.authorization = known.get(start) ?? "";
      })(real);
    },
  },
  {
    name: "auth-scheme-with-case",
    breaks: "AUTH-SCHEME",
    about: "accepts the scheme only in the spelling Bearer",
    handler: mapAuthorization((it) => (it?.startsWith("Bearer ") ? it : undefined)),
  },
  {
    name: "auth-watch-scheme-with-case",
    breaks: "AUTH-SCHEME",
    about: "accepts the scheme only in the spelling Bearer for Watch",
    handler: editRequests((req) => {
      if (rpcOf(req) === "Watch" && !req.headers.authorization?.startsWith("Bearer ")) delete req.headers.authorization;
    }),
  },
  {
    name: "auth-send-scheme-with-case",
    breaks: "AUTH-SCHEME",
    about: "accepts the scheme only in the spelling Bearer for Send",
    handler: editRequests((req) => {
      if (rpcOf(req) === "Send" && !req.headers.authorization?.startsWith("Bearer ")) delete req.headers.authorization;
    }),
  },
  {
    name: "auth-any-scheme",
    breaks: "AUTH-SCHEME",
    about: "takes the last word of the Authorization header as the token, whatever the scheme",
    handler: mapAuthorization((it) => it && `Bearer ${it.split(" ").at(-1)}`),
  },
  {
    name: "auth-send-any-scheme",
    breaks: "AUTH-SCHEME",
    about: "takes the last word of the Authorization header as the token for Send, whatever the scheme",
    handler: editRequests((req) => {
      const { authorization } = req.headers;
      if (rpcOf(req) === "Send" && authorization !== undefined)
        req.headers.authorization = `Bearer ${authorization.split(" ").at(-1)}`;
    }),
  },
  {
    name: "auth-token-in-the-url",
    breaks: "AUTH-SCHEME",
    about: "accepts a token in the query parameter access_token if there is no header",
    handler: editRequests((req) => {
      const token = query(req, "access_token");
      if (token !== null) req.headers.authorization ??= `Bearer ${token}`;
    }),
  },
  {
    name: "auth-token-of-1024",
    breaks: "AUTH-TOKEN-SIZE",
    about: "responds with 431 to a token of more than 1024 bytes",
    handler: respondInstead((req) =>
      (bearerToken(req.headers.authorization)?.length ?? 0) > 1024 ? { status: 431 } : undefined,
    ),
  },
  {
    name: "auth-token-of-1024-beyond-sync",
    breaks: "AUTH-TOKEN-SIZE",
    about: "responds with 431 to a token of more than 1024 bytes, except for Sync",
    handler: respondInstead((req) => {
      const { length } = bearerToken(req.headers.authorization) ?? "";
      return rpcOf(req) !== "Sync" && length > 1024 ? { status: 431 } : undefined;
    }),
  },
  {
    name: "auth-token-cut",
    breaks: "AUTH-TOKEN-SIZE",
    about: "ignores everything after the first 4096 bytes of a token",
    handler: (real) => {
      // Tokens of fixtures are short, so a known token takes the place of the first 4096 bytes of a long one.
      const known = new Set<string>();
      return editRequests((req) => {
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
    about: "executes each Sync for the account that opened the connection",
    handler: (real) => {
      const opened = new WeakMap<object, string>();
      return editRequests((req) => {
        const { authorization } = req.headers;
        const former = opened.get(req.socket);
        if (former === undefined && authorization !== undefined) opened.set(req.socket, authorization);
        // A call without a credential is still refused.
        if (former !== undefined && authorization !== undefined && rpcOf(req) === "Sync")
          req.headers.authorization = former;
      })(real);
    },
  },
  {
    name: "auth-account-by-header",
    breaks: "AUTH-CREDENTIAL-ONLY",
    about: "trusts an X-User-Id header from the client",
    handler: trustUserId((req) => header(req, "x-user-id")),
  },
  {
    name: "auth-watch-by-header",
    breaks: "AUTH-CREDENTIAL-ONLY",
    about: "trusts an X-User-Id header from the client for Watch",
    handler: trustUserId((req) => (rpcOf(req) === "Watch" ? header(req, "x-user-id") : undefined)),
  },
  {
    name: "auth-account-by-proxy-header",
    breaks: "AUTH-CREDENTIAL-ONLY",
    about: "trusts an X-Auth-Request-User header from the client, which only oauth2-proxy should set",
    handler: trustUserId((req) => header(req, "x-auth-request-user")),
  },
  {
    name: "auth-account-by-session-cookie",
    breaks: "AUTH-CREDENTIAL-ONLY",
    about: "prefers a session cookie to the credential of the call",
    handler: (real, service) => {
      const sessions = new Map<string, string>();
      return (req, res) => {
        const { authorization, cookie = "" } = req.headers;
        if (ownerOf(service, authorization) === undefined || authorization === undefined) return real(req, res);
        const id = hash(authorization);
        sessions.set(id, authorization);
        res.setHeader("set-cookie", [
          `lang=en; Expires=${new Date(Date.now() + 60_000).toUTCString()}`,
          `sid=${id}; Path=/`,
        ]);
        req.headers.authorization = sessions.get(/sid=([^;]*)/.exec(cookie)?.[1] ?? "") ?? authorization;
        return real(req, res);
      };
    },
  },
  {
    name: "auth-account-by-query",
    breaks: "AUTH-CREDENTIAL-ONLY",
    about: "selects the account by user_id in the query, without checking for an administrator",
    handler: trustUserId((req) => query(req, "user_id")),
  },
  {
    name: "auth-watch-by-field",
    breaks: "AUTH-CREDENTIAL-ONLY",
    about: "selects the account of a Watch by a user id in an unknown field",
    handler: (real, service) => {
      const tokens = new Map<string, string>();
      return mapBodies((body, req) => {
        const { authorization = "" } = req.headers;
        const owner = ownerOf(service, authorization);
        if (owner !== undefined) tokens.set(owner.userId, authorization);
        const [, named] = [...tokens].find(([userId]) => body.includes(userId)) ?? [];
        if (rpcOf(req) === "Watch" && owner !== undefined) req.headers.authorization = named ?? authorization;
        return body;
      })(real);
    },
  },
  {
    name: "auth-sender-is-the-first",
    breaks: "AUTH-SENDER",
    about: "sets sender_id to the first sender of the inbox after its tenth message",
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
    about: "sets sender_id to the recipient",
    operations: wrapSend((real) => (service, caller, request) => {
      const recipient = service.accounts.get(request.recipientId);
      const before = recipient?.inbox.svrSeq;
      const response = real(service, caller, request);
      const stored = recipient?.inbox.pending.get(recipient.inbox.svrSeq);
      if (recipient !== undefined && stored !== undefined && stored.seq !== before) stored.senderId = recipient.userId;
      return response;
    }),
  },
  {
    name: "auth-copy-to-another",
    breaks: "AUTH-ISOLATION",
    about: "delivers a message to the sender's own account to another account as well",
    seenIn: "pixelated/pixelated-user-agent#674",
    operations: (real) => {
      let copy: { message: NewMessage; of: Account } | undefined;
      return {
        send: (service, caller, request) => {
          const response = real.send(service, caller, request);
          const { inbox } = caller.account;
          const message = inbox.pending.get(inbox.svrSeq);
          if (request.recipientId === caller.account.userId && message !== undefined)
            copy = { message, of: caller.account };
          return response;
        },
        sync: (service, caller, request) => {
          if (copy !== undefined && copy.of !== caller.account && caller.account.inbox.svrSeq < 1000) {
            caller.account.inbox.append(copy.message);
            copy = undefined;
          }
          return real.sync(service, caller, request);
        },
      };
    },
  },
  {
    name: "auth-sync-acks-the-sender",
    breaks: "AUTH-ISOLATION",
    about: "applies an ack to the inbox of the acked message's sender as well",
    operations: wrapSync((real) => (service, caller, request) => {
      const { inbox } = caller.account;
      const acked = inbox.pending.get(request.cliSeq)?.senderId;
      const response = real(service, caller, request);
      const other = acked === undefined ? undefined : service.accounts.get(acked)?.inbox;
      if (other !== undefined && other !== inbox) other.sync(Math.min(request.cliSeq, other.svrSeq), "", 1);
      return response;
    }),
  },
];
