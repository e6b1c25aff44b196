import type { Command } from "commander";
import { fixtureAccounts } from "../accounts/fixture.js";
import { AccountListError, readAccountFile, runAccountCommand } from "../accounts/list.js";
import { type ListedAccount, poolAccounts } from "../accounts/pool.js";
import { probeAccounts } from "../accounts/probe.js";
import type { AccountSource, Unavailable } from "../accounts/source.js";
import type { Transport } from "../transport/http.js";
import { UsageError } from "./usage.js";

export interface AccountFlags {
  accounts?: string;
  accountsCommand?: string;
}

/** Adds the options that say where accounts come from. */
export function accountOptions(command: Command): Command {
  return command
    .option(
      "--accounts <file>",
      'use these accounts: a JSON array of {"user_id", "token"}, two or more; - reads standard input',
    )
    .option(
      "--accounts-command <command>",
      "use the accounts that a shell command prints, one such JSON object a line",
    );
}

/** The flags that bring the same accounts again. */
export const accountArguments = ({ accounts, accountsCommand }: AccountFlags): string[] => [
  ...(accounts === undefined ? [] : ["--accounts", accounts]),
  ...(accountsCommand === undefined ? [] : ["--accounts-command", accountsCommand]),
];

/** Where accounts come from, once the target can be asked. */
export type FindAccounts = (transport: Transport) => Promise<AccountSource | Unavailable>;

/** Accounts that the user gives; undefined to use the target's fixtures. */
export async function accountSource({ accounts, accountsCommand }: AccountFlags): Promise<FindAccounts | undefined> {
  if (accounts !== undefined && accountsCommand !== undefined)
    throw new UsageError("give --accounts or --accounts-command, not both");
  try {
    if (accounts !== undefined)
      return pooled(accounts === "-" ? "standard input" : accounts, readAccountFile(accounts));
    if (accountsCommand !== undefined) return pooled("the accounts command", await runAccountCommand(accountsCommand));
    return undefined;
  } catch (error) {
    throw error instanceof AccountListError ? new UsageError(error.message) : error;
  }
}

const pooled =
  (route: string, listed: readonly ListedAccount[]): FindAccounts =>
  async (transport) =>
    (await probeAccounts(transport, route, listed)) ?? poolAccounts(route, listed);

/** The given accounts, or the target's fixtures. Their credential comes from the environment only. */
export async function fixtureOr(
  given: FindAccounts | undefined,
  transport: Transport,
): Promise<AccountSource | Unavailable> {
  return given === undefined ? fixtureAccounts(transport, { token: fixtureToken() }) : given(transport);
}

export const fixtureToken = (): string | undefined => process.env["SEQSYNC_FIXTURE_TOKEN"] || undefined;
