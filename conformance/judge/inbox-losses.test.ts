import { describe, expect, it } from "vitest";
import {
  type Histories,
  type HistoryBuilder,
  message,
  newHistory,
  withEmptyInbox,
  withMessages,
} from "../selftest/histories/history-builder.js";

const LOSSES: Histories = {
  "a retry creates the message again after a data loss that no response has shown": [
    [],
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [message(1)]);
      history.rotate();
      history.send("m1").ok(5);
      history.sync(0).page(0, 1, [message(1, 5)], { epoch: "e2" });
      history.sync(0).page(0, 1, [message(1, 5)], { epoch: "e2" });
      return history;
    },
  ],
  "a retry creates the message again, and a response from before the data loss comes later": [
    [],
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [message(1)]);
      const early = history.sync(0);
      history.rotate();
      history.send("m1").ok(5);
      early.page(0, 1, [message(1)]);
      history.sync(0).page(0, 1, [message(1, 5)], { epoch: "e2" });
      return history;
    },
  ],
  "an id is accepted for another recipient after its dedup record was lost with the inbox": [
    [],
    () => {
      const history = withMessages(1).openAccount("carol", 0);
      history.rotate();
      history.send("m1", { to: "carol" }).ok(5);
      return history;
    },
  ],
  "an id is accepted for another recipient after another inbox lost its data": [
    ["SEND-ID-REUSED"],
    () => {
      const history = withMessages(1).openAccount("carol", 0);
      history.rotate("alice");
      history.send("m1", { to: "carol" }).ok(5);
      return history;
    },
  ],
  "an id is accepted for two recipients, first for an account that the history does not open": [
    ["SEND-ID-REUSED"],
    () => {
      const history = newHistory();
      history.send("m1", { to: "nobody" }).ok(1);
      history.send("m1").ok(2);
      return history;
    },
  ],
  "a message between two data losses is delivered under the epoch after the first": [
    [],
    () => {
      const history = withEmptyInbox();
      history.rotate();
      history.send("m1").ok(1);
      const early = history.sync(0);
      history.rotate();
      early.page(0, 1, [message(1)], { epoch: "e2" });
      return history;
    },
  ],
  "a message from before a data loss is delivered after it": [
    ["AUTH-ISOLATION", "EPOCH-RESTART"],
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [message(1)]);
      history.rotate();
      history.sync(0).page(0, 1, [message(1)], { epoch: "e2" });
      return history;
    },
  ],
  "after a restart a drained inbox goes on with its numbers under a new epoch": [
    ["EPOCH-RESTART"],
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [message(1)]);
      history.sync(1).page(1, 1);
      history.restart();
      history.sync(0).page(1, 1, [], { epoch: "e2" });
      return history;
    },
  ],
  "a message that was accepted during a restart is missing under the old epoch": [
    ["DUR-NEW-EPOCH"],
    () => {
      const history = withEmptyInbox();
      const send = history.send("m1");
      history.restart();
      send.ok(1);
      history.sync(0).page(0, 0);
      return history;
    },
  ],
  "a message whose Send was pending during a data loss is missing in the new numbering": [
    [],
    () => {
      const history = withEmptyInbox();
      const send = history.send("m1");
      history.rotate();
      history.sync(0).page(0, 0, [], { epoch: "e2" });
      send.ok(1);
      history.sync(0).page(0, 0, [], { epoch: "e2" });
      return history;
    },
  ],
  "its retry was accepted after the data loss, and the message is missing": [
    ["SEND-VISIBLE"],
    () => {
      const history = withEmptyInbox();
      history.send("m1").noResponse();
      history.rotate();
      history.sync(0).page(0, 0, [], { epoch: "e2" });
      history.send("m1").ok(1);
      history.sync(0).page(0, 0, [], { epoch: "e2" });
      return history;
    },
  ],
  "its retry was accepted after the data loss and before the first attempt, and the message is missing": [
    ["SEND-VISIBLE"],
    () => {
      const history = withEmptyInbox();
      const first = history.send("m1");
      history.rotate();
      history.send("m1").ok(1);
      first.ok(1);
      history.sync(0).page(0, 0, [], { epoch: "e2" });
      return history;
    },
  ],
  "a Sync without a response and without an epoch acks in the new numbering": [
    [],
    () => {
      const history = withEmptyInbox();
      history.sync(1).noResponse();
      history.rotate();
      history.send("m1").ok(1);
      history.sync(0).page(0, 1, [message(1)], { epoch: "e2" });
      history.sync(0).page(1, 1, [], { epoch: "e2" });
      return history;
    },
  ],
  "a Sync without a response and with the old epoch acks in the new numbering": [
    ["ACK-NOT-ON-ANSWER"],
    () => {
      const history = withEmptyInbox();
      history.sync(1, { epoch: "e1" }).noResponse();
      history.rotate();
      history.send("m1").ok(1);
      history.sync(0).page(0, 1, [message(1)], { epoch: "e2" });
      history.sync(0).page(1, 1, [], { epoch: "e2" });
      return history;
    },
  ],
  ...Object.fromEntries(
    (
      [
        ["no epoch", "", []],
        ["the new epoch", "e2", []],
        ["the old epoch", "e1", ["ACK-FAILED"]],
      ] as const
    ).map(([description, epoch, blamed]) => [
      `a pending Sync with ${description} acks in the new numbering`,
      [
        [...blamed],
        () => {
          const history = withEmptyInbox();
          history.sync(1, { epoch, client: "tablet" });
          history.rotate();
          history.send("m1").ok(1);
          history.sync(0).page(0, 1, [message(1)], { epoch: "e2" });
          history.sync(0).page(1, 1, [], { epoch: "e2" });
          return history;
        },
      ] as [string[], () => HistoryBuilder],
    ]),
  ),
  "a Sync without a response and with a wrong epoch acks": [
    ["ACK-FAILED"],
    () => {
      const history = withEmptyInbox();
      history.sync(1, { epoch: "e0" }).noResponse();
      history.send("m1").ok(1);
      history.sync(0).page(1, 1);
      return history;
    },
  ],
  "a Sync without a response and with an unknown epoch acks": [
    [],
    () => {
      const history = withMessages(1);
      history.sync(1, { epoch: "e1" }).noResponse();
      history.sync(0).page(1, 1);
      return history;
    },
  ],
};

const WATCHES: Histories = {
  "a frame has a svr_seq above all possible messages, and so has a Sync": [
    ["AUTH-ISOLATION", "SEQ-CONSECUTIVE"],
    () => {
      const history = withEmptyInbox();
      history.watch().frame(1);
      history.sync(0).page(0, 1, ["ghost"]);
      return history;
    },
  ],
  "a frame has an epoch of 1 byte": [[], () => newHistory().watch().frame(0, "e")],
  "a frame has an epoch of 64 bytes": [[], () => newHistory().watch().frame(0, "e".repeat(64))],
  "a frame has an epoch of 65 bytes": [["EPOCH-PRESENT"], () => newHistory().watch().frame(0, "e".repeat(65))],
  "a frame has no epoch": [["EPOCH-PRESENT"], () => newHistory().watch().frame(0, "")],
  "a frame belongs to an earlier numbering": [
    [],
    () => {
      const history = withEmptyInbox();
      const watch = history.watch();
      history.rotate();
      history.sync(0).page(0, 0, [], { epoch: "e2" });
      return watch.frame(0);
    },
  ],
  "the first frame belongs to a numbering that began after the Watch": [
    [],
    () => {
      const history = withMessages(2);
      history.sync(0).page(0, 2, [message(1), message(2)]);
      const watch = history.watch();
      history.rotate();
      return watch.frame(0, "e2");
    },
  ],
  "a second frame is older than the state when the Watch was opened": [
    ["WATCH-FIRST", "WATCH-MONOTONE"],
    () => {
      const history = withMessages(3);
      history.sync(0).page(0, 3, [message(1), message(2), message(3)]);
      const watch = history.watch();
      watch.frame(2);
      return watch.frame(1);
    },
  ],
};

for (const [subject, histories] of Object.entries({ "data losses": LOSSES, Watches: WATCHES })) {
  describe(`findings about ${subject}`, () => {
    it.each(Object.entries(histories))("%s", (_name, [blamed, history]) => {
      expect(history().blamed()).toEqual(blamed);
    });
  });
}
