import { describe, expect, it } from "vitest";
import type { DeliveredMessage } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import {
  type Histories,
  HistoryBuilder,
  message,
  newHistory,
  withMessages,
} from "../selftest/histories/history-builder.js";

/** Changes the messages of the last page in a way that the builder does not offer. */
function changeLastPage(history: HistoryBuilder, change: (message: DeliveredMessage) => void): HistoryBuilder {
  const body = history.events.at(-1)?.body;
  if (body?.case !== "syncReturn") throw new Error("the last event is not a page");
  for (const message of body.value.messages) change(message);
  return history;
}

/** An inbox with one message from before the history, which is delivered twice: the second time with a change. */
function deliveredTwice(change: (message: DeliveredMessage) => void): HistoryBuilder {
  const history = new HistoryBuilder().openAccount("bob");
  const old = { seq: 41, id: "old", from: "zoe", at: 3 };
  history.sync(0).page(40, 41, [old]);
  history.sync(0).page(40, 41, [old]);
  return changeLastPage(history, change);
}

const HISTORIES: Histories = {
  "a message that no client sent": [
    ["AUTH-ISOLATION"],
    () => {
      const history = newHistory();
      history.send("m1", { text: "one" }).noResponse();
      history.sync(0).page(0, 1, [{ seq: 1, id: "ghost", text: "two" }]);
      return history;
    },
  ],
  "a message with a changed id": [
    ["SEND-BYTES"],
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [{ seq: 1, id: "M1" }]);
      return history;
    },
  ],
  "a message with the payload of another sender's message and another id": [
    ["AUTH-ISOLATION"],
    () => {
      const history = newHistory();
      history.send("m1").noResponse();
      history.sync(0).page(0, 1, [{ seq: 1, id: "ghost", from: "zoe" }]);
      return history;
    },
  ],
  "a message with the payload of a message to another inbox and another id": [
    ["AUTH-ISOLATION"],
    () => {
      const history = newHistory();
      history.send("m1", { text: "one" }).noResponse();
      history.send("m2", { to: "alice" }).ok(2);
      history.sync(0).page(0, 1, [{ seq: 1, id: "ghost" }]);
      return history;
    },
  ],
  "a message with the payload of a delivered message and another id": [
    ["AUTH-ISOLATION"],
    () => {
      const history = withMessages(1);
      history.send("m2", { text: "two" }).noResponse();
      history.sync(0).page(0, 2, [message(1), { seq: 2, id: "ghost" }]);
      return history;
    },
  ],
  "a message without its payload": [
    ["SEND-BYTES"],
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [message(1)]);
      return changeLastPage(history, (message) => {
        message.payload = undefined;
      });
    },
  ],
  "a message without accepted_at": [
    ["SEND-ACCEPTED-AT"],
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [message(1, 0)]);
      return history;
    },
  ],
  "a message whose accepted_at is missing at first": [
    ["SEND-ACCEPTED-AT", "SEQ-IMMUTABLE"],
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [message(1, 0)]);
      history.sync(0).page(0, 1, [message(1)]);
      return history;
    },
  ],
  "a message whose accepted_at is missing later": [
    ["SEQ-IMMUTABLE"],
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [message(1)]);
      history.sync(0).page(0, 1, [message(1, 0)]);
      return history;
    },
  ],
  "one of two messages with the same id from two senders is missing": [
    ["SEND-VISIBLE", "SEND-ID-SCOPE"],
    () => {
      const history = newHistory();
      history.send("m1").ok(1);
      history.send("m1", { from: "carol" }).ok(2);
      history.sync(0).page(0, 1, ["m1"]);
      return history;
    },
  ],
  "a message is missing, and a message of another sender with another id is delivered": [
    ["SEND-VISIBLE"],
    () => {
      const history = newHistory();
      history.send("m1", { from: "carol" }).ok(1);
      history.send("m2").ok(2);
      history.sync(0).page(0, 1, [{ seq: 1, id: "m1", from: "carol" }]);
      return history;
    },
  ],
  "a retry created a second message after others": [
    ["SEND-RETRY"],
    () => {
      const history = withMessages(2);
      history.send("m1").ok(1);
      history.sync(0).page(0, 3, [message(1), message(2), { seq: 3, id: "m1", at: 1 }]);
      return history;
    },
  ],
  "two Sends are out of order after a third": [
    ["SEND-ORDER"],
    () => {
      const history = withMessages(3);
      history.sync(0).page(0, 3, [message(1), { seq: 2, id: "m3", at: 3 }, { seq: 3, id: "m2", at: 2 }]);
      return history;
    },
  ],
  "two Sends are out of order, with an overlapping one between them": [
    ["SEND-ORDER"],
    () => {
      const history = newHistory();
      const slow = history.send("slow");
      history.send("m1").ok(1);
      history.send("m2").ok(2);
      slow.ok(3);
      history.sync(0).page(0, 3, [
        { seq: 1, id: "m2", at: 2 },
        { seq: 2, id: "slow", at: 3 },
        { seq: 3, id: "m1", at: 1 },
      ]);
      return history;
    },
  ],
  "overlapping Sends are out of order": [
    [],
    () => {
      const history = newHistory();
      const slow = history.send("slow");
      history.send("m1").ok(1);
      slow.ok(3);
      history.sync(0).page(0, 2, [
        { seq: 1, id: "m1", at: 1 },
        { seq: 2, id: "slow", at: 3 },
      ]);
      return history;
    },
  ],
  "a message that was acked before its delivery is not a skipped message": [
    ["ACK-NO-REDELIVERY"],
    () => {
      const history = withMessages(4);
      history.sync(2).page(2, 4, [message(3), message(4)]);
      history.sync(0).page(0, 4, [message(1), message(2), message(3), message(4)]);
      return history;
    },
  ],
  "an ack of delivered messages is refused": [
    ["SYNC-ANSWER"],
    () => {
      const history = withMessages(2);
      history.sync(0).page(0, 2, [message(1), message(2)]);
      history.sync(2).refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 2, epoch: "e1" });
      return history;
    },
  ],
  "an ack of delivered messages is refused after an older page came late": [
    ["SYNC-ANSWER"],
    () => {
      const history = withMessages(3);
      const early = history.sync(0, { pageSize: 1 });
      history.sync(2, { client: "tablet" }).page(2, 3, [message(3)]);
      early.page(0, 3, [message(1)]);
      history.sync(3).refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 3, epoch: "e1" });
      return history;
    },
  ],
};

describe("findings about the messages of pages", () => {
  it.each(Object.entries(HISTORIES))("%s", (_name, [blamed, history]) => {
    expect(history().blamed()).toEqual(blamed);
  });

  it.each(Object.entries(HISTORIES))("%s: the evidence consists of events of the history", (_name, [, history]) => {
    const { events } = history();
    for (const { evidence } of history().findings()) for (const event of evidence) expect(events).toContainEqual(event);
  });

  it("gives both Sends as evidence for SEND-ID-SCOPE", () => {
    const finding = HISTORIES["one of two messages with the same id from two senders is missing"]
      ?.[1]()
      .findings()
      .find(({ requirement }) => requirement === "SEND-ID-SCOPE");
    const kinds = finding?.evidence.map(({ body }) => body.case);
    expect(kinds).toEqual(["sendCall", "sendCall", "sendReturn", "syncCall", "syncReturn"]);
  });

  it("judges a page that skips billions of seqs quickly", () => {
    const history = withMessages(2);
    history.sync(0).page(0, 2, [message(1), { seq: 0xffff_ffff, id: "m2", at: 2 }]);
    expect(history.blamed()).toContain("SYNC-RANGE");
  });

  it("compares a Send without a payload with its message", () => {
    const history = withMessages(1);
    const call = history.events.find(({ body }) => body.case === "sendCall")?.body;
    if (call?.case === "sendCall") call.value.payload = undefined;
    history.sync(0).page(0, 1, [message(1)]);
    expect(history.blamed()).toEqual(["SEND-BYTES"]);
    changeLastPage(history, (message) => {
      message.payload = undefined;
    });
    expect(history.blamed()).toEqual([]);
  });
});

/** Changes of a message that only pages show: each part of it counts. */
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
  "accepted_at, which is missing": (message) => {
    message.acceptedAt = undefined;
  },
};

describe("a seq that is delivered again", () => {
  it.each(Object.entries(CHANGES))("must not have another %s", (_part, change) => {
    expect(deliveredTwice(change).blamed()[0]).toBe("SEQ-IMMUTABLE");
  });

  it("is accepted with the same message", () => {
    expect(deliveredTwice(() => {}).blamed()).toEqual([]);
  });
});
