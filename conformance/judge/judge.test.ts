import { describe, expect, it } from "vitest";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { begin, HistoryBuilder, shown, withMessages } from "../selftest/histories/history-builder.js";
import { Judge } from "./judge.js";

describe("a server that keeps the specification", () => {
  it("is blamed for nothing: pages, acks, another device", () => {
    const story = withMessages(3);
    story.sync(0, { pageSize: 2 }).page(0, 3, [shown(1), shown(2)]);
    story.sync(2, { epoch: "e1" }).page(2, 3, [shown(3)]);
    story.sync(0, { client: "tablet" }).page(2, 3, [shown(3)]);
    story.sync(3, { epoch: "e1" }).page(3, 3);
    expect(story.blamed()).toEqual([]);
  });

  it("may have done what a lost call asked for, or not", () => {
    for (const acked of [0, 2]) {
      const story = withMessages(2);
      story.sync(0).page(0, 2, [shown(1), shown(2)]);
      story.sync(2).lost();
      const probe = story.sync(0, { client: "tablet" });
      probe.page(acked, 2, acked === 0 ? [shown(1), shown(2)] : []);
      expect(story.blamed()).toEqual([]);
    }
    for (const arrived of [false, true]) {
      const story = begin();
      story.send("m1").lost();
      story.sync(0).page(0, arrived ? 1 : 0, arrived ? ["m1"] : []);
      expect(story.blamed()).toEqual([]);
    }
  });

  it("may carry out a lost Send late, between others", () => {
    const story = begin();
    story.send("late").lost();
    story.send("m1").ok(1);
    story.sync(0).page(0, 1, [shown(1)]);
    story.sync(0).page(0, 2, [shown(1), { seq: 2, id: "late", at: 9 }]);
    expect(story.blamed()).toEqual([]);
  });

  it("may answer two Syncs side by side in either order", () => {
    const story = withMessages(2);
    const first = story.sync(2, { client: "phone" });
    const second = story.sync(1, { client: "tablet" });
    second.page(1, 2, [shown(2)]);
    first.page(2, 2);
    expect(story.blamed()).toEqual([]);
  });

  it("may have a past that the history does not know", () => {
    const story = new HistoryBuilder().open("bob").open("alice");
    story.sync(0).page(40, 42, [
      { seq: 41, id: "old", from: "zoe", at: 3 },
      { seq: 42, id: "older", from: "zoe", at: 2 },
    ]);
    story.send("m1").ok(7);
    story.sync(42).page(42, 43, [{ seq: 43, id: "m1", at: 7 }]);
    expect(story.blamed()).toEqual([]);
  });

  it("begins again under a new epoch after a loss, whoever sees it first", () => {
    const story = withMessages(2);
    const watch = story.watch();
    watch.frame(2);
    story.sync(0).page(0, 2, [shown(1), shown(2)]);
    story.rotate();
    story.send("m3").ok(9);
    watch.frame(2); // of before, on its way
    watch.frame(1, "e2");
    story.send("m1").ok(10); // lost with the inbox, so it is a new message
    story.sync(0).page(
      0,
      2,
      [
        { seq: 1, id: "m3", at: 9 },
        { seq: 2, id: "m1", at: 10 },
      ],
      { epoch: "e2" },
    );
    expect(story.blamed()).toEqual([]);
  });

  it("may forget a repetition after the dedup window", () => {
    const story = begin({ dedupWindow: { seconds: 0n, nanos: 2_500_000 } }); // two and a half events
    story.send("m1").ok(1);
    story.sync(0).page(0, 1, [shown(1)]);
    story.send("m1").ok(5);
    story.sync(0).page(0, 2, [shown(1), { seq: 2, id: "m1", at: 5 }]);
    expect(story.blamed()).toEqual([]);
  });

  it("may come back from a crash with what it had, or with a new epoch", () => {
    const kept = withMessages(2);
    kept.sync(0).page(0, 2, [shown(1), shown(2)]);
    kept.restart();
    kept.send("m1").ok(1);
    kept.sync(0).page(0, 2, [shown(1), shown(2)]);
    expect(kept.blamed()).toEqual([]);

    const survived = withMessages(2);
    survived.sync(0).page(0, 2, [shown(1), shown(2)]);
    survived.restart();
    survived.sync(0).page(0, 1, [{ seq: 1, id: "m2", at: 2 }], { epoch: "e2" });
    expect(survived.blamed()).toEqual([]);
  });
});

describe("what a server may do, though it looks odd", () => {
  it("carries out a lost Sync late, when its cli_seq is no longer ahead", () => {
    const story = withMessages(2);
    story.sync(3).lost();
    story.sync(3, { client: "tablet" }).refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 2, epoch: "e1" });
    story.send("m3").ok(3);
    story.sync(0).page(3, 3);
    expect(story.blamed()).toEqual([]);
  });

  it("has an ack that came before anybody looked", () => {
    const story = new HistoryBuilder().open("bob").open("alice");
    const sending = story.send("m1");
    story.sync(0).page(40, 41, [{ seq: 41, id: "m1", at: 1 }]);
    sending.ok(1);
    story.sync(0).page(40, 41, [{ seq: 41, id: "m1", at: 1 }]);
    expect(story.blamed()).toEqual([]);
  });

  it("refuses for what the history does not know: limits, other accounts, rules of its own", () => {
    const story = begin();
    story.send("a", { to: "nobody" }).refused(Reason.RECIPIENT_UNKNOWN);
    story.send("b").refused(Reason.PAYLOAD_TOO_LARGE);
    story.send("c").refused(Reason.BACKLOG_FULL);
    story.send("d").failed("permission_denied");
    story.send("e", { to: "nobody" }).refused(Reason.SEQ_EXHAUSTED);
    story.sync(0).page(0, 0);
    expect(story.blamed()).toEqual([]);
  });

  it("has no seq left at the end of the numbering", () => {
    const story = new HistoryBuilder().open("bob", 0xffff_fffe).open("alice", 0);
    story.send("m1").ok(1);
    story.send("m2").refused(Reason.SEQ_EXHAUSTED);
    story.sync(0xffff_fffe).page(0xffff_fffe, 0xffff_ffff, [{ seq: 0xffff_ffff, id: "m1", at: 1 }]);
    expect(story.blamed()).toEqual([]);
  });

  it("refuses an id for other content, also while the first outcome is unknown", () => {
    const story = begin();
    story.send("m1", { text: "one" }).lost();
    story.send("m1", { text: "two" }).refused(Reason.CLIENT_MESSAGE_ID_REUSED);
    story.sync(0).page(0, 1, [{ seq: 1, id: "m1", text: "one" }]);
    expect(story.blamed()).toEqual([]);
  });

  it("takes an id again after the dedup window, and refuses nothing for it", () => {
    const story = begin({ dedupWindow: { seconds: 0n, nanos: 1_500_000 } });
    story.send("m1", { text: "one" }).ok(1);
    story.send("m2").ok(2);
    story.send("m1", { text: "two" }).ok(3);
    const third = { seq: 3, id: "m1", text: "two", at: 3 };
    story.sync(0).page(0, 3, [{ seq: 1, id: "m1", text: "one" }, { seq: 2, id: "m2", at: 2 }, third]);
    expect(story.blamed()).toEqual([]);
  });
});

/** Rules, and histories in which they could have been broken, or not. */
describe("a rule counts as applied where it could have been broken", () => {
  const applied = (story: HistoryBuilder) => {
    const judge = new Judge();
    for (const event of story.events) judge.observe(event);
    judge.finish();
    return judge.applied;
  };

  it("acks", () => {
    const story = withMessages(3);
    story.sync(0).page(0, 3, [shown(1), shown(2), shown(3)]);
    expect(applied(story).has("ACK-NOT-ON-ANSWER")).toBe(false);
    story.sync(0).page(0, 3, [shown(1), shown(2), shown(3)]);
    expect([applied(story).get("ACK-NOT-ON-ANSWER"), applied(story).get("ACK-REDELIVER")]).toEqual([1, undefined]);
    story.sync(0).page(0, 3, [shown(1), shown(2), shown(3)]);
    expect(applied(story).get("ACK-REDELIVER")).toBe(1);
    expect(applied(story).has("ACK-NO-REDELIVERY")).toBe(false);
    story.sync(2, { epoch: "e1" }).page(2, 3, [shown(3)]);
    story.sync(2, { epoch: "e1" }).page(2, 3, [shown(3)]);
    expect([applied(story).has("ACK-NO-REDELIVERY"), applied(story).get("ACK-MONOTONE")]).toEqual([false, 1]);
    story.sync(1, { epoch: "e1" }).page(2, 3, [shown(3)]);
    expect([applied(story).get("ACK-NO-REDELIVERY"), applied(story).get("ACK-MONOTONE")]).toEqual([1, 2]);
    expect(applied(story).has("ACK-FAILED")).toBe(false);
    story.sync(9, { epoch: "e1" }).refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 3, epoch: "e1" });
    story.sync(2, { epoch: "e1" }).page(2, 3, [shown(3)]);
    expect([applied(story).get("ACK-FAILED"), applied(story).get("ACK-AHEAD")]).toEqual([1, 1]);
  });

  it("sends", () => {
    const story = begin();
    story.send("m1").ok(1);
    expect(applied(story).get("SEND-ACCEPTED-AT")).toBe(1);
    expect(applied(story).has("SEND-RETRY")).toBe(false);
    story.send("m1").ok(1);
    expect([applied(story).get("SEND-RETRY"), applied(story).has("SEND-RETRY-CONCURRENT")]).toEqual([1, false]);
    const [one, two] = [story.send("m2"), story.send("m2")];
    one.ok(2);
    two.ok(2);
    expect([applied(story).get("SEND-RETRY"), applied(story).get("SEND-RETRY-CONCURRENT")]).toEqual([1, 2]);
    expect(applied(story).has("SEND-ID-REUSED")).toBe(false);
    story.send("m3", { text: "other" }).refused(Reason.BACKLOG_FULL);
    story.send("m3").ok(3);
    expect(applied(story).get("SEND-ID-REUSED")).toBe(1);
  });
});

it("says the contiguity that a hole breaks, once the hole is filled", () => {
  const story = withMessages(2);
  story.sync(0).page(0, 2, [shown(2)]);
  story.sync(0).page(0, 2, [shown(1), shown(2)]);
  expect(story.blamed()).toContain("SEQ-CONTIGUOUS");
});
