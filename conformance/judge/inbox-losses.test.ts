import { describe, expect, it } from "vitest";
import {
  begin,
  type Histories,
  type HistoryBuilder,
  seen,
  shown,
  withMessages,
} from "../selftest/histories/history-builder.js";

const LOSSES: Histories = {
  "a retry makes the message anew after a loss, before anybody has seen it": [
    [],
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [shown(1)]);
      story.rotate();
      story.send("m1").ok(5);
      story.sync(0).page(0, 1, [shown(1, 5)], { epoch: "e2" });
      return story;
    },
  ],
  "and an answer from before the loss comes in between": [
    [],
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [shown(1)]);
      const early = story.sync(0);
      story.rotate();
      story.send("m1").ok(5);
      early.page(0, 1, [shown(1)]);
      story.sync(0).page(0, 1, [shown(1, 5)], { epoch: "e2" });
      return story;
    },
  ],
  "an id is free for another recipient when the dedup record is lost with the inbox": [
    [],
    () => {
      const story = withMessages(1).open("carol", 0);
      story.rotate();
      story.send("m1", { to: "carol" }).ok(5);
      return story;
    },
  ],
  "an id is not free for another recipient when another inbox was lost": [
    ["SEND-ID-REUSED"],
    () => {
      const story = withMessages(1).open("carol", 0);
      story.rotate("alice");
      story.send("m1", { to: "carol" }).ok(5);
      return story;
    },
  ],
  "an id is taken twice, first for an account that nobody opened": [
    ["SEND-ID-REUSED"],
    () => {
      const story = begin();
      story.send("m1", { to: "nobody" }).ok(1);
      story.send("m1").ok(2);
      return story;
    },
  ],
  "a message between two losses is there after the first": [
    [],
    () => {
      const story = seen();
      story.rotate();
      story.send("m1").ok(1);
      const early = story.sync(0);
      story.rotate();
      early.page(0, 1, [shown(1)], { epoch: "e2" });
      return story;
    },
  ],
  "a message from before a loss is there after it": [
    ["AUTH-ISOLATION", "SEQ-CONSECUTIVE"],
    () => {
      const story = withMessages(1);
      story.sync(0).page(0, 1, [shown(1)]);
      story.rotate();
      story.sync(0).page(0, 1, [shown(1)], { epoch: "e2" });
      return story;
    },
  ],
  "a message that was accepted over a restart is gone, under the old epoch": [
    ["DUR-NEW-EPOCH"],
    () => {
      const story = seen();
      const sending = story.send("m1");
      story.restart();
      sending.ok(1);
      story.sync(0).page(0, 0);
      return story;
    },
  ],
  "a message that was under way at a loss is not in the new numbering": [
    [],
    () => {
      const story = seen();
      const sending = story.send("m1");
      story.rotate();
      story.sync(0).page(0, 0, [], { epoch: "e2" });
      sending.ok(1);
      story.sync(0).page(0, 0, [], { epoch: "e2" });
      return story;
    },
  ],
  "it was sent again after the loss and accepted, and is not there": [
    ["SEND-VISIBLE"],
    () => {
      const story = seen();
      story.send("m1").lost();
      story.rotate();
      story.sync(0).page(0, 0, [], { epoch: "e2" });
      story.send("m1").ok(1);
      story.sync(0).page(0, 0, [], { epoch: "e2" });
      return story;
    },
  ],
  "it was sent again after the loss and accepted before its first attempt, and is not there": [
    ["SEND-VISIBLE"],
    () => {
      const story = seen();
      const slow = story.send("m1");
      story.rotate();
      story.send("m1").ok(1);
      slow.ok(1);
      story.sync(0).page(0, 0, [], { epoch: "e2" });
      return story;
    },
  ],
  "a lost Sync that names no epoch acks in the new numbering": [
    [],
    () => {
      const story = seen();
      story.sync(1).lost();
      story.rotate();
      story.send("m1").ok(1);
      story.sync(0).page(0, 1, [shown(1)], { epoch: "e2" });
      story.sync(0).page(1, 1, [], { epoch: "e2" });
      return story;
    },
  ],
  "a lost Sync that names the old epoch acks in the new numbering": [
    ["ACK-NOT-ON-ANSWER"],
    () => {
      const story = seen();
      story.sync(1, { epoch: "e1" }).lost();
      story.rotate();
      story.send("m1").ok(1);
      story.sync(0).page(0, 1, [shown(1)], { epoch: "e2" });
      story.sync(0).page(1, 1, [], { epoch: "e2" });
      return story;
    },
  ],
  ...Object.fromEntries(
    (
      [
        ["no epoch", "", []],
        ["the new epoch", "e2", []],
        ["the old epoch", "e1", ["ACK-FAILED"]],
      ] as const
    ).map(([names, epoch, blamed]) => [
      `a Sync under way that names ${names} acks in the new numbering`,
      [
        [...blamed],
        () => {
          const story = seen();
          story.sync(1, { epoch, client: "tablet" });
          story.rotate();
          story.send("m1").ok(1);
          story.sync(0).page(0, 1, [shown(1)], { epoch: "e2" });
          story.sync(0).page(1, 1, [], { epoch: "e2" });
          return story;
        },
      ] as [string[], () => HistoryBuilder],
    ]),
  ),
  "a lost Sync with a wrong epoch acks": [
    ["ACK-FAILED"],
    () => {
      const story = seen();
      story.sync(1, { epoch: "e0" }).lost();
      story.send("m1").ok(1);
      story.sync(0).page(1, 1);
      return story;
    },
  ],
  "a lost Sync with an epoch that nobody has seen yet acks": [
    [],
    () => {
      const story = withMessages(1);
      story.sync(1, { epoch: "e1" }).lost();
      story.sync(0).page(1, 1);
      return story;
    },
  ],
};

const WATCHES: Histories = {
  "a frame reports more than there can be, and a Sync agrees": [
    ["AUTH-ISOLATION", "SEQ-CONSECUTIVE"],
    () => {
      const story = seen();
      story.watch().frame(1);
      story.sync(0).page(0, 1, ["ghost"]);
      return story;
    },
  ],
  "a frame under a byte of epoch": [[], () => begin().watch().frame(0, "e")],
  "a frame under 64 bytes of epoch": [[], () => begin().watch().frame(0, "e".repeat(64))],
  "a frame under 65 bytes of epoch": [["EPOCH-PRESENT"], () => begin().watch().frame(0, "e".repeat(65))],
  "a frame without an epoch": [["EPOCH-PRESENT"], () => begin().watch().frame(0, "")],
  "a frame of a numbering that is over": [
    [],
    () => {
      const story = seen();
      const watch = story.watch();
      story.rotate();
      story.sync(0).page(0, 0, [], { epoch: "e2" });
      return watch.frame(0);
    },
  ],
  "a first frame of a numbering that began after the watch": [
    [],
    () => {
      const story = withMessages(2);
      story.sync(0).page(0, 2, [shown(1), shown(2)]);
      const watch = story.watch();
      story.rotate();
      return watch.frame(0, "e2");
    },
  ],
  "a second frame that is older than what was known when the watch began": [
    ["WATCH-FIRST", "WATCH-MONOTONE"],
    () => {
      const story = withMessages(3);
      story.sync(0).page(0, 3, [shown(1), shown(2), shown(3)]);
      const watch = story.watch();
      watch.frame(2);
      return watch.frame(1);
    },
  ],
};

for (const [about, histories] of Object.entries({ LOSSES, WATCHES })) {
  describe(`what the judge says of an inbox: ${about.toLowerCase()}`, () => {
    it.each(Object.entries(histories))("%s", (_name, [blamed, story]) => {
      expect(story().blamed()).toEqual(blamed);
    });
  });
}
