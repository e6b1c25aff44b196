import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A page of measurements. Their file is committed, because making it takes hours and an otherwise idle machine. */
interface Measurement {
  title: string;
  about: string;
  /** Path of the file, below the root of the repository. */
  file: string;
  /** The command that makes the file. */
  command: string;
}

export const BENCHMARKS: Measurement = {
  title: "Benchmarks",
  about:
    "The throughput of the reference server, the cost of large amounts of data, the duration of the suite and the judge, and the time until a device that reconnects has its messages.",
  file: "docs/data/bench.json",
  command: "npm run bench -- --json docs/data/bench.json",
};

export const SOAK: Measurement = {
  title: "Soak",
  about:
    "The whole suite, many times with different seeds, against conforming servers: the reference server, an implementation that shares no code with it, and variants with unusual but allowed behaviour. All processors are busy meanwhile. Each failure would be a false positive of the suite.",
  file: "docs/data/soak.json",
  command: "npm run soak -- --json docs/data/soak.json",
};

export const MUTATION: Measurement = {
  title: "Mutation tests",
  about:
    "Small changes to the judge and to the core of the reference server, one at a time, and how many of them a test detects. The undetected ones were reviewed: they change comparisons of event numbers, which are never equal; conditions that only the types need; optimisations of memory; the choice between two equal pieces of evidence; and, after data loss, conditions that make the judge report less than it could, but never more.",
  file: "docs/data/mutation.json",
  command: "npm run test:mutation",
};

export function measurementPage(root: string, { title, about, file, command }: Measurement): string {
  const path = join(root, file);
  const body = existsSync(path)
    ? format(JSON.parse(readFileSync(path, "utf8")) as Json, 2)
    : [
        "No measurements are committed for this version. To measure on your own machine, run in a clone:",
        "",
        "```sh",
        command,
        "```",
      ];
  return [`# ${title}`, "", about, "", ...body, ""].join("\n");
}

/** Formats scalars as a table, each list of objects as a table, and objects as sections. */
function format(value: Json, depth: number): string[] {
  if (!isObject(value)) return Array.isArray(value) ? formatList(value, depth) : [cell(value), ""];
  const entries = Object.entries(value);
  const scalars = entries.filter(([, it]) => isScalar(it));
  return [
    ...(scalars.length === 0
      ? []
      : ["| | |", "| --- | --- |", ...scalars.map(([key, it]) => `| ${words(key)} | ${cell(it)} |`), ""]),
    ...entries
      .filter(([, it]) => !isScalar(it))
      .flatMap(([key, it]) => [`${"#".repeat(Math.min(depth, 4))} ${words(key)}`, "", ...format(it, depth + 1)]),
  ];
}

function formatList(items: Json[], depth: number): string[] {
  const rows = items.filter(isObject);
  if (rows.length < items.length) return [...items.map((it) => `- ${cell(it)}`), ""];
  if (rows.some((row) => Object.values(row).some((it) => !isScalar(it))))
    return rows.flatMap((row) => format(row, depth + 1));
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
const isScalar = (value: Json) => typeof value !== "object" || value === null;
const cell = (value: Json): string =>
  typeof value === "number"
    ? value.toLocaleString("en")
    : String(isScalar(value) ? value : JSON.stringify(value)).replace(/[|<]/g, "\\$&");
/** Turns "callsPerSecond" into "calls per second". */
const words = (key: string) => key.replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`);
