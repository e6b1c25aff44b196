import { ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Inconclusive } from "../findings.js";
import type { AccountRequest, AccountSource, Lease } from "./source.js";

/** An account of the target, as an entry of a list. */
export interface Account {
  /** Its user id: 1 to 128 bytes of UTF-8. */
  userId: string;
  /** Its bearer token: 1 to 4096 visible ASCII characters. Appears in no report. */
  token: string;
  /**
   * Whether no message was ever sent to the account, so that its inbox is new.
   * Cases that need a new inbox use each such account once.
   * @default false
   */
  fresh?: boolean;
}

/**
 * Accounts of a list, each leased to one case at a time. A case waits until all the accounts that it needs are free;
 * cases are served in order. A short list makes a run slower, but does not change its verdicts. `name` is the name of
 * the list in reports.
 */
export function poolAccounts(name: string, listed: readonly Account[]): AccountSource {
  const used = listed.filter(({ fresh }) => !fresh);
  const unused = listed.filter(({ fresh }) => fresh);
  const waiting: {
    request: AccountRequest;
    resolve: (leases: Lease[]) => void;
    reject: (error: Inconclusive) => void;
  }[] = [];

  const serve = () => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const { count, fresh } = next.request;
      const missing = count - (fresh ? 0 : Math.min(count, used.length));
      if (missing > unused.length && !fresh) return; // Some must be released first.
      waiting.shift();
      if (missing > unused.length) {
        next.reject(
          new Inconclusive(
            `needs ${count} new accounts, and not enough unused accounts are left`,
            ReasonCode.ACCOUNT_UNAVAILABLE,
          ),
        );
        continue;
      }
      // Used accounts are leased first, to save the new ones for the cases that need them.
      const leases = used.splice(0, count - missing).map((account): Lease => ({ ...account, startSeq: undefined }));
      leases.push(...unused.splice(0, missing).map((account): Lease => ({ ...account, startSeq: 0 })));
      next.resolve(leases);
    }
  };

  return {
    description: `${name}: ${listed.length} accounts`,
    unavailableReason: ({ count, fresh, startSeq = 0 }) => {
      if (startSeq > 0) return "needs an inbox with a high svr_seq, which only the FixtureService can create";
      if (count > listed.length) return `needs ${count} accounts, and the list has ${listed.length}`;
      if (fresh && count > unused.length)
        return `needs ${count} new accounts: mark unused accounts with "fresh": true, or use the FixtureService`;
      return undefined;
    },
    lease: (request) =>
      new Promise((resolve, reject) => {
        waiting.push({ request, resolve, reject });
        serve();
      }),
    release: (leases) => {
      for (const { userId, token } of leases) used.push({ userId, token });
      serve();
    },
    rotateEpoch: undefined,
    revokeToken: undefined,
  };
}
