import { describe, expect, it } from "vitest";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { HistoryBuilder, type Shown } from "../selftest/histories/history-builder.js";

describe("a repetition that begins within the dedup window, and may arrive after it", () => {
  const twice: Shown[] = [
    { seq: 1, id: "m1", at: 1 },
    { seq: 2, id: "m1", at: 5 },
  ];
  // Two and a half steps of a story: a repetition at once begins within it, and has its answer after it.
  const begin = () => new HistoryBuilder({ dedupWindow: { seconds: 0n, nanos: 2_500_000 } }).open("bob", 0);

  it.each<[string, (it: HistoryBuilder) => void]>([
    ["makes a message", (it) => it.send("m1").ok(5).sync(0).page(0, 2, twice)],
    [
      "makes a message that is seen before the answer",
      (it) => {
        const again = it.send("m1");
        it.sync(0).page(0, 2, twice);
        again.ok(5);
      },
    ],
    ["makes a message, and its answer is lost", (it) => it.send("m1").lost().sync(0).page(0, 2, twice)],
    ["is refused for the state of the inbox", (it) => it.send("m1").refused(Reason.BACKLOG_FULL)],
    [
      "is refused as used, for something else that came after the window",
      (it) => {
        const again = it.send("m1");
        it.send("m1", { text: "other" }).ok(5);
        again.refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      },
    ],
  ])("%s", (_name, tell) => {
    const it = begin();
    it.send("m1").ok(1);
    tell(it);
    expect(it.blamed()).toEqual([]);
  });

  it("may be the first one, when the second was answered at once", () => {
    const it = begin();
    it.send("m1").lost();
    it.send("m1").ok(1);
    it.sync(0).page(0, 2, twice);
    expect(it.blamed()).toEqual([]);
  });

  it("has made none if its answer came within", () => {
    const it = new HistoryBuilder({ dedupWindow: { seconds: 0n, nanos: 4_500_000 } }).open("bob", 0);
    it.send("m1").ok(1);
    it.send("m1").ok(1);
    it.send("m2").ok(2);
    it.sync(0).page(0, 3, [...twice, { seq: 3, id: "m2", at: 2 }]);
    expect(it.blamed()).toContain("SEND-RETRY");
  });

  it("must not make one before", () => {
    const it = new HistoryBuilder({ dedupWindow: { seconds: 0n, nanos: 90_000_000 } }).open("bob", 0);
    it.send("m1").ok(1);
    it.send("m1").lost();
    it.sync(0).page(0, 2, twice);
    expect(it.blamed()).toEqual(["SEND-RETRY"]);
  });
});
