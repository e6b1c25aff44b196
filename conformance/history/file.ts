import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { HISTORY_FORMAT } from "../version.js";

/** Maximum length of a line, in characters: much longer than the largest page. */
const MAX_LINE = 64 << 20;

/** Converts events to lines of a history file. */
export function historyLines(events: readonly Event[]): string {
  return events.map((event) => `${toJsonString(EventSchema, event)}\n`).join("");
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
 *
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
export async function* readHistory(file: string): AsyncGenerator<HistoryLine> {
  const lines = createInterface({ input: createReadStream(file, "utf8"), crlfDelay: Number.POSITIVE_INFINITY });
  const calls = new Set<bigint>();
  let number = 0;
  let begun = false;
  let damaged = false;
  for await (const text of lines) {
    number += 1;
    if (text.trim() === "") continue;
    const event = parse(text);
    if (typeof event === "string") {
      if (!damaged) yield { number, problem: event };
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
    if (problem === undefined) yield { number, event };
    else {
      damaged = true;
      yield { number, problem };
    }
  }
  if (number === 0) yield { number: 1, problem: "the file is empty" };
}

function parse(text: string): Event | string {
  if (text.length > MAX_LINE) return `the line has more than ${MAX_LINE} characters`;
  try {
    // A later version may have more fields. The known fields keep their meaning.
    return fromJsonString(EventSchema, text, { ignoreUnknownFields: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = why.replaceAll(/\s+/g, " ");
    return text.trimEnd().endsWith("}") ? `this is not an event: ${message}` : "the line is truncated";
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
