import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Command, Option } from "commander";
import { checkCommand } from "../../../conformance/cli/check.js";
import { CONFIG_FILE, settingsOf, typeOf } from "../../../conformance/cli/config.js";
import { exploreCommand } from "../../../conformance/cli/explore.js";
import { judgeCommand } from "../../../conformance/cli/judge.js";
import { listCommand } from "../../../conformance/cli/list.js";
import { mergeCommand } from "../../../conformance/cli/merge.js";
import { reportCommand } from "../../../conformance/cli/report.js";

/** In the order of `seqsync --help`. */
export const COMMANDS: readonly Command[] = [
  checkCommand,
  exploreCommand,
  judgeCommand,
  reportCommand,
  mergeCommand,
  listCommand,
];

/** All commands with their options, from the definitions that the commands themselves parse with. */
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
    "Two commands: `seqsync`, the suite, and `seqsync-reference-server`. Options can also stand in a [file](config.md).",
    "",
    "| exit code of `seqsync` | meaning |",
    "| --- | --- |",
    "| 0 | every MUST that applies to this server holds, or breaks only as known |",
    "| 1 | a requirement is broken, or a known failure is none any more |",
    "| 2 | bad usage or configuration |",
    "| 3 | it could not be told: unreachable, something that a case needs is missing, or the suite itself went wrong |",
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
      "| option | what it does |",
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
  ].filter((it) => it !== "");
  const about = escaped(option.description) + (notes.length === 0 ? "" : ` (${notes.join("; ")})`);
  return `| \`${option.flags.replaceAll("|", "\\|")}\` | ${about} |`;
}

/** The settings that a file may hold, from the same definitions. */
export function configPage(): string {
  const rows = [...settingsOf(checkCommand)].map(
    ([key, option]) => `| \`${key}\` | ${typeInWords(option)} | \`${option.flags}\` | ${escaped(option.description)} |`,
  );
  return [
    "# Configuration file",
    "",
    `\`seqsync check\` and \`seqsync explore\` read \`${CONFIG_FILE}\` in the folder where they are started, or the file that \`--config\` names. It`,
    "holds a JSON object. A flag wins over a setting; an unknown key is an error; names of files are relative to the file itself.",
    "[seqsync.config.schema.json](seqsync.config.schema.json) is its JSON Schema, for editors.",
    "",
    "```json",
    JSON.stringify({ urls: ["http://127.0.0.1:8080"], skip: ["watch/heartbeat"], seed: 7 }, null, 2),
    "```",
    "",
    "| setting | type | flag | what it does |",
    "| --- | --- | --- | --- |",
    "| `urls` | list of strings | the arguments | base URLs of the server |",
    ...rows,
    "",
  ].join("\n");
}

const typeInWords = (option: Option): string =>
  ({ boolean: "true or false", number: "number", list: "list of strings", string: "string" })[typeOf(option)];

/** JSON Schema of the same. */
export function configSchema(): string {
  const list = { type: "array", items: { type: "string" } };
  const schemaOf = (option: Option) => ({
    ...(typeOf(option) === "list" ? list : { type: typeOf(option) }),
    description: option.description,
    ...(option.argChoices === undefined ? {} : { enum: option.argChoices }),
  });
  const settings = [...settingsOf(checkCommand)].map(([key, option]) => [key, schemaOf(option)]);
  return `${JSON.stringify(
    {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: CONFIG_FILE,
      type: "object",
      additionalProperties: false,
      properties: {
        $schema: { type: "string" },
        urls: { ...list, minItems: 1, description: "Base URLs of the server." },
        ...Object.fromEntries(settings),
      },
    },
    null,
    2,
  )}\n`;
}

/** Descriptions are plain text; tables of Markdown are not. */
const escaped = (text: string) => text.replace(/[|<*_]/g, "\\$&");
