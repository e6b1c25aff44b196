/**
 * Files of any content as input of the commands that read files: the result is a report, or one clear error with the
 * line. The commands run in this process, as `seqsync` runs them.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import fc from "fast-check";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { historyLines } from "../history/file.js";
import { reportJson } from "../report/formats/json.js";
import { SEND_VIOLATIONS } from "../selftest/histories/send-violations.js";
import { SYNC_VIOLATIONS } from "../selftest/histories/sync-violations.js";
import { hostileReport } from "../selftest/support/sample-report.js";
import { judgeCommand } from "./judge.js";
import { mergeCommand } from "./merge.js";
import { reportCommand } from "./report.js";
import { UsageError } from "./usage.js";

const folder = mkdtempSync(join(tmpdir(), "seqsync-files-"));
afterAll(() => rmSync(folder, { recursive: true }));

let printed = "";
beforeEach(() => {
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, "write").mockImplementation((text) => {
      printed += String(text);
      return true;
    });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

interface Ended {
  /** Exit code; 2 for a usage error. */
  code: number;
  /** Everything that was printed, with the usage error. */
  output: string;
}

/** Runs a command on a file with this content. Throws what is no usage error. */
async function run(command: Command, content: Uint8Array | string): Promise<Ended> {
  const file = join(folder, "input");
  writeFileSync(file, content);
  printed = "";
  try {
    await command.parseAsync([file], { from: "user" });
    return { code: Number(process.exitCode), output: printed };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { code: 2, output: `${printed}${error.message}` };
  }
}

const HISTORY = Buffer.from(
  Object.values({ ...SEND_VIOLATIONS, ...SYNC_VIOLATIONS })
    .filter((_, index) => index % 8 === 0)
    .map(([, history]) => historyLines(history().events))
    .join(""),
);
const REPORT = Buffer.from(reportJson(hostileReport()));

/** A change of a file, made from numbers so that a failing example shrinks. */
type Change = (file: Buffer, at: number, size: number, value: number) => Buffer;

const place = (file: Buffer, at: number) => at % (file.length + 1);

const CHANGES: readonly Change[] = [
  // Flips a bit.
  (file, at, _, value) => {
    const copy = Buffer.from(file);
    const index = at % Math.max(copy.length, 1);
    copy[index] = (copy[index] ?? 0) ^ (1 << (value % 8));
    return copy;
  },
  // Truncates.
  (file, at) => file.subarray(0, place(file, at)),
  // Removes a part.
  (file, at, size) => Buffer.concat([file.subarray(0, place(file, at)), file.subarray(place(file, at) + size)]),
  // Copies a part to another place.
  (file, at, size, value) => {
    const from = place(file, value);
    const to = place(file, at);
    return Buffer.concat([file.subarray(0, to), file.subarray(from, from + size), file.subarray(to)]);
  },
  // Replaces a number.
  (file, at, _, value) => {
    const text = file.toString("latin1");
    const start = place(file, at);
    const numbers = ["0", "-1", "4294967295", "4294967296", "1e400", "9007199254740993", '"x"', "null", "[]", "{}"];
    const changed = text.slice(start).replace(/\d+/, numbers[value % numbers.length] ?? "");
    return Buffer.from(text.slice(0, start) + changed, "latin1");
  },
  // Repeats a line.
  (file, at) => {
    const lines = file.toString("latin1").split("\n");
    const index = at % lines.length;
    return Buffer.from(lines.toSpliced(index, 0, lines[(at >> 3) % lines.length] ?? "").join("\n"), "latin1");
  },
  // Removes a line.
  (file, at) => {
    const lines = file.toString("latin1").split("\n");
    return Buffer.from(lines.toSpliced(at % lines.length, 1).join("\n"), "latin1");
  },
  // Inserts bytes that are no text.
  (file, at, size, value) =>
    Buffer.concat([file.subarray(0, place(file, at)), Buffer.alloc(size % 9, value), file.subarray(place(file, at))]),
];

type Numbers = [kind: number, at: number, size: number, value: number];

const changes = fc.array<Numbers>(fc.tuple(fc.nat(CHANGES.length - 1), fc.nat(), fc.nat(3000), fc.nat()), {
  minLength: 1,
  maxLength: 4,
});

const changed = (file: Buffer, all: readonly Numbers[]) =>
  all.reduce<Buffer>((it, [kind, at, size, value]) => CHANGES[kind]?.(it, at, size, value) ?? it, file);

describe.each([
  ["judge", judgeCommand, HISTORY],
  ["report", reportCommand, HISTORY],
  ["report", reportCommand, REPORT],
  ["merge", mergeCommand, REPORT],
] as const)("%s", (_, command, file) => {
  test("with a damaged file prints a report, or one error with its line", async () => {
    const codes = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(changes, async (all) => {
        const { code, output } = await run(command, changed(file, all));
        codes.set(code, (codes.get(code) ?? 0) + 1);
        expect([0, 1, 2, 3]).toContain(code);
        if (code === 2) expect(output).toMatch(/^[^\n]*(, line \d+: |is in two of the reports)[^\n]*$/);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be printed.
        expect(output).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
      }),
      { seed: 1, numRuns: 80 },
    );
    // Both results occur.
    expect(codes.get(2)).toBeGreaterThan(0);
    expect(codes.size).toBeGreaterThan(1);
  });
});

const LINES = HISTORY.toString().split("\n");
const head = LINES.slice(0, 4).join("\n");

describe("judge: a file that is no history gives exit code 2, and one line", () => {
  test.each([
    ["is empty", "", /input, line 1: the file is empty; `seqsync check --record FILE` writes a history$/],
    ["has only blank lines", "\n".repeat(100_000), /line 1: the file is empty/],
    ["is another JSON file", '{"a": 1}', /line 1: a history begins with a header/],
    ["is a report", REPORT, /line 1: the JSON text ends too early|line 1: the line is truncated/],
    ["is UTF-16", Buffer.from(`\ufeff${head}`, "utf16le"), /line 1: the file is UTF-16 text; convert it to UTF-8/],
    ["has a line of more than 16 MiB", Buffer.alloc(17 << 20, "x"), /line 1: the line has more than 16 MiB/],
    ["is nested deeply", "[".repeat(1000), /line 1: there are more than 64 levels/],
    ["has another version", head.replace('"format":2', '"format":3'), /line 1: the history has format 3; .* format 2/],
    ["begins with NUL bytes", `\0\0${head}`, /line 1: this is not JSON, from column 1 on/],
  ])("if it %s", async (_, content, message) => {
    const { code, output } = await run(judgeCommand, content);
    expect(output).toMatch(message);
    expect(output).not.toContain("\n");
    expect(code).toBe(2);
  });
});

describe("judge: a damaged history is judged as far as it is whole, and gives exit code 3", () => {
  test.each([
    ["is truncated in a line", head.slice(0, -5), /input, line 4: the line is truncated$/m],
    [
      "has an outcome without a call",
      `${head}\n{"op":"9","sendReturn":{}}`,
      /line 5: there is no pending call with op 9/,
    ],
    [
      "has a number out of range",
      `${head}\n{"op":"9","syncCall":{"cliSeq":4294967296}}`,
      /line 5: this is not an event/,
    ],
    ["has a call twice", `${head}\n${LINES[3]}`, /line 5: op 1 is used by two calls/],
    ["has NUL bytes at its end", `${head}\n\0\0\0\0`, /line 5: this is not JSON/],
  ])("if it %s", async (_, content, message) => {
    const { code, output } = await run(judgeCommand, content);
    expect(output).toMatch(/^Judging .*input: 1 history, \d events$/m);
    expect(output).toMatch(message);
    expect(output).toMatch(/The history is damaged; only its readable part was judged/);
    expect(code).toBe(3);
  });
});

test("judge: a byte order mark, CRLF and blank lines do not matter", async () => {
  const { code, output } = await run(judgeCommand, `\ufeff${HISTORY.toString().replaceAll("\n", "\r\n\r\n")}`);
  expect(output).not.toMatch(/damaged|, line \d/);
  expect(code).toBe(1);
});
