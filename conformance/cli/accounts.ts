import type { Command } from "commander";
import { AccountListError, readAccountFile, runAccountCommand } from "../accounts/list.js";
import type { AccountOptions } from "../accounts/resolve.js";
import { file, text } from "./options.js";
import { UsageError } from "./usage.js";

export interface AccountFlags {
  accounts?: string;
  accountsCommand?: string;
}

/** Adds the options for test accounts. */
export function accountOptions(command: Command): Command {
  return command
    .addOption(
      file("--accounts <file>", 'use the accounts of this JSON array of {"user_id", "token"}; - reads standard input'),
    )
    .addOption(
      text("--accounts-command <command>", "use the accounts that this shell command prints, one JSON object per line"),
    );
}

/** Returns the arguments that select the same accounts again. */
export const accountArguments = ({ accounts, accountsCommand }: AccountFlags): string[] => [
  ...(accounts === undefined ? [] : ["--accounts", accounts]),
  ...(accountsCommand === undefined ? [] : ["--accounts-command", accountsCommand]),
];

/**
 * Returns the accounts that the flags select, or the credential for the server's FixtureService, which comes only from
 * the environment. Throws UsageError if there is no such list.
 */
export async function accountSettings({ accounts, accountsCommand }: AccountFlags): Promise<AccountOptions> {
  if (accounts !== undefined && accountsCommand !== undefined)
    throw new UsageError("--accounts and --accounts-command exclude each other; use one of them");
  try {
    if (accounts !== undefined)
      return { accountsName: accounts === "-" ? "standard input" : accounts, accounts: readAccountFile(accounts) };
    if (accountsCommand !== undefined)
      return { accountsName: "the accounts command", accounts: await runAccountCommand(accountsCommand) };
    return { fixtureToken: process.env["SEQSYNC_FIXTURE_TOKEN"] || undefined };
  } catch (error) {
    throw error instanceof AccountListError ? new UsageError(error.message) : error;
  }
}
