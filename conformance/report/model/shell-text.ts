import type { CaseAccount, Exchange, Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { singleQuoted } from "../../shell.js";

/** What commands need to know of a run. */
export type Target = Pick<
  Report,
  "targets" | "profiles" | "curlArguments" | "fixtures" | "fixtureCredential" | "accounts"
>;

/** The shell variables of a script. */
export interface Variables {
  /** The accounts that have variables. */
  accounts: readonly CaseAccount[];
  /** Epochs by user id, in the order of their appearance. */
  epochs: ReadonlyMap<string, readonly string[]>;
  /** Number of data losses of an inbox so far, by user id. */
  rotations: Map<string, number>;
}

/** The prefix of an account's variables. */
export const prefixOf = ({ name }: Pick<CaseAccount, "name">) => name.toUpperCase().replaceAll(/\W/g, "_");

export const epochVariable = (account: CaseAccount, index: number) =>
  `${prefixOf(account)}_EPOCH${index === 0 ? "" : `_${index + 1}`}`;

/** A text that stands for a variable, and the variable. */
interface Replacement {
  text: string;
  variable: string;
}

/** The user ids and epochs that are replaced, long ones first: one may begin with another. */
function replacements({ accounts, epochs }: Variables): Replacement[] {
  const all = accounts.flatMap((account) => [
    { text: account.userId, variable: `${prefixOf(account)}_ID` },
    ...(epochs.get(account.userId) ?? []).map((text, index) => ({ text, variable: epochVariable(account, index) })),
  ]);
  return all.filter(({ text }) => text.length >= 4).sort((a, b) => b.text.length - a.text.length);
}

/** Splits a text at the values of the variables. */
function split(text: string, all: readonly Replacement[]): (string | { variable: string; text: string })[] {
  for (const { text: value, variable } of all) {
    const at = text.indexOf(value);
    if (at < 0) continue;
    const rest = text.slice(at + value.length);
    return [...split(text.slice(0, at), all), { variable, text: value }, ...split(rest, all)];
  }
  return text === "" ? [] : [text];
}

/** Quotes a text for the shell, with variables for user ids and epochs. */
export function shellText(text: string, variables: Variables): string {
  const parts = split(text, replacements(variables));
  if (parts.length === 0) return "''";
  return parts.map((part) => (typeof part === "string" ? singleQuoted(part) : `"$${part.variable}"`)).join("");
}

/** A header for the shell. The credential is that of the account. */
export function shellHeader(header: string, userId: string, variables: Variables): string {
  const account = variables.accounts.find((it) => it.userId === userId) ?? variables.accounts[0];
  const token = account === undefined ? "SEQSYNC_TOKEN" : `${prefixOf(account)}_TOKEN`;
  const name = header.slice(0, header.indexOf(":"));
  // curl sends an empty header only if it ends with a semicolon.
  if (header.slice(name.length + 1).trim() === "") return singleQuoted(`${name};`);
  const parts = header.split(
    /(\$SEQSYNC_TOKEN|\[the first \d+ of the \d+ characters of the token\]|\[the last \d+ of the \d+ characters of the token\]|\[the token in upper case\]|\[the token in lower case\]|\[the token backwards\])/,
  );
  const shown = parts
    .filter((part) => part !== "")
    .map((part) => {
      if (part === "$SEQSYNC_TOKEN") return `$${token}`;
      const first = /^\[the first (\d+) of/.exec(part)?.[1];
      if (first !== undefined) return `$(printf %.${first}s "$${token}")`;
      const last = /^\[the last (\d+) of/.exec(part)?.[1];
      if (last !== undefined) return `$(printf %s "$${token}" | tail -c ${last})`;
      if (part === "[the token in upper case]") return `$(printf %s "$${token}" | tr a-z A-Z)`;
      if (part === "[the token in lower case]") return `$(printf %s "$${token}" | tr A-Z a-z)`;
      if (part === "[the token backwards]") return `$(printf %s "$${token}" | rev)`;
      return part.replaceAll(/["$`\\]/g, "\\$&");
    });
  if (/[^ -~]/.test(header)) return `"$(printf '${octal(Buffer.from(shown.join(""), "latin1"))}')"`;
  return `"${shown.join("")}"`;
}

/** A body for the shell: as a quoted text, or as a printf whose output is piped. */
export function shellBody(
  { requestBody, userId }: Pick<Exchange, "requestBody" | "userId">,
  variables: Variables,
  isWritten = false,
): { text: string } | { printf: string } {
  const bytes = Buffer.from(requestBody);
  const utf8 = bytes.toString("utf8");
  const isText =
    !isWritten && !/(?!\n)\p{Cc}|\ufffd/u.test(utf8) && Buffer.from(utf8).equals(bytes) && !utf8.startsWith("@");
  if (isText) return { text: shellText(utf8, variables) };

  const account = variables.accounts.find((it) => it.userId === userId);
  const token = {
    text: "$SEQSYNC_TOKEN",
    variable: account === undefined ? "SEQSYNC_TOKEN" : `${prefixOf(account)}_TOKEN`,
  };
  const latin1 = (value: string) => Buffer.from(value, "utf8").toString("latin1");
  const all = replacements(variables).map(({ text, variable }) => ({ text: latin1(text), variable }));
  const parts = split(bytes.toString("latin1"), isWritten ? [token, ...all] : all);
  let format = "";
  const values: string[] = [];
  for (const [index, part] of parts.entries()) {
    const next = parts[index + 1];
    if (typeof part !== "string") {
      format += "%s";
      values.push(`"$${part.variable}"`);
      continue;
    }
    // The length in front of a string in protobuf follows the value of the variable.
    const hasLength = typeof next === "object" && !isWritten && part.charCodeAt(part.length - 1) === next.text.length;
    format += octal(Buffer.from(hasLength ? part.slice(0, -1) : part, "latin1"), isWritten);
    if (hasLength) format += `'"$(len "$${next.variable}")"'`;
  }
  return { printf: [`printf '${format}'`, ...values].join(" ") };
}

/** Bytes for the format of printf. The printf of every shell knows octal escapes. */
function octal(bytes: Uint8Array, readable = false): string {
  return [...bytes]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      if (readable && char === "\r") return "\\r";
      if (readable && char === "\n") return "\\n";
      if (/^[A-Za-z0-9 ,.:;/=+_-]$/.test(char) || (readable && /^[{}"()]$/.test(char))) return char;
      return `\\${byte.toString(8).padStart(3, "0")}`;
    })
    .join("");
}
