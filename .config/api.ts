/**
 * Writes the reports of the public API into `docs/data/api/` (`npm run api`), one for each entry point of the package, from the
 * declarations in `dist/`. With `--check` it writes nothing, and fails if a report is out of date (`npm run api:check`). A type
 * that the API uses and no entry point exports is an error.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Extractor, ExtractorConfig, type ExtractorMessage, type IConfigFile } from "@microsoft/api-extractor";

const root = join(import.meta.dirname, "..");
const reports = join(root, "docs/data/api");
const temporary = mkdtempSync(join(tmpdir(), "seqsync-api-"));
const isCheck = process.argv.includes("--check");

const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  exports: Record<string, string | { types: string }>;
};
const entryPoints = Object.entries(exports).flatMap(([name, target]) =>
  typeof target === "string" ? [] : [{ name: name.slice(2), types: target.types }],
);

/** Types that an entry point uses and does not export: another entry point has to. */
const unexported = new Map<string, string>();
const declared = new Set<string>();

for (const { name, types } of entryPoints) {
  const reportFileName = `${name.replaceAll("/", "-")}.api.md`;
  const configObject: IConfigFile = {
    projectFolder: root,
    mainEntryPointFilePath: join(root, types),
    compiler: { tsconfigFilePath: join(root, ".config/tsconfig.api.json") },
    apiReport: { enabled: true, reportFolder: reports, reportTempFolder: temporary, reportFileName },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    newlineKind: "lf",
  };
  mkdirSync(reports, { recursive: true });
  const { succeeded, apiReportChanged } = Extractor.invoke(
    ExtractorConfig.prepare({
      configObject,
      configObjectFullPath: undefined,
      packageJsonFullPath: join(root, "package.json"),
    }),
    { localBuild: !isCheck, messageCallback: (message) => onMessage(name, message) },
  );
  const report = readFileSync(join(temporary, reportFileName), "utf8");
  const declarations = /^export (?:.*?(?:class|const|enum|function|interface|type) (\w+)|{ \w+ as (\w+) })/gm;
  for (const [, symbol, renamed] of report.matchAll(declarations)) declared.add((symbol ?? renamed) as string);
  if (isCheck && apiReportChanged) fail(`docs/data/api/${reportFileName} is out of date: run \`npm run api\``);
  else if (!succeeded && !apiReportChanged) fail(`the report of seqsync/${name} failed`);
}
rmSync(temporary, { recursive: true });

for (const [symbol, name] of unexported)
  if (!declared.has(symbol)) fail(`seqsync/${name} uses the type ${symbol}, which no entry point exports`);
if (process.exitCode === undefined) console.log(`${entryPoints.length} reports of the public API`);

function onMessage(name: string, message: ExtractorMessage): void {
  message.handled = true;
  if (message.messageId === "ae-forgotten-export") {
    // A name that is also a global of the DOM gets a number.
    const symbol = (/The symbol "(\w+)"/.exec(message.text)?.[1] ?? message.text).replace(/_\d+$/, "");
    unexported.set(symbol, name);
  } else if (message.logLevel === "error") fail(`seqsync/${name}: ${message.text}`);
}

function fail(line: string): void {
  console.error(line);
  process.exitCode = 1;
}
