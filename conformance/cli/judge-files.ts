import { createReadStream } from "node:fs";
import { printable } from "../printable.js";
import { stylerFor } from "../report/formats/style.js";
import { counted } from "../report/model/summary.js";
import { type HistorySource, type JudgedHistories, reportOnHistories } from "../run/rejudge.js";
import { quoted } from "../shell.js";
import { nameOf, unreadable } from "./files.js";
import { COMMAND } from "./invocation.js";
import { type OutputSettings, STDOUT, writeOutput } from "./output.js";
import { print } from "./terminal.js";
import { UsageError } from "./usage.js";

/** A file whose content is being read. */
export interface Input {
  /** The first bytes. */
  head: Uint8Array;
  /** All bytes, with the first ones. */
  chunks: AsyncIterable<Uint8Array>;
}

/** Opens a file, or standard input if its name is "-". Throws UsageError if it cannot be read. */
export async function openInput(file: string): Promise<Input> {
  const stream = file === STDOUT ? process.stdin : createReadStream(file);
  const iterator: AsyncIterator<Uint8Array> = stream[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array>;
  try {
    first = await iterator.next();
  } catch (error) {
    throw unreadable(file, error);
  }
  const head = first.done ? new Uint8Array() : first.value;
  async function* chunks() {
    if (first.done) return;
    yield first.value;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { head, chunks: chunks() };
}

/**
 * Judges history files, and prints and writes a report on them. Returns the exit code. Throws UsageError if a file
 * cannot be read, or if no file has an event.
 */
export async function judgeFiles(sources: readonly HistorySource[], settings: OutputSettings): Promise<number> {
  const judged = await reportOnHistories(sources, unreadable);
  const { report, damage, damaged } = judged;
  const [first] = damage;
  if (report.cases.length === 0 && first !== undefined)
    throw new UsageError(
      `${first.file}, line ${first.line}: ${first.problem}; \`seqsync check --record FILE\` writes a history`,
    );
  if (settings.detail !== "quiet") printSummary(judged, sources, settings);
  const [{ name } = { name: "" }] = sources;
  const canRepeat = sources.length === 1 && name !== nameOf(STDOUT) && settings.files.length === 0;
  const hasFindings = report.cases.some(({ findings }) => findings.length > 0);
  const next = canRepeat && hasFindings ? `${COMMAND} report ${quoted(name)} --report html=report.html` : "";
  if (damaged > 1) report.headline += ` ${counted(damaged - 1, "more part")} of the input cannot be read.`;
  return writeOutput(report, { ...settings, next });
}

function printSummary(
  { report, events, damage, damaged }: JudgedHistories,
  sources: readonly HistorySource[],
  { people }: OutputSettings,
): void {
  const style = stylerFor(people);
  const names = sources.map(({ name }) => name).join(", ");
  const { length } = report.cases;
  const size = `${length} ${length === 1 ? "history" : "histories"}, ${counted(events, "event")}`;
  print(`${style("dim", printable(`Judging ${names}: ${size}`))}\n`, people);
  for (const { file, line, problem } of damage)
    print(`${style("yellow", printable(`${file}, line ${line}: ${problem}`))}\n`, people);
  if (damaged > damage.length)
    print(`${style("yellow", `… ${counted(damaged - damage.length, "more damaged part")}`)}\n`, people);
}
