import { describe, expect, it } from "vitest";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { describeEvent } from "../report/describe.js";
import { Story } from "../testing/story.js";
import { Judge } from "./judge.js";

/** bob's new inbox, and alice who writes to him. */
const begin = (header = {}) => new Story(header).open("bob", 0).open("alice", 0);

/** The same, with so many messages accepted: m1, m2… */
function withMessages(count: number, header = {}): Story {
  const story = begin(header);
  for (let n = 1; n <= count; n += 1) story.send(`m${n}`).ok(n);
  return story;
}

const shown = (seq: number, at = seq) => ({ seq, id: `m${seq}`, at });

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
    const story = new Story().open("bob").open("alice");
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
    const story = new Story().open("bob").open("alice");
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
    const story = new Story().open("bob", 0xffff_fffe).open("alice", 0);
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
  const applied = (story: Story) => {
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

/** Each tells of one fault; the requirement is the one that must be blamed first. */
const FAULTS: Record<string, [requirement: string, story: () => Story]> = {
  "a seq is burnt": [
    "SEQ-CONSECUTIVE",
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 2, [shown(1), { seq: 2, id: "m1", at: 1 }].slice(0, 1));
      return story;
    },
  ],
  "a refused Send burnt a seq": [
    "ERR-UNCHANGED",
    () => {
      const story = withMessages(1);
      story.send("m2").refused(Reason.BACKLOG_FULL);
      story.sync(1).page(1, 2, [{ seq: 2, id: "m2" }]);
      return story;
    },
  ],
  "seq 0 is assigned": [
    "SEQ-START",
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [{ seq: 0, id: "m1" }]);
      return story;
    },
  ],
  "svr_seq falls": [
    "SEQ-MONOTONE",
    () => {
      const story = withMessages(2);
      story.sync(0).page(0, 2, [shown(1), shown(2)]);
      story.sync(0).page(0, 1, [shown(1)]);
      return story;
    },
  ],
  "a seq names another message": [
    "SEQ-IMMUTABLE",
    () => {
      const story = withMessages(2);
      story.sync(0).page(0, 2, [shown(1), shown(2)]);
      story.sync(0).page(0, 2, [{ seq: 1, id: "m2", at: 2 }, shown(2)]);
      return story;
    },
  ],
  "n+1 is visible before n": [
    "SYNC-RANGE",
    () => {
      const story = withMessages(2);
      story.sync(0).page(0, 2, [shown(2)]);
      story.sync(0).page(0, 2, [shown(1), shown(2)]);
      return story;
    },
  ],
  "an accepted message is not visible": [
    "SEND-VISIBLE",
    () => {
      const story = withMessages(2);
      story.sync(0).page(0, 1, [shown(1)]);
      return story;
    },
  ],
  "an accepted message is not visible, though another is": [
    "SEND-VISIBLE",
    () => {
      const story = begin();
      story.send("lost").lost();
      story.send("m1").ok(1);
      story.sync(0).page(0, 1, [{ seq: 1, id: "lost", at: 3 }]);
      return story;
    },
  ],
  "it is visible too late, though the numbers fit": [
    "SEND-VISIBLE",
    () => {
      const story = begin();
      story.send("lost").lost();
      story.send("m1").ok(1);
      story.sync(0, { pageSize: 1 }).page(0, 1, [{ seq: 1, id: "lost", at: 3 }]);
      story.sync(1).page(1, 2, [{ seq: 2, id: "m1", at: 1 }]);
      return story;
    },
  ],
  "a payload is changed": [
    "SEND-BYTES",
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [{ ...shown(1), text: "HELLO" }]);
      return story;
    },
  ],
  "two sends change places": [
    "SEND-ORDER",
    () => {
      const story = withMessages(2);
      story.sync(0).page(0, 2, [
        { seq: 1, id: "m2", at: 2 },
        { seq: 2, id: "m1", at: 1 },
      ]);
      return story;
    },
  ],
  "accepted_at differs": [
    "SEND-ACCEPTED-AT",
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [shown(1, 8)]);
      return story;
    },
  ],
  "a retry makes a second message": [
    "SEND-RETRY",
    () => {
      const story = withMessages(1);
      story.send("m1").ok(1);
      story.sync(0).page(0, 2, [shown(1), { seq: 2, id: "m1", at: 1 }]);
      return story;
    },
  ],
  "a retry has another time": [
    "SEND-RETRY",
    () => {
      const story = withMessages(1);
      story.send("m1").ok(2);
      return story;
    },
  ],
  "two retries at once make two": [
    "SEND-RETRY-CONCURRENT",
    () => {
      const story = begin();
      const [one, two] = [story.send("m1"), story.send("m1")];
      one.ok(1);
      two.ok(1);
      story.sync(0).page(0, 2, [shown(1), { seq: 2, id: "m1", at: 1 }]);
      return story;
    },
  ],
  "an id is taken for other content": [
    "SEND-ID-REUSED",
    () => {
      const story = withMessages(1);
      story.send("m1", { text: "other" }).ok(1);
      return story;
    },
  ],
  "an id of another sender is refused": [
    "SEND-ID-SCOPE",
    () => {
      const story = withMessages(1);
      story.send("m1", { from: "carol" }).refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      return story;
    },
  ],
  "a refused id is not free": [
    "SEND-ID-FREE",
    () => {
      const story = begin();
      story.send("m1", { to: "nobody" }).refused(Reason.RECIPIENT_UNKNOWN);
      story.send("m1").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      return story;
    },
  ],
  "a repetition looks at the full inbox": [
    "SEND-RETRY-FIRST",
    () => {
      const story = withMessages(1);
      story.send("m1").refused(Reason.BACKLOG_FULL);
      return story;
    },
  ],
  "the server fails at a Send": [
    "SEND-ACCEPT",
    () => {
      const story = begin();
      story.send("m1").failed("internal");
      return story;
    },
  ],
  "the server fails at a Sync": [
    "SYNC-ANSWER",
    () => {
      const story = begin();
      story.sync(0).failed("internal");
      return story;
    },
  ],
  "a Sync that was refused as ahead acks later": [
    "ACK-FAILED",
    () => {
      const story = withMessages(2);
      story.sync(3).refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 2, epoch: "e1" });
      story.send("m3").ok(3);
      story.sync(0).page(3, 3);
      return story;
    },
  ],
  "an ack appears from nowhere": [
    "ACK-REDELIVER",
    () => {
      const story = withMessages(3);
      story.sync(0, { pageSize: 1 }).page(0, 3, [shown(1)]);
      story.sync(0).page(2, 3, [shown(3)]);
      return story;
    },
  ],
  "of two acks at once the lower one wins": [
    "ACK-MONOTONE",
    () => {
      const story = withMessages(3);
      const [low, high] = [story.sync(1), story.sync(3, { client: "tablet" })];
      low.page(1, 3, [shown(2), shown(3)]);
      high.page(3, 3);
      story.sync(0).page(1, 3, [shown(2), shown(3)]);
      return story;
    },
  ],
  "an overtaken ack comes late and wins": [
    "ACK-MONOTONE",
    () => {
      const story = withMessages(3);
      story.sync(1).lost();
      story.sync(3, { client: "tablet" }).page(3, 3);
      story.sync(0).page(1, 3, [shown(2), shown(3)]);
      return story;
    },
  ],
  "an earlier ack is what is left": [
    "ACK-IMPLICIT",
    () => {
      const story = withMessages(3);
      story.sync(1).page(1, 3, [shown(2), shown(3)]);
      story.sync(3).page(3, 3);
      story.sync(0).page(1, 3, [shown(2), shown(3)]);
      return story;
    },
  ],
  "an accepted Send has no time": [
    "SEND-ACCEPTED-AT",
    () => {
      const story = begin();
      story.send("m1").ok(0);
      return story;
    },
  ],
  "an account that exists is unknown": [
    "SEND-ACCEPT",
    () => {
      const story = begin();
      story.send("m1").refused(Reason.RECIPIENT_UNKNOWN);
      return story;
    },
  ],
  "an inbox is exhausted early": [
    "SEND-ACCEPT",
    () => {
      const story = withMessages(1);
      story.send("m2").refused(Reason.SEQ_EXHAUSTED);
      return story;
    },
  ],
  "a repetition looks at the exhausted inbox": [
    "SEND-RETRY-FIRST",
    () => {
      const story = new Story().open("bob", 0xffff_fffe).open("alice", 0);
      story.send("m1").ok(1);
      story.send("m1").refused(Reason.SEQ_EXHAUSTED);
      return story;
    },
  ],
  "a repetition is taken for another": [
    "SEND-RETRY",
    () => {
      const story = withMessages(1);
      story.send("m1").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      return story;
    },
  ],
  "a new id is taken for a used one": [
    "SEND-ACCEPT",
    () => {
      const story = withMessages(1);
      story.send("m2").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      return story;
    },
  ],
  "an id is taken twice at once, for different things": [
    "SEND-ID-REUSED",
    () => {
      const story = begin();
      const [one, two] = [story.send("m1", { text: "one" }), story.send("m1", { text: "two" })];
      one.ok(1);
      two.ok(2);
      return story;
    },
  ],
  "another sender is shown": [
    "AUTH-SENDER",
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [{ ...shown(1), from: "mallory" }]);
      return story;
    },
  ],
  "a message of another inbox comes": [
    "AUTH-ISOLATION",
    () => {
      const story = begin();
      story.send("m1", { to: "alice" }).ok(1);
      story.sync(0).page(0, 1, [shown(1)]);
      return story;
    },
  ],
  "the base is below cli_seq": [
    "SYNC-BASE",
    () => {
      const story = withMessages(2);
      story.sync(1).page(0, 2, [shown(1), shown(2)]);
      return story;
    },
  ],
  "next_cli_seq is svr_seq": [
    "SYNC-NEXT",
    () => {
      const story = withMessages(2);
      story.sync(0, { pageSize: 1 }).page(0, 2, [shown(1)], { next: 2 });
      return story;
    },
  ],
  "a page is too large": [
    "PAGE-CAP",
    () => {
      const story = withMessages(2);
      story.sync(0, { pageSize: 1 }).page(0, 2, [shown(1), shown(2)]);
      return story;
    },
  ],
  "a page is larger than the declared maximum": [
    "PAGE-MAX",
    () => {
      const story = withMessages(2, { maxPageSize: 1 });
      story.sync(0).page(0, 2, [shown(1), shown(2)]);
      return story;
    },
  ],
  "a page is empty although messages are pending": [
    "PAGE-PROGRESS",
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, []);
      return story;
    },
  ],
  "an ack is not kept": [
    "ACK-IMPLICIT",
    () => {
      const story = withMessages(3);
      story.sync(2).page(2, 3, [shown(3)]);
      story.sync(0).page(1, 3, [shown(2), shown(3)]);
      return story;
    },
  ],
  "what was acked comes again": [
    "ACK-NO-REDELIVERY",
    () => {
      const story = withMessages(2);
      story.sync(2).page(2, 2);
      story.sync(0, { client: "tablet" }).page(0, 2, [shown(1), shown(2)]);
      return story;
    },
  ],
  "an old device lowers the ack": [
    "ACK-MONOTONE",
    () => {
      const story = withMessages(3);
      story.sync(3).page(3, 3);
      story.sync(1, { client: "tablet" }).page(3, 3);
      story.sync(0).page(1, 3, [shown(2), shown(3)]);
      return story;
    },
  ],
  "answering acks": [
    "ACK-NOT-ON-ANSWER",
    () => {
      const story = withMessages(2);
      story.sync(0).page(0, 2, [shown(1), shown(2)]);
      story.sync(0).page(2, 2);
      return story;
    },
  ],
  "what was answered twice is withheld": [
    "ACK-REDELIVER",
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [shown(1)]);
      story.sync(0).page(0, 1, [shown(1)]);
      story.sync(0).page(1, 1);
      return story;
    },
  ],
  "a refused Sync acks": [
    "ACK-FAILED",
    () => {
      const story = withMessages(2);
      story.sync(0).page(0, 2, [shown(1), shown(2)]);
      story.sync(2, { epoch: "wrong" }).refused(Reason.EPOCH_MISMATCH, { svrSeq: 2, epoch: "e1" });
      story.sync(0).page(2, 2);
      return story;
    },
  ],
  "an ack ahead of the server is taken": [
    "ACK-AHEAD",
    () => {
      const story = withMessages(1);
      story.sync(5).page(5, 1);
      return story;
    },
  ],
  "a refusal tells an old state": [
    "ACK-AHEAD",
    () => {
      const story = withMessages(2);
      story.sync(0).page(0, 2, [shown(1), shown(2)]);
      story.sync(9).refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 1, epoch: "e1" });
      return story;
    },
  ],
  "an ack of what was not fetched is refused": [
    "ACK-UNFETCHED",
    () => {
      const story = withMessages(2);
      story.sync(0, { pageSize: 1 }).page(0, 2, [shown(1)]);
      story.sync(2).refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 2, epoch: "e1" });
      return story;
    },
  ],
  "two answers show states of which neither can come first": [
    "SYNC-LINEARIZABLE",
    () => {
      const story = withMessages(1);
      const first = story.sync(1);
      const second = story.sync(0, { client: "tablet" });
      story.send("m2").ok(2);
      first.page(1, 1);
      second.page(0, 2, [shown(1), shown(2)]);
      return story;
    },
  ],
  "no epoch": [
    "EPOCH-PRESENT",
    () => {
      const story = begin();
      story.sync(0).page(0, 0, [], { epoch: "" });
      return story;
    },
  ],
  "the epoch changes without a loss": [
    "EPOCH-STABLE",
    () => {
      const story = begin();
      story.sync(0).page(0, 0);
      story.sync(0).page(0, 0, [], { epoch: "e2" });
      return story;
    },
  ],
  "another epoch is answered": [
    "EPOCH-MISMATCH",
    () => {
      const story = begin();
      story.sync(0, { epoch: "e0" }).page(0, 0);
      return story;
    },
  ],
  "no epoch was sent, and it is refused for it": [
    "EPOCH-UNCHECKED",
    () => {
      const story = begin();
      story.sync(0).refused(Reason.EPOCH_MISMATCH, { epoch: "e1" });
      return story;
    },
  ],
  "the epoch stays although all is lost": [
    "EPOCH-RENEWED",
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [shown(1)]);
      story.rotate();
      story.sync(0).page(0, 0);
      return story;
    },
  ],
  "an old epoch comes again": [
    "EPOCH-RENEWED",
    () => {
      const story = begin();
      story.sync(0).page(0, 0);
      story.rotate();
      story.sync(0).page(0, 0, [], { epoch: "e2" });
      story.rotate();
      story.sync(0).page(0, 0);
      return story;
    },
  ],
  "a dedup record outlives its message": [
    "SEND-VISIBLE",
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [shown(1)]);
      story.rotate();
      story.send("m1").ok(1);
      story.sync(0).page(0, 0, [], { epoch: "e2" });
      return story;
    },
  ],
  "the epoch is checked after cli_seq": [
    "ERR-ORDER",
    () => {
      const story = begin();
      story.sync(0).page(0, 0);
      story.sync(9, { epoch: "old" }).refused(Reason.CLI_SEQ_AHEAD, { epoch: "e1" });
      return story;
    },
  ],
  "a watch goes back": [
    "WATCH-MONOTONE",
    () => {
      const story = withMessages(2);
      const watch = story.watch();
      watch.frame(2);
      watch.frame(1);
      return story;
    },
  ],
  "a first frame is old": [
    "WATCH-FIRST",
    () => {
      const story = withMessages(2);
      story.sync(0).page(0, 2, [shown(1), shown(2)]);
      story.watch().frame(1);
      return story;
    },
  ],
  "a frame of somebody else": [
    "WATCH-PRIVATE",
    () => {
      const story = begin();
      story.watch().frame(3);
      return story;
    },
  ],
  "a Sync knows less than a frame": [
    "WATCH-SYNC",
    () => {
      const story = begin();
      const watch = story.watch();
      const sending = story.send("m1");
      watch.frame(1);
      story.sync(0).page(0, 0);
      sending.ok(1);
      return story;
    },
  ],
  "a crash loses a message in silence": [
    "DUR-NEW-EPOCH",
    () => {
      const story = withMessages(2);
      story.sync(0).page(0, 2, [shown(1), shown(2)]);
      story.restart();
      story.sync(0).page(0, 1, [shown(1)]);
      return story;
    },
  ],
  "a crash loses the dedup records": [
    "DUR-NEW-EPOCH",
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [shown(1)]);
      story.restart();
      story.send("m1").ok(7);
      story.sync(0).page(0, 1, [shown(1)]);
      return story;
    },
  ],
  "a durable server has a new epoch": [
    "DUR-KEEP",
    () => {
      const story = withMessages(1, { profiles: [Profile.CORE, Profile.DURABLE] });
      story.sync(0).page(0, 1, [shown(1)]);
      story.restart();
      story.sync(0).page(0, 0, [], { epoch: "e2" });
      return story;
    },
  ],
};

describe("each breach is blamed on its requirement", () => {
  it.each(Object.entries(FAULTS))("%s", (_name, [requirement, story]) => {
    expect(story().blamed()).toContain(requirement);
  });

  it.each(Object.entries(FAULTS))("%s: with few events that prove it", (_name, [requirement, story]) => {
    const finding = story()
      .judged()
      .find((it) => it.requirement === requirement);
    expect(finding?.evidence.length).toBeGreaterThan(0);
    expect(finding?.evidence.length).toBeLessThanOrEqual(8);
  });

  it.each(Object.entries(FAULTS))("%s: in words, and with the events that prove it", (_name, [, story]) => {
    const told = story()
      .judged()
      .map(({ requirement, message, expected, actual, evidence }) => ({
        [requirement]: [message, expected, actual],
        proof: evidence.map((event) => `${event.client || "server"}: ${describeEvent(event)}`),
      }));
    expect(told).toMatchSnapshot();
  });
});

it("says the contiguity that a hole breaks, once the hole is filled", () => {
  const story = withMessages(2);
  story.sync(0).page(0, 2, [shown(2)]);
  story.sync(0).page(0, 2, [shown(1), shown(2)]);
  expect(story.blamed()).toContain("SEQ-CONTIGUOUS");
});
