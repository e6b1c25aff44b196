import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { historyLines } from "../history/file.js";
import { unwritable } from "./outputs.js";

/** Where histories are written, one after the other. */
export interface HistoryFile {
  write(name: string, events: readonly Event[]): void;
  close(): void;
}

/**
 * Opens a history file. What cannot be written is told, once, and ends the recording, not the run. A file that is there already
 * is replaced when the first history is written: a run that comes to nothing leaves it alone.
 */
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
    fd = openSync(file, "a");
  });
  let begun = false;
  const append = (open: number, events: readonly Event[]) => {
    if (!begun && fstatSync(open).isFile()) ftruncateSync(open);
    begun = true;
    writeSync(open, historyLines(events));
  };
  return {
    write: (_name, events) => {
      const open = fd;
      // What has no event of its own, such as a case that never began, has no history.
      if (open !== undefined && events[0]?.body.case === "header") attempt(() => append(open, events));
    },
    close: () => {
      if (fd !== undefined) closeSync(fd);
    },
  };
}
