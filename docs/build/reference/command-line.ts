import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command, Option } from "commander";
import { checkCommand } from "../../../conformance/cli/check.js";
import { CONFIG_FILE, settingsOf } from "../../../conformance/cli/config.js";
import { doctorCommand } from "../../../conformance/cli/doctor.js";
import { EXIT, type ExitName } from "../../../conformance/cli/exit.js";
import { EXIT_CODES } from "../../../conformance/cli/exit-code.js";
import { exploreCommand } from "../../../conformance/cli/explore.js";
import { judgeCommand } from "../../../conformance/cli/judge.js";
import { listCommand } from "../../../conformance/cli/list.js";
import { mergeCommand } from "../../../conformance/cli/merge.js";
import { mutantsCommand } from "../../../conformance/cli/mutants.js";
import { TypedOption } from "../../../conformance/cli/options.js";
import { reportCommand } from "../../../conformance/cli/report.js";

/** The commands of `seqsync`, in the order of `seqsync --help`. */
export const COMMANDS: readonly Command[] = [
  checkCommand,
  doctorCommand,
  exploreCommand,
  judgeCommand,
  reportCommand,
  mergeCommand,
  listCommand,
  mutantsCommand,
];

/** Returns the page of all commands, made from the definitions of their options. */
export function commandLinePage(root: string): string {
  const server = execFileSync(
    process.execPath,
    [...process.execArgv, join(root, "reference-server/main.ts"), "--help"],
    {
      encoding: "utf8",
      env: { ...process.env, COLUMNS: "100" },
    },
  );
  return [
    "# Command line",
    "",
    "The package has two commands: `seqsync`, the conformance suite, and `seqsync-reference-server`. A",
    "[configuration file](config.md) can hold most options of `seqsync check`.",
    "",
    "## Exit codes",
    "",
    ...exitCodes(),
    "",
    ...COMMANDS.flatMap(section),
    "## seqsync-reference-server",
    "",
    "```text",
    server.trim(),
    "```",
    "",
  ].join("\n");
}

/** Returns a table of the exit codes. Commands with the same meanings share a column. */
function exitCodes(): string[] {
  const columns = new Map<object, string[]>();
  for (const [command, meanings] of Object.entries(EXIT_CODES))
    columns.set(meanings, [...(columns.get(meanings) ?? []), `\`${command}\``]);
  const meaning = (meanings: Partial<Record<ExitName, string>>, name: string) => meanings[name as ExitName] ?? "";
  return [
    `| exit code | ${[...columns.values()].map((commands) => commands.join(", ")).join(" | ")} |`,
    `| --- |${" --- |".repeat(columns.size)}`,
    ...Object.entries(EXIT).map(
      ([name, code]) => `| ${code} | ${[...columns.keys()].map((it) => escaped(meaning(it, name))).join(" | ")} |`,
    ),
  ];
}

function section(command: Command): string[] {
  const groups = [...new Set(command.options.map((it) => it.helpGroupHeading ?? "Options:"))];
  return [
    `## seqsync ${command.name()}`,
    "",
    command.description(),
    "",
    "```text",
    `seqsync ${command.name()} ${command.usage()}`,
    "```",
    "",
    ...command.registeredArguments.map((it) => `- \`${it.name()}\`: ${escaped(it.description)}`),
    "",
    ...groups.flatMap((group) => [
      ...(groups.length > 1 ? [`**${group.replace(/:$/, "")}**`, ""] : []),
      "| option | description |",
      "| --- | --- |",
      ...command.options.filter((it) => (it.helpGroupHeading ?? "Options:") === group && !it.hidden).map(row),
      "",
    ]),
  ];
}

function row(option: Option): string {
  const notes = [
    option.argChoices === undefined ? "" : `one of ${option.argChoices.join(", ")}`,
    option.defaultValue === undefined || option.defaultValue === false ? "" : `default ${option.defaultValue}`,
    option instanceof TypedOption && option.type === "list" ? "repeatable" : "",
  ].filter((it) => it !== "");
  const about = option instanceof TypedOption ? option.about : option.description;
  const text = escaped(about) + (notes.length === 0 ? "" : ` (${notes.join("; ")})`);
  return `| \`${option.flags.replaceAll("|", "\\|")}\` | ${text} |`;
}

/** Returns the page of the configuration file, made from the definitions of the options. */
export function configPage(): string {
  const rows = [...settingsOf(checkCommand)].map(
    ([key, { type, flags, about }]) => `| \`${key}\` | ${TYPES[type]} | \`${flags}\` | ${escaped(about)} |`,
  );
  return [
    "# Configuration file",
    "",
    `\`seqsync check\` and \`seqsync explore\` read \`${CONFIG_FILE}\` from the working directory, or the file that \`--config\` names. It`,
    "holds a JSON object. Options on the command line override it. An unknown key is an error. File names are relative to the",
    "configuration file. [seqsync.config.schema.json](seqsync.config.schema.json) is its JSON Schema, for editors.",
    "",
    "```json",
    JSON.stringify({ urls: ["http://127.0.0.1:8080"], skip: ["watch/heartbeat"], seed: 7 }, null, 2),
    "```",
    "",
    "| setting | type | option | description |",
    "| --- | --- | --- | --- |",
    "| `urls` | list of strings | arguments | base URLs of the server |",
    ...rows,
    "",
  ].join("\n");
}

const TYPES = {
  boolean: "true or false",
  integer: "whole number",
  number: "number",
  string: "string",
  list: "list of strings",
} as const satisfies Readonly<Record<TypedOption["type"], string>>;

/** The JSON Schema of the configuration file, as the package contains it. */
export const configSchema = (): string =>
  readFileSync(new URL("../../../conformance/cli/config.schema.json", import.meta.url), "utf8");

/** Escapes plain text for a Markdown table. */
const escaped = (text: string) => text.replace(/[|<*_]/g, "\\$&");
