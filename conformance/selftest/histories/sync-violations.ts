import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { begin, shown, withMessages } from "./history-builder.js";
import type { Breaches } from "./violations.js";

/** What can be wrong with Syncs, acks, pages, epochs, Watches and crashes. */
export const SYNC_BREACHES: Breaches = {
  "n+1 is visible before n": [
    "SYNC-RANGE",
    () => {
      const story = withMessages(2);
      story.sync(0).page(0, 2, [shown(2)]);
      story.sync(0).page(0, 2, [shown(1), shown(2)]);
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
