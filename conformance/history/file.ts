import { createReadStream } from "node:fs";
import { fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { JsonError, parseJson } from "../json.js";
import { printableJson } from "../printable.js";
import { HISTORY_FORMAT } from "../version.js";
import { BoundedLines } from "./bounded-lines.js";

/** Maximum length of the reason why a line is not an event, in characters. It may quote the line. */
const MAX_WHY = 300;

/** Converts events to lines of a history file. */
export function historyLines(events: readonly Event[]): string {
  return events.map((event) => `${printableJson(toJson(EventSchema, event))}\n`).join("");
}

/** A line of a history file: an event, or what is wrong with the line. */
export type HistoryLine = {
  /** Number of the line, from 1. */
  number: number;
} & (
  | {
      /** The event. */
      event: Event;
    }
  | {
      /** Why the line, and with it the rest of its history, is skipped. */
      problem: string;
    }
);

/**
 * Reads a history file line by line, so that the file may be larger than the memory. After a damaged line it skips the
 * rest of that history, because the content of the line is unknown, and continues with the next history of the file.
 * Any file is read in bounded memory and time, whatever its content is.
 *
 * @param file Name of the file, or its content.
 * @throws Error with the `code` of the file system, such as ENOENT, if the file cannot be read.
 * @example
 * ```ts
 * const judge = new Judge();
 * for await (const line of readHistory("history.jsonl")) {
 *   if ("problem" in line) throw new Error(`line ${line.number}: ${line.problem}`);
 *   judge.observe(line.event);
 * }
 * console.log(judge.finish());
 * ```
 */
export async function* readHistory(file: string | AsyncIterable<Uint8Array>): AsyncGenerator<HistoryLine> {
  const lines = new BoundedLines(typeof file === "string" ? createReadStream(file) : file);
  const calls = new Set<bigint>();
  let isEmpty = true;
  let begun = false;
  let damaged = false;
  for await (const line of lines) {
    isEmpty = false;
    const { number } = line;
    // Only a header can end a damaged part. A header never has the name of its field escaped.
    if (damaged && "text" in line && !line.text.includes('"header"')) continue;
    const event = "problem" in line ? line.problem : parse(line.text);
    if (typeof event === "string") {
      if (!damaged || "isEnd" in line) yield { number, problem: event };
      damaged = true;
      continue;
    }
    if (event.body.case === "header") {
      const { format } = event.body.value;
      damaged = format !== HISTORY_FORMAT;
      if (damaged)
        yield { number, problem: `the history has format ${format}; this version reads format ${HISTORY_FORMAT}` };
      begun = true;
      calls.clear();
    } else if (!begun && !damaged) {
      damaged = true;
      yield { number, problem: "a history begins with a header, and this line is not a header" };
    }
    if (damaged) continue;
    const problem = misplaced(event, calls);
    if (problem === undefined) {
      lines.markUseful();
      yield { number, event };
    } else {
      damaged = true;
      yield { number, problem };
    }
  }
  if (isEmpty) yield { number: 1, problem: "the file is empty" };
}

/** Parses a line. Returns what is wrong with it if it is not an event. */
function parse(text: string): Event | string {
  try {
    // A later version may have more fields. The known fields keep their meaning.
    return fromJson(EventSchema, parseJson(text) as JsonValue, { ignoreUnknownFields: true });
  } catch (error) {
    if (error instanceof JsonError)
      return error.isTruncated && text.startsWith("{") ? "the line is truncated" : error.message;
    const why = error instanceof Error ? error.message : String(error);
    return `this is not an event: ${why.replaceAll(/\s+/g, " ").slice(0, MAX_WHY)}`;
  }
}

/**
 * Returns what is wrong with the place of an event: an outcome without a call, or a call whose number is used already.
 */
function misplaced({ op, body }: Event, calls: Set<bigint>): string | undefined {
  const kind = body.case ?? "";
  if (kind === "header" || kind === "accountOpened" || kind === "") return undefined;
  if (kind.endsWith("Call")) {
    if (op === 0n || calls.has(op)) return op === 0n ? "a call must not have op 0" : `op ${op} is used by two calls`;
    calls.add(op);
    return undefined;
  }
  if (!calls.has(op)) return `there is no pending call with op ${op}`;
  if (kind !== "watchFrame") calls.delete(op);
  return undefined;
}
