import { randomBytes } from "node:crypto";
import { startReferenceServer } from "../../../reference-server/index.js";
import type { Running } from "../support/serve.js";

/** Beginnings and ends of ids that text handling, JSON, URLs, base64, shells, terminals and databases may treat specially. */
const AFFIXES: readonly (readonly [start: string, end: string])[] = [
  ["+/=", "=="],
  ["%2F%00", "%"],
  ["\"'\\", "'"],
  ["\n", "\r\n"],
  ["\u0000", "\u0000"],
  ["\u202e\u05d0", "\u05d1"],
  [" ", " "],
  ["0", ".0"],
  ["?OK$&{}", "`$(x)`"],
  ["<b>&amp;", "</b>"],
  ["\u001b[31m", "\u001b[0m"],
  ["e\u0301", "\u00e9"],
  ["👩‍👩‍👧", "😀"],
  ["\ufeff\u2028", "\u2029"],
  ["a:b,c;", "#"],
];

/** Starts the reference server with user ids and epochs that are hard to handle, of each kind in turn. */
export async function startHardIds(): Promise<Running> {
  let created = 0;
  const newId = () => {
    const [start, end] = AFFIXES[created++ % AFFIXES.length] ?? ["", ""];
    return `${start}${randomBytes(8).toString("hex")}${end}`;
  };
  const server = await startReferenceServer({ fixtures: true, newId });
  return { url: server.url, stop: () => server.close(0) };
}
