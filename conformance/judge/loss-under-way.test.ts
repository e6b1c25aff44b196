import { describe, expect, it } from "vitest";
import { HistoryBuilder, type SendEndings } from "../selftest/histories/history-builder.js";

describe("a Send that was under way while its inbox lost its data", () => {
  it("may have landed after the loss", () => {
    const story = new HistoryBuilder().open("bob", 0);
    story.sync(0).page(0, 0);
    const send = story.send("m1");
    story.rotate();
    send.ok();
    story.sync(0).page(0, 1, ["m1"], { epoch: "e2" });
    expect(story.blamed()).toEqual([]);
  });

  it("may have landed before it, so that its id is free", () => {
    const story = new HistoryBuilder().open("bob", 0).open("carol", 0);
    story.sync(0).page(0, 0);
    const send = story.send("m1");
    story.rotate();
    send.ok();
    story.send("m1", { to: "carol" }).ok(2);
    expect(story.blamed()).toEqual([]);
  });

  it.each<[string, (before: SendEndings, after: SendEndings, show: () => void) => void]>([
    [
      "both are answered before anybody looks",
      (before, after, show) => {
        before.ok(1);
        after.ok(2);
        show();
      },
    ],
    [
      "one is answered after somebody has looked",
      (before, after, show) => {
        before.ok(1);
        show();
        after.ok(2);
      },
    ],
    [
      "both are answered after somebody has looked",
      (before, after, show) => {
        show();
        before.ok(1);
        after.ok(2);
      },
    ],
  ])("may have landed on both sides of it, by two attempts with a time each: %s", (_, play) => {
    const story = new HistoryBuilder().open("bob", 0);
    story.sync(0).page(0, 0);
    const [before, after] = [story.send("m1"), story.send("m1")];
    story.rotate();
    story.sync(0).page(0, 0, [], { epoch: "e2" });
    play(before, after, () => story.sync(0).page(0, 1, [{ seq: 1, id: "m1", at: 2 }], { epoch: "e2" }));
    expect(story.blamed()).toEqual([]);
  });

  it("has one time all the same, if it was the only attempt", () => {
    const story = new HistoryBuilder().open("bob", 0);
    story.sync(0).page(0, 0);
    const send = story.send("m1");
    story.rotate();
    story.sync(0).page(0, 1, [{ seq: 1, id: "m1", at: 2 }], { epoch: "e2" });
    send.ok(1);
    expect(story.blamed()).toEqual(["SEND-ACCEPTED-AT"]);
  });
});

describe("a Send that is answered with another time than its message had", () => {
  it("breaks SEND-ACCEPTED-AT if it was the only attempt, and SEND-RETRY if the one before it was over", () => {
    const once = new HistoryBuilder().open("bob", 0);
    const send = once.send("m1");
    once.sync(0).page(0, 1, [{ seq: 1, id: "m1", at: 2 }]);
    send.ok(1);
    expect(once.blamed()).toEqual(["SEND-ACCEPTED-AT"]);

    const again = new HistoryBuilder().open("bob", 0);
    again.send("m1").lost();
    again.sync(0).page(0, 1, [{ seq: 1, id: "m1", at: 2 }]);
    again.send("m1").ok(1);
    expect(again.blamed()).toEqual(["SEND-RETRY"]);
  });
});
