import { closeSync, fstatSync, ftruncateSync, openSync, writeFileSync } from "node:fs";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { historyLines } from "../history/file.js";
import { STDOUT } from "./output.js";
import { printFile } from "./terminal.js";
import { cannotWrite, prepareFile } from "./write-file.js";

/** A file that histories are written to, one after the other. */
export interface HistoryWriter {
  write(name: string, events: readonly Event[]): void;
  close(): void;
}

/**
 * Opens a history file; "-" is standard output. Each history is in the file as soon as `write` returns, so that a run
 * that is killed leaves those of the cases that have ended. An existing file is truncated only when the first history is
 * written, so that a run without results does not destroy it. If a history cannot be written, calls `problem` and stops
 * recording; the run continues.
 *
 * @throws UsageError if the file cannot be written.
 */
export function openHistory(file: string, problem: (line: string) => void): HistoryWriter {
  const output = file === STDOUT ? { append: printFile, close: () => {} } : openFile(file);
  let isOpen = true;
  return {
    write: (_name, events) => {
      // A case that did not start has no events.
      if (!isOpen || events[0]?.body.case !== "header") return;
      try {
        output.append(historyLines(events));
      } catch (error) {
        isOpen = false;
        problem(cannotWrite(file, error));
      }
    },
    close: () => output.close(),
  };
}

function openFile(file: string) {
  prepareFile(file);
  const fd = openSync(file, "a");
  let isTruncated = false;
  return {
    append: (lines: string) => {
      if (!isTruncated && fstatSync(fd).isFile()) ftruncateSync(fd);
      isTruncated = true;
      writeFileSync(fd, lines);
    },
    close: () => closeSync(fd),
  };
}
