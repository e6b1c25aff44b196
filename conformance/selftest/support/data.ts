/** Helpers for the files in docs/data, each of which records when and from which commit it was generated. */
import { execFileSync } from "node:child_process";

/**
 * The commit that is checked out, with "-dirty" if files other than those in docs/data differ from it; "unknown"
 * without git.
 */
export function currentCommit(): string {
  const git = (...args: string[]) =>
    execFileSync("git", args, {
      cwd: import.meta.dirname,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  try {
    const changes = git("status", "--porcelain", "--", ":(top)", ":(top,exclude)docs/data");
    return `${git("rev-parse", "--short=12", "HEAD")}${changes === "" ? "" : "-dirty"}`;
  } catch {
    return "unknown";
  }
}

/**
 * Formats an object as JSON with one line for each member, and one for each element of an array, so that a diff can be
 * reviewed.
 */
export function formatData(data: object): string {
  const members = Object.entries(data).map(([key, value]) => {
    const text =
      Array.isArray(value) && value.length > 0
        ? `[\n${value.map((element) => `    ${compact(element)}`).join(",\n")}\n  ]`
        : compact(value);
    return `  ${JSON.stringify(key)}: ${text}`;
  });
  return `{\n${members.join(",\n")}\n}\n`;
}

/** JSON in one line, with fractions rounded to six significant digits: no measurement is more precise. */
const compact = (value: unknown) =>
  JSON.stringify(value, (_, it) =>
    typeof it === "number" && !Number.isInteger(it) ? Number(it.toPrecision(6)) : (it as unknown),
  );
