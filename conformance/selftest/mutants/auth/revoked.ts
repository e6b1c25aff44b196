import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { type Account, bearerToken, hash } from "../../../../reference-server/accounts.js";
import { refuse } from "../../../../reference-server/errors.js";
import { rpcOf, wrapWatch } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

/** Mutants of the chapter "Authentication": revoked credentials. */
export const authRevoked: readonly Mutant[] = [
  {
    name: "auth-revocation-takes-a-minute",
    breaks: "AUTH-REVOKED",
    about: "accepts a revoked token as long as it is cached",
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
    about: "accepts a revoked credential for Send if it was used before",
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
    about: "does not end a Watch whose credential is revoked",
    operations: wrapWatch((stream) => ({
      ...stream,
      end: (error) => {
        if (error?.detail?.reason !== Reason.CREDENTIAL_INVALID) stream.end(error);
      },
    })),
  },
  {
    name: "auth-revocation-ends-one-watch",
    breaks: "AUTH-REVOKED-WATCH",
    about: "ends only the first of several Watches of a revoked credential",
    operations: (real) => {
      const first = new Map<string, object>();
      return wrapWatch((stream, { tokenHash }) => {
        if (!first.has(tokenHash)) first.set(tokenHash, stream);
        stream.onClose(() => first.get(tokenHash) === stream && first.delete(tokenHash));
        return {
          ...stream,
          end: (error) => {
            if (first.get(tokenHash) === stream || error?.detail?.reason !== Reason.CREDENTIAL_INVALID)
              stream.end(error);
          },
        };
      })(real);
    },
  },
  {
    name: "auth-revoked-watch-ends-well",
    breaks: "AUTH-REVOKED-WATCH",
    about: "ends the Watch of a revoked credential without an error",
    operations: wrapWatch((stream) => ({ ...stream, end: () => stream.end() })),
  },
  {
    name: "auth-revocation-hits-another",
    breaks: "AUTH-REVOKED",
    about: "also locks out the account of the latest Send when it revokes a credential",
    operations: (real) => {
      let last: string | undefined;
      const lockedOut = new Set<string>();
      const check = (userId: string) => {
        if (lockedOut.has(userId)) throw refuse(Reason.CREDENTIAL_INVALID, "log in again");
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
          if (last !== undefined) lockedOut.add(last);
          return real.revokeToken(service, request);
        },
      };
    },
  },
];
