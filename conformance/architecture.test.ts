import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";

/** The layers of the suite: each imports only layers that are above it in this list. An import of a type counts too. */
const LAYERS = [
  "proto",
  "version.ts",
  "printable.ts",
  "shell.ts",
  "suggest.ts",
  "random.ts",
  "text-file.ts",
  "json-scan.ts",
  "json.ts",
  "requirements",
  "findings.ts",
  "contents",
  "transport",
  "history",
  "rpc",
  "judge",
  "accounts",
  "harness",
  "explore",
  "cases",
  "report/model",
  "report/formats",
  "run",
  "doctor",
  "vitest",
  "cli",
  "index.ts",
];

/** Folders that test and measure the suite itself: no layer imports them, and they may import every layer. */
const OUTSIDE = ["selftest", "benchmarks"];

const root = join(import.meta.dirname, "..");
const sources = ["proto", "reference-server", "conformance", "docs"]
  .flatMap((top) => readdirSync(join(root, top), { recursive: true, encoding: "utf8" }).map((file) => `${top}/${file}`))
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => file.endsWith(".ts"))
  .filter((file) => !/\.test\.ts$|(^|\/)(testing|dist|node_modules|site|\.stage)\//.test(file));

/** The project's own files that each file imports. */
const imports = new Map(
  sources.map((file) => {
    const text = readFileSync(join(root, file), "utf8");
    const specifiers = [
      ...text.matchAll(/^(?:import|export)[^"';]*?["'](\.[^"']*)["']|\bimport\(["'](\.[^"']*)["']\)/gm),
    ];
    const targets = specifiers.map(([, from, dynamic]) =>
      posix.join(posix.dirname(file), (from ?? dynamic ?? "").replace(/\.js$/, ".ts")),
    );
    return [file, targets] as const;
  }),
);

function layerOf(file: string): string {
  const [top = "", folder = "", inner = ""] = file.split("/");
  if (top !== "conformance") return top;
  return folder === "report" ? `report/${inner}` : folder;
}

/** Returns the imports that a rule does not allow, as "file -> file". */
function forbidden(isAllowed: (from: string, to: string) => boolean): string[] {
  return [...imports].flatMap(([from, targets]) =>
    targets.filter((to) => !isAllowed(from, to)).map((to) => `${from} -> ${to}`),
  );
}

describe("layers", () => {
  test("are all in the list", () => {
    const found = new Set(sources.filter((file) => file.startsWith("conformance/")).map(layerOf));
    expect([...found].filter((layer) => !LAYERS.includes(layer) && !OUTSIDE.includes(layer))).toEqual([]);
    expect(imports.get("conformance/cli/program.ts")).toContain("conformance/cli/check.ts");
  });

  test("import only layers above them", () => {
    const isAbove = (from: string, to: string) => {
      const [source, target] = [layerOf(from), layerOf(to)];
      if (!from.startsWith("conformance/") || OUTSIDE.includes(source) || source === target) return true;
      return LAYERS.includes(target) && LAYERS.indexOf(target) < LAYERS.indexOf(source);
    };
    expect(forbidden(isAbove)).toEqual([]);
  });

  test("the reference server imports only its own files and proto/", () => {
    const isOwn = (from: string, to: string) =>
      !from.startsWith("reference-server/") || /^(reference-server|proto)\//.test(to);
    expect(forbidden(isOwn)).toEqual([]);
  });

  test("transport imports no other layer", () => {
    expect(forbidden((from, to) => layerOf(from) !== "transport" || layerOf(to) === "transport")).toEqual([]);
  });

  test("only the selftest and the build of the docs import mutants", () => {
    const isAllowed = (from: string, to: string) =>
      !to.startsWith("conformance/selftest/mutants/") || /^(conformance\/selftest|docs\/build)\//.test(from);
    expect(forbidden(isAllowed)).toEqual([]);
  });
});

test("only cli/terminal.ts writes to standard output and standard error, because it escapes", () => {
  const writes = /^(?!\s*\*).*(\bconsole\.|\bprocess\.(stdout|stderr)\.(write|end)\b)/m;
  const suite = sources.filter((file) => file.startsWith("conformance/") && !OUTSIDE.includes(layerOf(file)));
  expect(suite.filter((file) => writes.test(readFileSync(join(root, file), "utf8")))).toEqual([
    "conformance/cli/terminal.ts",
  ]);
});

test("there are no import cycles", () => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      cycles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      return;
    }
    if (done.has(file)) return;
    for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of sources) visit(file, []);
  expect(cycles).toEqual([]);
});
