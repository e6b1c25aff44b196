import { describe, expect, it } from "vitest";
import { type HistoryBuilder, newHistory } from "../selftest/histories/history-builder.js";

/** A history in which bob watches his empty inbox, and a message to him was accepted. */
function watching(): { history: HistoryBuilder; watch: ReturnType<HistoryBuilder["watch"]> } {
  const history = newHistory();
  const watch = history.watch();
  watch.frame(0);
  history.send("m1").ok();
  return { history, watch };
}

describe("a Watch that is not woken by an accepted message", () => {
  it("is blamed once calls were answered for five seconds since", () => {
    const { history } = watching();
    expect(history.serve(4).blamed()).toEqual([]);
    history.serve(2);
    expect(history.findings()).toMatchObject([
      { requirement: "WATCH-WAKE", expected: expect.stringContaining("svr_seq at least 1 within 5 s") },
    ]);
  });

  it("is blamed as well if it shows fewer messages than were accepted", () => {
    const { history, watch } = watching();
    history.send("m2").ok(2);
    watch.frame(1);
    expect(history.serve(7).blamed()).toEqual(["WATCH-WAKE"]);
  });

  it("is not blamed if a frame comes in time, or a later one covers the message", () => {
    const { history, watch } = watching();
    history.serve(4);
    watch.frame(1);
    history.send("m2").ok(2);
    history.send("m3").ok(3);
    history.serve(4);
    watch.frame(3);
    expect(history.serve(9).blamed()).toEqual([]);
  });

  it("is not blamed while no calls are answered: the machine may stand still", () => {
    const { history } = watching();
    history.wait(60_000).serve(3).wait(60_000).serve(1);
    expect(history.blamed()).toEqual([]);
    const slow = watching().history;
    for (let n = 0; n < 9; n += 1) {
      const sync = slow.sync(0, { user: "alice", client: "laptop" });
      slow.wait(1500);
      sync.page(0, 0);
    }
    expect(slow.blamed()).toEqual([]);
  });

  it("is not blamed if it ended, or may end: after a revocation, a data loss, a restart", () => {
    const cut = watching();
    cut.watch.cut();
    expect(cut.history.serve(9).blamed()).toEqual([]);
    for (const disturb of ["revoke", "rotate", "restart"] as const)
      expect(watching().history[disturb]().serve(9).blamed()).toEqual([]);
  });

  it("is not blamed before its first frame, under another epoch, or for the inbox of another", () => {
    const early = newHistory();
    early.watch();
    early.send("m1").ok();
    expect(early.serve(9).blamed()).toEqual([]);
    const other = newHistory();
    other.watch("alice").frame(0);
    other.send("m1").ok();
    expect(other.serve(9).blamed()).toEqual([]);
    const { history, watch } = watching();
    watch.frame(0, "e2");
    expect(history.serve(9).blamed()).not.toContain("WATCH-WAKE");
  });
});
