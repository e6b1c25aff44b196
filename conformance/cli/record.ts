import { closeSync, openSync, writeSync } from "node:fs";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { historyLines } from "../history/file.js";
import { unwritable } from "./outputs.js";

/** Where histories are written, one after the other. */
export interface HistoryFile {
  write(name: string, events: readonly Event[]): void;
  close(): void;
}

/** Opens a history file. What cannot be written is told, once, and ends the recording, not the run. */
export function openHistory(file: string, problem: (line: string) => void): HistoryFile {
  let fd: number | undefined;
  const attempt = (act: () => void) => {
    try {
      act();
    } catch (error) {
      fd = undefined;
      problem(unwritable(file, error));
    }
  };
  attempt(() => {
    fd = openSync(file, "w");
  });
  return {
    write: (_name, events) => {
      const open = fd;
      // What has no event of its own, such as a case that never began, has no history.
      if (open !== undefined && events[0]?.what.case === "header")
        attempt(() => void writeSync(open, historyLines(events)));
    },
    close: () => {
      if (fd !== undefined) closeSync(fd);
    },
  };
}
