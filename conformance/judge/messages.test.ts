import { describe, expect, it } from "vitest";
import type { DeliveredMessage } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { begin, HistoryBuilder, shown, withMessages } from "../selftest/histories/history-builder.js";

/** Changes what the last answer shows in a way that a story has no words for. */
function retouch(story: HistoryBuilder, change: (message: DeliveredMessage) => void): HistoryBuilder {
  const what = story.events.at(-1)?.body;
  if (what?.case !== "syncReturn") throw new Error("the last event is no page");
  for (const message of what.value.messages) change(message);
  return story;
}

/** An inbox with a past, and its only message, shown twice: the second time as `again` makes it. */
function twice(again: (message: DeliveredMessage) => void): HistoryBuilder {
  const story = new HistoryBuilder().open("bob");
  const old = { seq: 41, id: "old", from: "zoe", at: 3 };
  story.sync(0).page(40, 41, [old]);
  story.sync(0).page(40, 41, [old]);
  return retouch(story, again);
}

type Blamed = string[];

/** All that the judge must say of each history, in its order. */
const HISTORIES: Record<string, [Blamed, () => HistoryBuilder]> = {
  "a message that nobody ever sent": [
    ["AUTH-ISOLATION"],
    () => {
      const story = begin();
      story.send("m1", { text: "one" }).lost();
      story.sync(0).page(0, 1, [{ seq: 1, id: "ghost", text: "two" }]);
      return story;
    },
  ],
  "a message whose id was changed": [
    ["SEND-BYTES"],
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [{ seq: 1, id: "M1" }]);
      return story;
    },
  ],
  "a message like another sender's, under another id": [
    ["AUTH-ISOLATION"],
    () => {
      const story = begin();
      story.send("m1").lost();
      story.sync(0).page(0, 1, [{ seq: 1, id: "ghost", from: "zoe" }]);
      return story;
    },
  ],
  "a message like one for another inbox, under another id": [
    ["AUTH-ISOLATION"],
    () => {
      const story = begin();
      story.send("m1", { text: "one" }).lost();
      story.send("m2", { to: "alice" }).ok(2);
      story.sync(0).page(0, 1, [{ seq: 1, id: "ghost" }]);
      return story;
    },
  ],
  "a message like one that is there, under another id": [
    ["AUTH-ISOLATION"],
    () => {
      const story = withMessages(1);
      story.send("m2", { text: "two" }).lost();
      story.sync(0).page(0, 2, [shown(1), { seq: 2, id: "ghost" }]);
      return story;
    },
  ],
  "a message without its payload": [
    ["SEND-BYTES"],
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [shown(1)]);
      return retouch(story, (message) => {
        message.payload = undefined;
      });
    },
  ],
  "a message without accepted_at": [
    ["SEND-ACCEPTED-AT"],
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [shown(1, 0)]);
      return story;
    },
  ],
  "a message whose accepted_at comes later": [
    ["SEND-ACCEPTED-AT", "SEQ-IMMUTABLE"],
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [shown(1, 0)]);
      story.sync(0).page(0, 1, [shown(1)]);
      return story;
    },
  ],
  "a message whose accepted_at goes away": [
    ["SEQ-IMMUTABLE"],
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [shown(1)]);
      story.sync(0).page(0, 1, [shown(1, 0)]);
      return story;
    },
  ],
  "one of two messages with the same id from two senders": [
    ["SEND-VISIBLE", "SEND-ID-SCOPE"],
    () => {
      const story = begin();
      story.send("m1").ok(1);
      story.send("m1", { from: "carol" }).ok(2);
      story.sync(0).page(0, 1, ["m1"]);
      return story;
    },
  ],
  "a message that is nowhere, while others from another sender are there": [
    ["SEND-VISIBLE"],
    () => {
      const story = begin();
      story.send("m1", { from: "carol" }).ok(1);
      story.send("m2").ok(2);
      story.sync(0).page(0, 1, [{ seq: 1, id: "m1", from: "carol" }]);
      return story;
    },
  ],
  "a retry that made a second message, behind others": [
    ["SEND-RETRY"],
    () => {
      const story = withMessages(2);
      story.send("m1").ok(1);
      story.sync(0).page(0, 3, [shown(1), shown(2), { seq: 3, id: "m1", at: 1 }]);
      return story;
    },
  ],
  "two sends out of order behind a third": [
    ["SEND-ORDER"],
    () => {
      const story = withMessages(3);
      story.sync(0).page(0, 3, [shown(1), { seq: 2, id: "m3", at: 3 }, { seq: 3, id: "m2", at: 2 }]);
      return story;
    },
  ],
  "two sends out of order, and between them one that overlapped both": [
    ["SEND-ORDER"],
    () => {
      const story = begin();
      const slow = story.send("slow");
      story.send("m1").ok(1);
      story.send("m2").ok(2);
      slow.ok(3);
      story.sync(0).page(0, 3, [
        { seq: 1, id: "m2", at: 2 },
        { seq: 2, id: "slow", at: 3 },
        { seq: 3, id: "m1", at: 1 },
      ]);
      return story;
    },
  ],
  "sends out of order that overlapped": [
    [],
    () => {
      const story = begin();
      const slow = story.send("slow");
      story.send("m1").ok(1);
      slow.ok(3);
      story.sync(0).page(0, 2, [
        { seq: 1, id: "m1", at: 1 },
        { seq: 2, id: "slow", at: 3 },
      ]);
      return story;
    },
  ],
  "what was acked unseen and is shown later fills no hole": [
    ["ACK-NO-REDELIVERY"],
    () => {
      const story = withMessages(4);
      story.sync(2).page(2, 4, [shown(3), shown(4)]);
      story.sync(0).page(0, 4, [shown(1), shown(2), shown(3), shown(4)]);
      return story;
    },
  ],
  "an ack of what was fetched is refused": [
    ["SYNC-ANSWER"],
    () => {
      const story = withMessages(2);
      story.sync(0).page(0, 2, [shown(1), shown(2)]);
      story.sync(2).refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 2, epoch: "e1" });
      return story;
    },
  ],
  "an ack of what was fetched is refused, after an older page came late": [
    ["SYNC-ANSWER"],
    () => {
      const story = withMessages(3);
      const early = story.sync(0, { pageSize: 1 });
      story.sync(2, { client: "tablet" }).page(2, 3, [shown(3)]);
      early.page(0, 3, [shown(1)]);
      story.sync(3).refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 3, epoch: "e1" });
      return story;
    },
  ],
};

describe("what the judge says of the messages in pages", () => {
  it.each(Object.entries(HISTORIES))("%s", (_name, [blamed, story]) => {
    expect(story().blamed()).toEqual(blamed);
  });

  it.each(Object.entries(HISTORIES))("%s: proven by events of the history", (_name, [, story]) => {
    const { events } = story();
    const told = story().judged();
    for (const { evidence } of told) for (const event of evidence) expect(events).toContainEqual(event);
  });

  it("proves by both calls that an id of one sender hid another's", () => {
    const finding = HISTORIES["one of two messages with the same id from two senders"]
      ?.[1]()
      .judged()
      .find(({ requirement }) => requirement === "SEND-ID-SCOPE");
    const kinds = finding?.evidence.map(({ body: what }) => what.case);
    expect(kinds).toEqual(["sendCall", "sendCall", "sendReturn", "syncCall", "syncReturn"]);
  });

  it("says so quickly when a page jumps over billions of seqs", () => {
    const story = withMessages(2);
    story.sync(0).page(0, 2, [shown(1), { seq: 0xffff_ffff, id: "m2", at: 2 }]);
    expect(story.blamed()).toContain("SYNC-RANGE");
  });

  it("takes a send without a payload and its message as they are", () => {
    const story = withMessages(1);
    const call = story.events.find(({ body: what }) => what.case === "sendCall")?.body;
    if (call?.case === "sendCall") call.value.payload = undefined;
    story.sync(0).page(0, 1, [shown(1)]);
    expect(story.blamed()).toEqual(["SEND-BYTES"]);
    retouch(story, (message) => {
      message.payload = undefined;
    });
    expect(story.blamed()).toEqual([]);
  });
});

/** A seq names one message for ever, also one of which only pages tell: each of its parts counts. */
const CHANGES: Record<string, (message: DeliveredMessage) => void> = {
  sender: (message) => {
    message.senderId = "zelda";
  },
  id: (message) => {
    message.clientMessageId = "young";
  },
  payload: (message) => {
    if (message.payload) message.payload.size += 1;
  },
  "seconds of accepted_at": (message) => {
    if (message.acceptedAt) message.acceptedAt.seconds += 1n;
  },
  "nanoseconds of accepted_at": (message) => {
    if (message.acceptedAt) message.acceptedAt.nanos += 1;
  },
  "accepted_at at all": (message) => {
    message.acceptedAt = undefined;
  },
};

describe("a seq never names another message", () => {
  it.each(Object.entries(CHANGES))("with another %s", (_part, change) => {
    expect(twice(change).blamed()[0]).toBe("SEQ-IMMUTABLE");
  });

  it("and is right when it is shown as before", () => {
    expect(twice(() => {}).blamed()).toEqual([]);
  });
});
