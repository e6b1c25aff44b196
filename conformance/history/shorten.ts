import { createHash } from "node:crypto";

/**
 * Longest text of a server that a history keeps whole, in characters: several times as long as the specification allows
 * for ids and epochs.
 */
const MAX_CHARACTERS = 512;

/** Shortens a text of a server. Different texts stay different, and one that is too long stays too long. */
export function shortenText(text: string): string {
  if (text.length <= MAX_CHARACTERS) return text;
  const sha256 = createHash("sha256").update(text).digest("hex").slice(0, 16);
  // Without half of a character of two code units.
  const start = text.slice(0, MAX_CHARACTERS).replace(/[\ud800-\udbff]$/, "");
  return `${start}… (${text.length} characters, SHA-256 ${sha256})`;
}
