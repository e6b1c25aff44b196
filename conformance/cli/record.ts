import { closeSync, openSync, writeSync } from "node:fs";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { historyLines } from "../history/file.js";
import { UsageError } from "./usage.js";

/** Where histories are written, one after the other. */
export interface HistoryFile {
  write(name: string, events: readonly Event[]): void;
  close(): void;
}

/** Opens a history file before the run, so that a bad path does not cost one. */
export function openHistory(file: string): HistoryFile {
  let fd: number;
  try {
    fd = openSync(file, "w");
  } catch (error) {
    throw new UsageError(`--record ${file}: cannot write there: ${(error as NodeJS.ErrnoException).code}`);
  }
  return {
    write: (_name, events) => {
      // What has no event of its own, such as a case that never began, has no history.
      if (events[0]?.what.case === "header") writeSync(fd, historyLines(events));
    },
    close: () => closeSync(fd),
  };
}
