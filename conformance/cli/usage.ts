import { InvalidArgumentError } from "commander";

/** Exit codes of the commands. */
export const EXIT = { ok: 0, violation: 1, usage: 2, inconclusive: 3 } as const;

/** Bad usage or configuration: told in one line that says what to do, exit code 2. */
export class UsageError extends Error {}

/** A parser for whole numbers in a range. */
export function whole(min: number, max: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** A parser for an option that may be given more than once. */
export const collect = (value: string, before: string[] | undefined) => [...(before ?? []), value];

/** A base URL of a target, or a line that says what is wrong with it. */
export function targetUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new UsageError(`"${text}" is not a URL; give one like http://127.0.0.1:8080`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new UsageError(`"${text}" is neither http: nor https:`);
  if (url.username !== "" || url.password !== "")
    throw new UsageError("a URL must not hold a user or a password: others can read command lines");
  if (url.search !== "" || url.hash !== "")
    throw new UsageError(`"${text}" has a query or a fragment; give the base URL, below which the RPCs are`);
  return url.href;
}
