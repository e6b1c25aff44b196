import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import type { ListedAccount } from "./pool.js";

/** A list of accounts that cannot be used, with what to do about it. Never quotes the list: it holds tokens. */
export class AccountListError extends Error {}

/** Reads accounts from a JSON file, or from standard input if the name is "-". */
export function readAccountFile(file: string): ListedAccount[] {
  let text: string;
  try {
    text = readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new AccountListError(`cannot read the accounts in ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new AccountListError(`${file} is not JSON; want [{"user_id": "…", "token": "…"}, …]`);
  }
  if (!Array.isArray(json))
    throw new AccountListError(`${file} is not a JSON array; want [{"user_id": "…", "token": "…"}, …]`);
  return checked(json, (index) => `${file}, account ${index + 1}`);
}

/** How long the command may take, in milliseconds. */
const COMMAND_TIMEOUT_MS = 60_000;

/** Runs a shell command that prints accounts, one JSON object a line: for a server with an API to sign up. */
export async function runAccountCommand(command: string): Promise<ListedAccount[]> {
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile("/bin/sh", ["-c", command], { timeout: COMMAND_TIMEOUT_MS, maxBuffer: 16 << 20 }, (error, out, err) => {
      if (error === null) return resolve(out);
      const last = err.trim().split("\n").at(-1);
      const how = error.killed
        ? `did not end within ${COMMAND_TIMEOUT_MS / 1000} s`
        : `ended with exit code ${error.code}`;
      reject(new AccountListError(`the accounts command ${how}${last ? `: ${last}` : ""}`));
    });
  });
  const lines = stdout.split("\n").filter((line) => line.trim() !== "");
  const place = (index: number) => `line ${index + 1} of the accounts command`;
  const entries = lines.map((line, index): unknown => {
    try {
      return JSON.parse(line);
    } catch {
      throw new AccountListError(`${place(index)} is not JSON; want {"user_id": "…", "token": "…"}`);
    }
  });
  return checked(entries, place);
}

function checked(entries: readonly unknown[], place: (index: number) => string): ListedAccount[] {
  const accounts = entries.map((entry, index): ListedAccount => {
    const fields = (entry ?? {}) as Record<string, unknown>;
    const userId = fields["user_id"] ?? fields["userId"];
    const { token, fresh } = fields;
    if (typeof userId !== "string" || userId === "") throw new AccountListError(`${place(index)} has no "user_id"`);
    if (typeof token !== "string" || !/^[\x21-\x7e]{1,4096}$/.test(token)) {
      throw new AccountListError(`${place(index)} has no "token" of 1 to 4096 visible ASCII characters`);
    }
    return { userId, token, fresh: fresh === true };
  });
  const repeated = (key: "userId" | "token") => {
    const first = new Map<string, number>();
    for (const [index, account] of accounts.entries()) if (!first.has(account[key])) first.set(account[key], index);
    return accounts.findIndex((account, index) => first.get(account[key]) !== index);
  };
  const twice = repeated("userId");
  if (twice >= 0) throw new AccountListError(`${place(twice)} is there twice; each account must be another one`);
  const shared = repeated("token");
  if (shared >= 0) throw new AccountListError(`${place(shared)} has the token of another account; each has its own`);
  if (accounts.length < 2)
    throw new AccountListError(
      `two accounts or more are needed, and there ${accounts.length === 1 ? "is 1" : "are none"}`,
    );
  return accounts;
}
