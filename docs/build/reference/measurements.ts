import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A page of measured numbers, from a file that is committed because it takes a quiet machine and a long time to make. */
interface Measurement {
  title: string;
  about: string;
  /** Below the root of the repository. */
  file: string;
  /** What makes the file. */
  command: string;
}

export const BENCHMARKS: Measurement = {
  title: "Benchmarks",
  about:
    "How many calls a second the reference server answers, what much data costs it, how long the suite and the judge take, and how soon a device that comes back has its messages.",
  file: "docs/data/bench.json",
  command: "npm run bench -- --json docs/data/bench.json",
};

export const SOAK: Measurement = {
  title: "Soak",
  about:
    "The whole suite, round after round with other seeds, against servers that are right: the reference server, one that shares no code with it, and everything odd that the specification allows; with all processors kept busy. Any failure would be a false alarm.",
  file: "docs/data/soak.json",
  command: "npm run proof -- --soak --json docs/data/soak.json",
};

export const MUTATION: Measurement = {
  title: "Mutation tests",
  about:
    "Small changes to the judge and to the reference server's core, one at a time: how many of them a test notices. What is left was read one by one: comparisons of event numbers, of which no two are equal; conditions that are there for the types only; what only saves memory; which of two equal proofs is shown; and, around losses, conditions by which the judge says less than it could, never more.",
  file: "docs/data/mutation.json",
  command: "npm run test:mutation",
};

export function measurementPage(root: string, { title, about, file, command }: Measurement): string {
  const path = join(root, file);
  const body = existsSync(path)
    ? show(JSON.parse(readFileSync(path, "utf8")) as Json, 2)
    : [
        "No numbers are committed for this version. To measure on your own machine, in a clone:",
        "",
        "```sh",
        command,
        "```",
      ];
  return [`# ${title}`, "", about, "", ...body, ""].join("\n");
}

/** Plain values as a table, lists of objects as a table each, and objects as sections. */
function show(value: Json, depth: number): string[] {
  if (!isObject(value)) return Array.isArray(value) ? listed(value, depth) : [cell(value), ""];
  const entries = Object.entries(value);
  const plain = entries.filter(([, it]) => isPlain(it));
  return [
    ...(plain.length === 0
      ? []
      : ["| | |", "| --- | --- |", ...plain.map(([key, it]) => `| ${words(key)} | ${cell(it)} |`), ""]),
    ...entries
      .filter(([, it]) => !isPlain(it))
      .flatMap(([key, it]) => [`${"#".repeat(Math.min(depth, 4))} ${words(key)}`, "", ...show(it, depth + 1)]),
  ];
}

function listed(items: Json[], depth: number): string[] {
  const rows = items.filter(isObject);
  if (rows.length < items.length) return [...items.map((it) => `- ${cell(it)}`), ""];
  if (rows.some((row) => Object.values(row).some((it) => !isPlain(it))))
    return rows.flatMap((row) => show(row, depth + 1));
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return [
    `| ${keys.map(words).join(" | ")} |`,
    `|${" --- |".repeat(keys.length)}`,
    ...rows.map((row) => `| ${keys.map((key) => cell(row[key] ?? "")).join(" | ")} |`),
    "",
  ];
}

const isObject = (value: Json): value is { [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isPlain = (value: Json) => typeof value !== "object" || value === null;
const cell = (value: Json): string =>
  typeof value === "number"
    ? value.toLocaleString("en")
    : String(isPlain(value) ? value : JSON.stringify(value)).replace(/[|<]/g, "\\$&");
/** "callsPerSecond" becomes "calls per second". */
const words = (key: string) => key.replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
