import { Inconclusive } from "../findings.js";
import type { AccountRequest, AccountSource, Lease } from "./source.js";

/** An account as a list gives it. */
export interface ListedAccount {
  /** Its user id. 1 to 128 bytes of UTF-8. */
  userId: string;
  /** Its bearer token. 1 to 4096 visible ASCII characters. */
  token: string;
  /** Nothing was ever sent to it: its inbox is new. True for one use. */
  fresh?: boolean;
}

/**
 * A given list of accounts, lent to one case at a time. With few accounts the run is more serial, never wrong: a case waits
 * until it can have all that it needs at once, and whoever has waited longest comes first.
 */
export function poolAccounts(route: string, listed: readonly ListedAccount[]): AccountSource {
  const used = listed.filter(({ fresh }) => !fresh);
  const unused = listed.filter(({ fresh }) => fresh);
  const waiting: { wish: AccountRequest; resolve: (leases: Lease[]) => void; reject: (why: Inconclusive) => void }[] =
    [];

  const serve = () => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const { count, fresh } = next.wish;
      const short = count - (fresh ? 0 : Math.min(count, used.length));
      if (short > unused.length && !fresh) return; // until some are given back
      waiting.shift();
      if (short > unused.length) {
        next.reject(new Inconclusive(`needs ${count} new accounts, and the last new ones have been used`));
        continue;
      }
      // Accounts with a past go first, so that new ones are left for the cases that need them.
      const leases = used.splice(0, count - short).map((account): Lease => ({ ...account, startSeq: undefined }));
      leases.push(...unused.splice(0, short).map((account): Lease => ({ ...account, startSeq: 0 })));
      next.resolve(leases);
    }
  };

  return {
    description: `${route}: ${listed.length} accounts`,
    unavailableReason: ({ count, fresh, startSeq = 0 }) => {
      if (startSeq > 0)
        return "needs an inbox that stands high in the numbering, which only the FixtureService can make";
      if (count > listed.length) return `needs ${count} accounts, and there are ${listed.length}`;
      if (fresh && count > unused.length)
        return `needs ${count} new: mark accounts that were never used with "fresh": true, or use the FixtureService`;
      return undefined;
    },
    lease: (wish) =>
      new Promise((resolve, reject) => {
        waiting.push({ wish, resolve, reject });
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
