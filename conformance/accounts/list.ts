import { type JsonError, parseJson } from "../json.js";
import { runShell, ShellError } from "../shell.js";
import { readTextFile, TextFileError } from "../text-file.js";
import type { Account } from "./pool.js";

/** Thrown if a list of accounts is invalid. The message contains the remedy, but no token: it never quotes the list. */
export class AccountListError extends Error {}

/** Reads accounts from a JSON file, or from standard input if the name is "-". Throws AccountListError. */
export function readAccountFile(file: string): Account[] {
  let text: string;
  try {
    text = readTextFile(file);
  } catch (error) {
    if (error instanceof TextFileError)
      throw new AccountListError(
        `${file}${error.line === undefined ? "" : `, line ${error.line}`}: the file ${error.message}`,
      );
    throw new AccountListError(`cannot read the accounts in ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  let json: unknown;
  try {
    json = parseJson(text);
  } catch (error) {
    const { line, message } = error as JsonError;
    throw new AccountListError(`${file}, line ${line}: ${message}; expected [{"user_id": "…", "token": "…"}, …]`);
  }
  if (!Array.isArray(json))
    throw new AccountListError(`${file} is not a JSON array; expected [{"user_id": "…", "token": "…"}, …]`);
  return checked(json, (index) => `${file}, account ${index + 1}`);
}

/** Time limit of the command, in milliseconds. */
const COMMAND_TIMEOUT_MS = 60_000;

/** Runs a shell command that prints accounts, one JSON object per line. Rejects with AccountListError. */
export async function runAccountCommand(command: string): Promise<Account[]> {
  const name = "the accounts command";
  const stdout = await runShell(command, { name, timeoutMs: COMMAND_TIMEOUT_MS }).catch((error) => {
    throw error instanceof ShellError ? new AccountListError(error.message) : error;
  });
  const lines = stdout.split("\n").filter((line) => line.trim() !== "");
  const place = (index: number) => `line ${index + 1} of ${name}`;
  const entries = lines.map((line, index): unknown => {
    try {
      return JSON.parse(line);
    } catch {
      throw new AccountListError(`${place(index)} is not JSON; expected {"user_id": "…", "token": "…"}`);
    }
  });
  return checked(entries, place);
}

function checked(entries: readonly unknown[], place: (index: number) => string): Account[] {
  const accounts = entries.map((entry, index): Account => {
    const fields = (entry ?? {}) as Record<string, unknown>;
    const userId = fields["user_id"] ?? fields["userId"];
    const { token, fresh } = fields;
    if (typeof userId !== "string" || userId === "") throw new AccountListError(`${place(index)} has no "user_id"`);
    if (typeof token !== "string" || !/^[\x21-\x7e]{1,4096}$/.test(token)) {
      throw new AccountListError(`${place(index)} has no "token" of 1 to 4096 visible ASCII characters`);
    }
    return { userId, token, fresh: fresh === true };
  });
  const firstDuplicate = (key: "userId" | "token") => {
    const first = new Map<string, number>();
    for (const [index, account] of accounts.entries()) if (!first.has(account[key])) first.set(account[key], index);
    return accounts.findIndex((account, index) => first.get(account[key]) !== index);
  };
  const sameUser = firstDuplicate("userId");
  if (sameUser >= 0) throw new AccountListError(`${place(sameUser)} has the "user_id" of an earlier account`);
  const sameToken = firstDuplicate("token");
  if (sameToken >= 0) throw new AccountListError(`${place(sameToken)} has the "token" of an earlier account`);
  if (accounts.length < 2)
    throw new AccountListError(
      `at least two accounts are needed; the list contains ${accounts.length === 1 ? "one" : "none"}`,
    );
  return accounts;
}
