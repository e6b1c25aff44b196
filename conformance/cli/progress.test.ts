import { describe, expect, test } from "vitest";
import { unstyled } from "../report/formats/style.js";
import { Outcome, resultOf } from "../selftest/support/reports.js";
import { type Detail, Progress } from "./progress.js";

const CLEAR = "\r\u001b[2K";
const CASE = "ack/old-device-does-not-lower";

/** Returns the output for a run of this many cases, the second of which fails; `live` is a terminal of 60 columns. */
function shown(cases: number, detail: Detail, live: boolean): string[] {
  const written: string[] = [];
  const screen = {
    write: (text: string | Uint8Array) => {
      written.push(String(text));
      return true;
    },
    ...(live ? { isTTY: true, columns: 60 } : {}),
  };
  const progress = new Progress(screen, unstyled, detail);
  progress.begin(cases);
  progress.program("explore/quiet-network", 7);
  for (let done = 0; done < cases; done += 1)
    progress.caseEnded(
      done === 1 ? resultOf(CASE, Outcome.FAIL, ["ACK-MONOTONE"]) : resultOf("sync/base", Outcome.PASS),
    );
  progress.end();
  return written;
}

describe("progress", () => {
  test("in a terminal is one line that is redrawn within the width, and removed at the end", () => {
    const written = shown(3, "normal", true);
    const live = written.filter((text) => !text.endsWith("\n"));
    for (const text of live) {
      expect(text.startsWith(CLEAR)).toBe(true);
      expect(text.slice(CLEAR.length)).toMatch(/^[^\r\n]{0,59}$/);
    }
    expect(live.at(1)).toMatch(/0 of 3 cases {2}7 random programs$/);
    expect(live.at(-2)).toMatch(/3 of 3 cases {2}1 failed {2}sync/);
    expect(live.at(-1)).toBe(CLEAR);
    expect(written.filter((text) => text.endsWith("\n"))).toEqual([
      `${CLEAR}✗ ${CASE}  ACK-MONOTONE: not ACK-MONOTONE\n`,
    ]);
  });

  test("without a terminal is ten lines for a long run, and only failures for a short one", () => {
    const long = shown(100, "normal", false);
    expect(long.filter((text) => /^\d+ of 100 cases/.test(text))).toHaveLength(10);
    expect(long.join("")).not.toContain("\r");
    expect(shown(3, "normal", false)).toEqual([`✗ ${CASE}  ACK-MONOTONE: not ACK-MONOTONE\n`]);
  });

  test("is a line for each case with --verbose, and nothing with --quiet, even in a terminal", () => {
    expect(shown(3, "verbose", false)).toHaveLength(3);
    expect(shown(100, "quiet", true)).toEqual([]);
  });
});
