import { describe, expect, it } from "vitest";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { HistoryBuilder, message, newHistory, withMessages } from "../selftest/histories/history-builder.js";
import { Judge } from "./judge.js";

describe("the judge accepts", () => {
  it("pages, acks and a second device", () => {
    const history = withMessages(3);
    history.sync(0, { pageSize: 2 }).page(0, 3, [message(1), message(2)]);
    history.sync(2, { epoch: "e1" }).page(2, 3, [message(3)]);
    history.sync(0, { client: "tablet" }).page(2, 3, [message(3)]);
    history.sync(3, { epoch: "e1" }).page(3, 3);
    expect(history.blamed()).toEqual([]);
  });

  it("that a call without a response took effect or did not", () => {
    for (const acked of [0, 2]) {
      const history = withMessages(2);
      history.sync(0).page(0, 2, [message(1), message(2)]);
      history.sync(2).noResponse();
      const probe = history.sync(0, { client: "tablet" });
      probe.page(acked, 2, acked === 0 ? [message(1), message(2)] : []);
      expect(history.blamed()).toEqual([]);
    }
    for (const tookEffect of [false, true]) {
      const history = newHistory();
      history.send("m1").noResponse();
      history.sync(0).page(0, tookEffect ? 1 : 0, tookEffect ? ["m1"] : []);
      expect(history.blamed()).toEqual([]);
    }
  });

  it("that a Send without a response takes effect late, between other Sends", () => {
    const history = newHistory();
    history.send("late").noResponse();
    history.send("m1").ok(1);
    history.sync(0).page(0, 1, [message(1)]);
    history.sync(0).page(0, 2, [message(1), { seq: 2, id: "late", at: 9 }]);
    expect(history.blamed()).toEqual([]);
  });

  it("responses to two concurrent Syncs in either order", () => {
    const history = withMessages(2);
    const first = history.sync(2, { client: "phone" });
    const second = history.sync(1, { client: "tablet" });
    second.page(1, 2, [message(2)]);
    first.page(2, 2);
    expect(history.blamed()).toEqual([]);
  });

  it("an inbox with messages from before the history", () => {
    const history = new HistoryBuilder().openAccount("bob").openAccount("alice");
    history.sync(0).page(40, 42, [
      { seq: 41, id: "old", from: "zoe", at: 3 },
      { seq: 42, id: "older", from: "zoe", at: 2 },
    ]);
    history.send("m1").ok(7);
    history.sync(42).page(42, 43, [{ seq: 43, id: "m1", at: 7 }]);
    expect(history.blamed()).toEqual([]);
  });

  it("a new epoch after a data loss that a frame shows first", () => {
    const history = withMessages(2);
    const watch = history.watch();
    watch.frame(2);
    history.sync(0).page(0, 2, [message(1), message(2)]);
    history.rotate();
    history.send("m3").ok(9);
    watch.frame(2); // of the old numbering, late
    watch.frame(1, "e2");
    history.send("m1").ok(10); // its dedup record was lost with the inbox, so it is a new message
    history.sync(0).page(
      0,
      2,
      [
        { seq: 1, id: "m3", at: 9 },
        { seq: 2, id: "m1", at: 10 },
      ],
      { epoch: "e2" },
    );
    expect(history.blamed()).toEqual([]);
  });

  it("that a retry after the dedup window creates a message", () => {
    // Two and a half steps of the history.
    const history = newHistory({ dedupWindow: { seconds: 0n, nanos: 2_500_000 } });
    history.send("m1").ok(1);
    history.sync(0).page(0, 1, [message(1)]);
    history.send("m1").ok(5);
    history.sync(0).page(0, 2, [message(1), { seq: 2, id: "m1", at: 5 }]);
    expect(history.blamed()).toEqual([]);
  });

  it("that a server keeps its data in a crash, or has a new epoch", () => {
    const kept = withMessages(2);
    kept.sync(0).page(0, 2, [message(1), message(2)]);
    kept.restart();
    kept.send("m1").ok(1);
    kept.sync(0).page(0, 2, [message(1), message(2)]);
    expect(kept.blamed()).toEqual([]);

    const survived = withMessages(2);
    survived.sync(0).page(0, 2, [message(1), message(2)]);
    survived.restart();
    survived.sync(0).page(0, 1, [{ seq: 1, id: "m2", at: 2 }], { epoch: "e2" });
    expect(survived.blamed()).toEqual([]);
  });
});

describe("the judge accepts unusual behaviour:", () => {
  it("a Sync without a response takes effect late, when its cli_seq is no longer ahead", () => {
    const history = withMessages(2);
    history.sync(3).noResponse();
    history.sync(3, { client: "tablet" }).refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 2, epoch: "e1" });
    history.send("m3").ok(3);
    history.sync(0).page(3, 3);
    expect(history.blamed()).toEqual([]);
  });

  it("an inbox with unknown contents has an ack", () => {
    const history = new HistoryBuilder().openAccount("bob").openAccount("alice");
    const sending = history.send("m1");
    history.sync(0).page(40, 41, [{ seq: 41, id: "m1", at: 1 }]);
    sending.ok(1);
    history.sync(0).page(40, 41, [{ seq: 41, id: "m1", at: 1 }]);
    expect(history.blamed()).toEqual([]);
  });

  it("refusals for reasons that a history does not show: limits, unknown accounts, rules of the server", () => {
    const history = newHistory();
    history.send("a", { to: "nobody" }).refused(Reason.RECIPIENT_UNKNOWN);
    history.send("b").refused(Reason.PAYLOAD_TOO_LARGE);
    history.send("c").refused(Reason.BACKLOG_FULL);
    history.send("d").failed("permission_denied");
    history.send("e", { to: "nobody" }).refused(Reason.SEQ_EXHAUSTED);
    history.sync(0).page(0, 0);
    expect(history.blamed()).toEqual([]);
  });

  it("SEQ_EXHAUSTED at the last seq", () => {
    const history = new HistoryBuilder().openAccount("bob", 0xffff_fffe).openAccount("alice", 0);
    history.send("m1").ok(1);
    history.send("m2").refused(Reason.SEQ_EXHAUSTED);
    history.sync(0xffff_fffe).page(0xffff_fffe, 0xffff_ffff, [{ seq: 0xffff_ffff, id: "m1", at: 1 }]);
    expect(history.blamed()).toEqual([]);
  });

  it("an id is refused for another payload while its first outcome is indeterminate", () => {
    const history = newHistory();
    history.send("m1", { text: "one" }).noResponse();
    history.send("m1", { text: "two" }).refused(Reason.CLIENT_MESSAGE_ID_REUSED);
    history.sync(0).page(0, 1, [{ seq: 1, id: "m1", text: "one" }]);
    expect(history.blamed()).toEqual([]);
  });

  it("an id is accepted for another payload after the dedup window", () => {
    const history = newHistory({ dedupWindow: { seconds: 0n, nanos: 1_500_000 } });
    history.send("m1", { text: "one" }).ok(1);
    history.send("m2").ok(2);
    history.send("m1", { text: "two" }).ok(3);
    const third = { seq: 3, id: "m1", text: "two", at: 3 };
    history.sync(0).page(0, 3, [{ seq: 1, id: "m1", text: "one" }, { seq: 2, id: "m2", at: 2 }, third]);
    expect(history.blamed()).toEqual([]);
  });
});

describe("a rule is exercised if it could have been violated:", () => {
  const exercised = (history: HistoryBuilder) => {
    const judge = new Judge();
    for (const event of history.events) judge.observe(event);
    judge.finish();
    return judge.exercised;
  };

  it("acks", () => {
    const history = withMessages(3);
    history.sync(0).page(0, 3, [message(1), message(2), message(3)]);
    expect(exercised(history).has("ACK-NOT-ON-ANSWER")).toBe(false);
    history.sync(0).page(0, 3, [message(1), message(2), message(3)]);
    expect([exercised(history).get("ACK-NOT-ON-ANSWER"), exercised(history).get("ACK-REDELIVER")]).toEqual([
      1,
      undefined,
    ]);
    history.sync(0).page(0, 3, [message(1), message(2), message(3)]);
    expect(exercised(history).get("ACK-REDELIVER")).toBe(1);
    expect(exercised(history).has("ACK-NO-REDELIVERY")).toBe(false);
    history.sync(2, { epoch: "e1" }).page(2, 3, [message(3)]);
    history.sync(2, { epoch: "e1" }).page(2, 3, [message(3)]);
    expect([exercised(history).has("ACK-NO-REDELIVERY"), exercised(history).get("ACK-MONOTONE")]).toEqual([false, 1]);
    history.sync(1, { epoch: "e1" }).page(2, 3, [message(3)]);
    expect([exercised(history).get("ACK-NO-REDELIVERY"), exercised(history).get("ACK-MONOTONE")]).toEqual([1, 2]);
    expect(exercised(history).has("ACK-FAILED")).toBe(false);
    history.sync(9, { epoch: "e1" }).refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 3, epoch: "e1" });
    history.sync(2, { epoch: "e1" }).page(2, 3, [message(3)]);
    expect([exercised(history).get("ACK-FAILED"), exercised(history).get("ACK-AHEAD")]).toEqual([1, 1]);
  });

  it("sends", () => {
    const history = newHistory();
    history.send("m1").ok(1);
    expect(exercised(history).get("SEND-ACCEPTED-AT")).toBe(1);
    expect(exercised(history).has("SEND-RETRY")).toBe(false);
    history.send("m1").ok(1);
    expect([exercised(history).get("SEND-RETRY"), exercised(history).has("SEND-RETRY-CONCURRENT")]).toEqual([1, false]);
    const [one, two] = [history.send("m2"), history.send("m2")];
    one.ok(2);
    two.ok(2);
    expect([exercised(history).get("SEND-RETRY"), exercised(history).get("SEND-RETRY-CONCURRENT")]).toEqual([1, 2]);
    expect(exercised(history).has("SEND-ID-REUSED")).toBe(false);
    history.send("m3", { text: "other" }).refused(Reason.BACKLOG_FULL);
    history.send("m3").ok(3);
    expect(exercised(history).get("SEND-ID-REUSED")).toBe(1);
  });
});

it("blames SEQ-CONTIGUOUS once a skipped message is delivered", () => {
  const history = withMessages(2);
  history.sync(0).page(0, 2, [message(2)]);
  history.sync(0).page(0, 2, [message(1), message(2)]);
  expect(history.blamed()).toContain("SEQ-CONTIGUOUS");
});
