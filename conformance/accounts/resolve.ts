import type { Transport } from "../transport/http.js";
import { fixtureAccounts } from "./fixture.js";
import { type Account, poolAccounts } from "./pool.js";
import { probeAccounts } from "./probe.js";
import type { AccountSource, Unavailable } from "./source.js";

/** Options that select the accounts of a run. */
export interface AccountOptions {
  /**
   * Accounts of the target: a list of at least two, or a custom source.
   * @default new accounts from the target's FixtureService (fixtures.md)
   */
  accounts?: readonly Account[] | AccountSource;
  /**
   * Name of the list of accounts in reports.
   * @default "the given list"
   */
  accountsName?: string;
  /**
   * Credential for the FixtureService, where it requires one. Appears in no report.
   * @default none
   */
  fixtureToken?: string | undefined;
}

/**
 * Returns the source of accounts that the options select. Checks first that the target accepts the tokens of a list.
 */
export async function resolveAccounts(
  transport: Transport,
  { accounts, accountsName = "the given list", fixtureToken }: AccountOptions,
): Promise<AccountSource | Unavailable> {
  if (accounts === undefined) return fixtureAccounts(transport, { token: fixtureToken });
  if ("lease" in accounts) return accounts;
  return (await probeAccounts(transport, accountsName, accounts)) ?? poolAccounts(accountsName, accounts);
}
