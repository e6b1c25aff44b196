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

/** A header in place of a request's own. */
const authorized = (change: (header: string | undefined) => string | undefined): NonNullable<Mutant["handler"]> =>
  editRequests((req) => {
    const changed = change(req.headers.authorization);
    if (changed === undefined) delete req.headers.authorization;
    else req.headers.authorization = changed;
  });

/** Whose credential a header holds; undefined if nobody's. */
export function ownerOf(service: Service, header: string | undefined): Account | undefined {
  try {
    return service.accounts.authenticate(header).account;
  } catch {
    return undefined;
  }
}

/** Puts the first credential that came in place of one that is not known, where `where` says so. */
const guest =
  (where: (req: IncomingMessage) => boolean): NonNullable<Mutant["handler"]> =>
  (real, service) => {
    let first: string | undefined;
    return editRequests((req) => {
      const { authorization } = req.headers;
      if (ownerOf(service, authorization) !== undefined) first ??= authorization;
      else if (first !== undefined && where(req)) req.headers.authorization = first;
    })(real);
  };

/** Takes the account that a request names instead of the one of its credential, if that one has called before. */
const believing =
  (name: (req: IncomingMessage) => string | null | undefined): NonNullable<Mutant["handler"]> =>
  (real, service) => {
    const tokens = new Map<string, string>();
    return editRequests((req) => {
      const { authorization } = req.headers;
      const owner = ownerOf(service, authorization);
      if (owner === undefined || authorization === undefined) return;
      tokens.set(owner.userId, authorization);
      req.headers.authorization = tokens.get(name(req) ?? "") ?? authorization;
    })(real);
  };

const header = (req: IncomingMessage, name: string) => req.headers[name]?.toString();
const query = ({ url }: IncomingMessage, name: string) =>
  new URL(url ?? "/", "http://localhost").searchParams.get(name);

/** Faults of the chapter "Authentication". */
export const authCredentials: readonly Mutant[] = [
  {
    name: "auth-missing-is-not-found",
    breaks: "AUTH-REQUIRED",
    about: "a call with no valid credential is answered like one for an account that does not exist",
    handler: mapResponses((answer) => {
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
    name: "auth-token-tail-unchecked",
    breaks: "AUTH-REQUIRED",
    about: "the signature that a token ends with is not checked: its last eight characters may be any",
    handler: (real, service) => {
      const first = new Map<string, string>();
      return authorized((it) => {
        const key = `${it?.slice(0, -8)} ${it?.length}`;
        if (it !== undefined && !first.has(key)) first.set(key, it);
        return first.get(key);
      })(real, service);
    },
  },
  {
    name: "auth-watch-token-by-its-beginning",
    breaks: "AUTH-WATCH",
    about: "Watch, and nothing else, looks up the first 16 characters of a token",
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
    about: "only the spelling Bearer is known",
    handler: authorized((it) => (it?.startsWith("Bearer ") ? it : undefined)),
  },
  {
    name: "auth-watch-scheme-with-case",
    breaks: "AUTH-SCHEME",
    about: "Watch, and nothing else, knows only the spelling Bearer",
    handler: editRequests((req) => {
      if (rpcOf(req) === "Watch" && !req.headers.authorization?.startsWith("Bearer ")) delete req.headers.authorization;
    }),
  },
  {
    name: "auth-send-scheme-with-case",
    breaks: "AUTH-SCHEME",
    about: "Send, and nothing else, knows only the spelling Bearer",
    handler: editRequests((req) => {
      if (rpcOf(req) === "Send" && !req.headers.authorization?.startsWith("Bearer ")) delete req.headers.authorization;
    }),
  },
  {
    name: "auth-any-scheme",
    breaks: "AUTH-SCHEME",
    about: "the last word of the header is the token, whatever stands before",
    handler: authorized((it) => it && `Bearer ${it.split(" ").at(-1)}`),
  },
  {
    name: "auth-send-any-scheme",
    breaks: "AUTH-SCHEME",
    about: "Send, and nothing else, takes the last word of the header for the token, whatever stands before",
    handler: editRequests((req) => {
      const { authorization } = req.headers;
      if (rpcOf(req) === "Send" && authorization !== undefined)
        req.headers.authorization = `Bearer ${authorization.split(" ").at(-1)}`;
    }),
  },
  {
    name: "auth-token-in-the-url",
    breaks: "AUTH-SCHEME",
    about: "where there is no header the token is taken from the query, as access_token",
    handler: editRequests((req) => {
      const token = query(req, "access_token");
      if (token !== null) req.headers.authorization ??= `Bearer ${token}`;
    }),
  },
  {
    name: "auth-token-of-1024",
    breaks: "AUTH-TOKEN-SIZE",
    about: "a token of more than 1024 bytes is answered with 431",
    handler: respondInstead((req) =>
      (bearerToken(req.headers.authorization)?.length ?? 0) > 1024 ? { status: 431 } : undefined,
    ),
  },
  {
    name: "auth-token-of-1024-beyond-sync",
    breaks: "AUTH-TOKEN-SIZE",
    about: "a token of more than 1024 bytes is answered with 431, at Send and Watch",
    handler: respondInstead((req) => {
      const { length } = bearerToken(req.headers.authorization) ?? "";
      return rpcOf(req) !== "Sync" && length > 1024 ? { status: 431 } : undefined;
    }),
  },
  {
    name: "auth-token-cut",
    breaks: "AUTH-TOKEN-SIZE",
    about: "what follows the first 4096 bytes of a token, or a space of padding, is not looked at",
    handler: (real) => {
      // Tokens of fixtures are short: what stands for the long one is the known one that it begins with.
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
    about: "the account is remembered with the connection: a reused one acts for whoever opened it",
    handler: (real) => {
      const opened = new WeakMap<object, string>();
      return editRequests((req) => {
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
    handler: believing((req) => header(req, "x-user-id")),
  },
  {
    name: "auth-watch-by-header",
    breaks: "AUTH-CREDENTIAL-ONLY",
    about: "Watch, and nothing else, believes a header X-User-Id that was meant for a gateway",
    handler: believing((req) => (rpcOf(req) === "Watch" ? header(req, "x-user-id") : undefined)),
  },
  {
    name: "auth-account-by-proxy-header",
    breaks: "AUTH-CREDENTIAL-ONLY",
    about: "a header X-Auth-Request-User, which oauth2-proxy sets, is believed, whoever has set it",
    handler: believing((req) => header(req, "x-auth-request-user")),
  },
  {
    name: "auth-account-by-session-cookie",
    breaks: "AUTH-CREDENTIAL-ONLY",
    about: "a call with a credential opens a session, and its cookie outranks the credential of later calls",
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
    about: "user_id in the query selects the account, for administrators, and nobody asks who is one",
    handler: believing((req) => query(req, "user_id")),
  },
  {
    name: "auth-watch-by-field",
    breaks: "AUTH-CREDENTIAL-ONLY",
    about: "Watch, and nothing else, looks for a user id among the fields that it does not know",
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
    operations: wrapSend((real) => (service, caller, request) => {
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
    seenIn: "pixelated/pixelated-user-agent#674",
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
    operations: wrapSync((real) => (service, caller, request) => {
      const { inbox } = caller.account;
      const acked = inbox.pending.get(request.cliSeq)?.senderId;
      const answer = real(service, caller, request);
      const other = acked === undefined ? undefined : service.accounts.get(acked)?.inbox;
      if (other !== undefined && other !== inbox) other.sync(Math.min(request.cliSeq, other.svrSeq), "", 1);
      return answer;
    }),
  },
];
