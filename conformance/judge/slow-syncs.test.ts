import { describe, expect, it } from "vitest";
import { type HistoryBuilder, message, newHistory, withMessages } from "../selftest/histories/history-builder.js";

/** Adds a Sync of bob's empty inbox that is answered after so many seconds in which other calls are answered. */
function slowSync(history: HistoryBuilder, seconds: number): HistoryBuilder {
  const sync = history.sync(0);
  history.serve(seconds);
  return sync.page(0, 0);
}

describe("Syncs that wait while nothing is pending", () => {
  it("are blamed if two take more than five seconds in which other calls are answered", () => {
    const history = newHistory();
    expect(slowSync(history, 7).blamed()).toEqual([]);
    slowSync(history, 7);
    expect(history.findings()).toMatchObject([
      { requirement: "SYNC-EMPTY", actual: expect.stringContaining("for 2 Syncs") },
    ]);
  });

  it("are blamed if they wait for a message", () => {
    const history = newHistory();
    slowSync(history, 7);
    const sync = history.sync(0);
    history.serve(7).send("m1").ok(1);
    sync.page(0, 1, [message(1)]);
    expect(history.blamed()).toEqual(["SYNC-EMPTY"]);
  });

  it("are not blamed if messages may be pending, or if no other calls are answered", () => {
    const pending = withMessages(1);
    for (let n = 0; n < 3; n += 1) {
      const sync = pending.sync(0);
      pending.serve(7);
      sync.page(0, 1, [message(1)]);
    }
    expect(pending.blamed()).toEqual([]);
    const still = newHistory();
    for (let n = 0; n < 3; n += 1) {
      const sync = still.sync(0);
      still.wait(9000);
      sync.page(0, 0);
    }
    expect(still.blamed()).toEqual([]);
    const quick = newHistory();
    for (let n = 0; n < 3; n += 1) slowSync(quick, 4);
    expect(quick.blamed()).toEqual([]);
  });
});
