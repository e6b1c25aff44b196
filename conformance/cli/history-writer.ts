import { closeSync, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { historyLines } from "../history/file.js";
import { cannotWrite } from "./files.js";

/** A file that histories are written to, one after the other. */
export interface HistoryWriter {
  write(name: string, events: readonly Event[]): void;
  close(): void;
}

/**
 * Opens a history file. On the first error, calls `problem` and stops recording; the run continues. An existing file is
 * truncated only when the first history is written, so that a run without results does not destroy it.
 */
export function openHistory(file: string, problem: (line: string) => void): HistoryWriter {
  let fd: number | undefined;
  const attempt = (act: () => void) => {
    try {
      act();
    } catch (error) {
      fd = undefined;
      problem(cannotWrite(file, error));
    }
  };
  attempt(() => {
    fd = openSync(file, "a");
  });
  let isTruncated = false;
  const append = (open: number, events: readonly Event[]) => {
    if (!isTruncated && fstatSync(open).isFile()) ftruncateSync(open);
    isTruncated = true;
    writeSync(open, historyLines(events));
  };
  return {
    write: (_name, events) => {
      const open = fd;
      // A case that did not start has no events.
      if (open !== undefined && events[0]?.body.case === "header") attempt(() => append(open, events));
    },
    close: () => {
      if (fd !== undefined) closeSync(fd);
    },
  };
}
