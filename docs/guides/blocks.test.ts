/**
 * Checks every code block of the guides, the front page and the READMEs: it is run, type-checked or compared with a
 * program.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../build/reference/command-line.js";

const root = join(import.meta.dirname, "../..");
const scripts = (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: Record<string, string> })
  .scripts;

interface Block {
  page: string;
  line: number;
  language: string;
  /** Text after the language, such as `from=python/server.py`. */
  info: string;
  text: string;
}

const pages = [
  ...readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith(".md"))
    .map((file) => join(import.meta.dirname, file)),
  join(root, "docs/start.md"),
  join(root, "README.md"),
  join(root, "README.zh-CN.md"),
];

const blocks: Block[] = pages.flatMap((page) => {
  const source = readFileSync(page, "utf8");
  return [...source.matchAll(/^```(\w+)(?: (.*))?\n([\s\S]*?)^```$/gm)].map((match) => ({
    page,
    line: source.slice(0, match.index).split("\n").length,
    language: `${match[1]}`,
    info: match[2] ?? "",
    text: `${match[3]}`,
  }));
});

const named = (...languages: string[]) =>
  blocks
    .filter(({ language }) => languages.includes(language))
    .map((block) => [`${block.page.slice(root.length + 1)}:${block.line}`, block] as const);

test("every block has a language that is checked", () => {
  const known = ["sh", "ts", "python", "json", "yaml", "text", "mermaid"];
  expect(blocks.filter(({ language }) => !known.includes(language))).toEqual([]);
  expect(blocks.length).toBeGreaterThan(30);
});

describe("excerpts are identical to the program", () => {
  test.each(named("python", "ts").filter(([, { info }]) => info.startsWith("from=")))("%s", (_where, block) => {
    const program = readFileSync(resolve(dirname(block.page), block.info.replace("from=", "")), "utf8");
    expect(program).toContain(block.text);
  });
});

describe("commands and options exist", () => {
  test.each(named("sh", "yaml"))("%s", (_where, { text }) => {
    for (const line of text
      .split("\n")
      .map((it) => it.replace(/^(\s*- run: |\s*)/, "").replace(/ +#.*$/, ""))
      .filter(isCommand)) {
      checkCommand(line.replace(/^(\w+=\S+ )+/, "").split(" && "));
    }
  });
});

const isCommand = (line: string) => /^([A-Z]+=\S+ )*(npx|npm|python3) /.test(line);

function checkCommand(commands: string[]): void {
  for (const command of commands) {
    const words = command.match(/'[^']*'|\S+/g) ?? [];
    const flags = words.filter((it) => it.startsWith("--")).map((it) => it.split("=")[0]);
    if (words[0] === "python3" || words[1] === "tsx") {
      expect(existsSync(join(root, words.find((it) => /\.(py|ts)$/.test(it)) ?? "none")), command).toBe(true);
    }
    const [, name] = /^npx (?:--yes )?seqsync (\w+)/.exec(command) ?? [];
    if (name !== undefined) {
      const known = COMMANDS.find((it) => it.name() === name)?.options.map(({ long }) => long);
      expect(known, command).toEqual(expect.arrayContaining(flags.filter((it) => it !== "--yes")));
    }
    if (words[0] === "npx" && words[1] === "seqsync-reference-server") {
      const source = readFileSync(join(root, "reference-server/main.ts"), "utf8");
      for (const flag of flags) expect(source, command).toContain(`"${flag}`);
    }
    if (words[0] === "npm" && words[1] === "run") expect(Object.keys(scripts), command).toContain(words[2]);
  }
}

describe("JSON is valid", () => {
  test.each(named("json").filter(([, { info }]) => info === ""))("%s", (_where, { text }) => {
    expect(() => JSON.parse(text)).not.toThrow();
  });
});

describe("the judge reports the violations that the guide states", () => {
  test.each(named("json").filter(([, { info }]) => info.startsWith("history=")))(
    "%s",
    async (_where, { info, text }) => {
      const folder = mkdtempSync(join(tmpdir(), "seqsync-history-"));
      try {
        writeFileSync(join(folder, "history.jsonl"), text);
        const main = join(root, "conformance/cli/main.ts");
        const args = ["--import", "tsx", main, "judge", join(folder, "history.jsonl")];
        const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root }).catch((error) => error);
        expect([...stdout.matchAll(/^✗ (\S+)/gm)].map(([, id]) => id).sort()).toEqual(
          info.replace("history=", "").split(","),
        );
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );
});

test("standalone TypeScript compiles", () => {
  const sources = new Map(
    named("ts")
      .filter(([, { info }]) => !info.startsWith("from="))
      .map(([where, { text }], index) => [
        join(import.meta.dirname, `block-${index}.ts`),
        { where, text: `${text}\nexport {};\n` },
      ]),
  );
  expect(sources.size).toBeGreaterThan(2);
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile).config,
    ts.sys,
    root,
  );
  options.paths = {
    "seqsync/conformance": [join(root, "conformance/index.ts")],
    "seqsync/vitest": [join(root, "conformance/vitest/index.ts")],
  };
  options.skipLibCheck = true;
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists, readFile } = host;
  host.fileExists = (file) => sources.has(file) || fileExists(file);
  host.readFile = (file) => sources.get(file)?.text ?? readFile(file);
  host.getSourceFile = (file, ...rest) => {
    const block = sources.get(file);
    return block === undefined ? getSourceFile(file, ...rest) : ts.createSourceFile(file, block.text, rest[0]);
  };
  const program = ts.createProgram([...sources.keys()], options, host);
  const wrong = [...sources].flatMap(([file, { where }]) =>
    ts
      .getPreEmitDiagnostics(program, program.getSourceFile(file))
      .map((it) => `${where}: ${ts.flattenDiagnosticMessageText(it.messageText, " ")}`),
  );
  expect(wrong).toEqual([]);
});
