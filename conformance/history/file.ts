import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { type Event, EventSchema } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { HISTORY_FORMAT } from "../version.js";

/** The longest line that is read, in characters: far more than a page of the largest size has. */
const MAX_LINE = 64 << 20;

/** Events as lines of a history file. */
export function historyLines(events: readonly Event[]): string {
  return events.map((event) => `${toJsonString(EventSchema, event)}\n`).join("");
}

/** A line of a history file: an event, or what is wrong with it. */
export type Line = { number: number } & ({ event: Event } | { problem: string });

/**
 * Reads a history file line by line, so that its size does not matter. After a damaged line the rest of that history is left
 * out, since nobody knows what was in it; a further history in the file is read again. Rejects if the file cannot be read.
 */
export async function* readHistory(file: string): AsyncGenerator<Line> {
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
        yield { number, problem: `the history is of format ${format}; this version reads format ${HISTORY_FORMAT}` };
      begun = true;
      calls.clear();
    } else if (!begun && !damaged) {
      damaged = true;
      yield { number, problem: "a history begins with a header, and this line is none" };
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
    // A later version may know more fields; what this one knows still means the same.
    return fromJsonString(EventSchema, text, { ignoreUnknownFields: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const shown = why.replaceAll(/\s+/g, " ");
    return text.trimEnd().endsWith("}") ? `this is no event: ${shown}` : "the line is cut off";
  }
}

/** Whether an outcome lacks its call, or a call has the number of another. */
function misplaced({ op, body: what }: Event, calls: Set<bigint>): string | undefined {
  const kind = what.case ?? "";
  if (kind === "header" || kind === "accountOpened" || kind === "") return undefined;
  if (kind.endsWith("Call")) {
    if (op === 0n || calls.has(op)) return `op ${op} is ${op === 0n ? "no number for a call" : "there twice"}`;
    calls.add(op);
    return undefined;
  }
  if (!calls.has(op)) return `there is no open call with op ${op}`;
  if (kind !== "watchFrame") calls.delete(op);
  return undefined;
}
