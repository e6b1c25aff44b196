import { ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { Lease } from "../accounts/source.js";
import { Inconclusive } from "../findings.js";
import type { TestAccount } from "./account.js";
import type { Context } from "./context.js";
import { forEachAtOnce } from "./volume.js";

/** Number of accounts that are created at once. */
const AT_ONCE = 20;

export interface ManyAccounts {
  wanted: number;
  /** Number of accounts without which the case cannot show anything. */
  minimum: number;
  /** Name of an account for people, from its index. */
  nameOf: (index: number) => string;
}

/**
 * Leases accounts until the case ends: as many as wanted, or fewer if there are no more. Inconclusive if there are fewer
 * than the minimum. Only for cases with `needs.accounts: 0`: a case that already had accounts might wait for others that
 * wait for its own.
 */
export async function leaseAccounts(t: Context, { wanted, minimum, nameOf }: ManyAccounts): Promise<TestAccount[]> {
  const leases: Lease[] = [];
  t.onEnd(() => t.source.release(leases));
  if (t.source.isSingleUse) await createUpTo(t, wanted, minimum, leases);
  else leases.push(...(await leaseFromList(t, wanted, minimum)));
  const accounts = t.addAccounts(leases, nameOf);
  await forEachAtOnce(
    accounts.filter(({ isFresh }) => !isFresh),
    (account) => account.sweep(),
  );
  return accounts;
}

async function createUpTo({ source }: Context, wanted: number, minimum: number, leases: Lease[]): Promise<void> {
  try {
    while (leases.length < wanted)
      leases.push(...(await source.lease({ count: Math.min(AT_ONCE, wanted - leases.length) })));
  } catch (error) {
    if (!(error instanceof Inconclusive)) throw error;
    if (leases.length < minimum)
      throw new Inconclusive(`needs ${minimum} accounts; after ${leases.length}: ${error.message}`, error.code);
  }
}

async function leaseFromList({ source }: Context, wanted: number, minimum: number): Promise<Lease[]> {
  const reason = source.unavailableReason({ count: minimum });
  if (reason !== undefined) throw new Inconclusive(reason, ReasonCode.ACCOUNTS);
  const count = source.unavailableReason({ count: wanted }) === undefined ? wanted : minimum;
  return source.lease({ count });
}
