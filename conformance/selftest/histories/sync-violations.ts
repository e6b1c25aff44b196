import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { message, newHistory, withMessages } from "./history-builder.js";
import type { Violations } from "./violations.js";

/** Violations by Syncs, acks, pages, epochs, Watches and crashes. */
export const SYNC_VIOLATIONS: Violations = {
  "a message is visible before the one with the lower seq": [
    "SYNC-RANGE",
    () => {
      const history = withMessages(2);
      history.sync(0).page(0, 2, [message(2)]);
      history.sync(0).page(0, 2, [message(1), message(2)]);
      return history;
    },
  ],
  "the server fails to process a Sync": [
    "SYNC-ANSWER",
    () => {
      const history = newHistory();
      history.sync(0).failed("internal");
      return history;
    },
  ],
  "a Sync that was refused with CLI_SEQ_AHEAD acks later": [
    "ACK-FAILED",
    () => {
      const history = withMessages(2);
      history.sync(3).refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 2, epoch: "e1" });
      history.send("m3").ok(3);
      history.sync(0).page(3, 3);
      return history;
    },
  ],
  "the ack rises without a Sync that acks": [
    "ACK-REDELIVER",
    () => {
      const history = withMessages(3);
      history.sync(0, { pageSize: 1 }).page(0, 3, [message(1)]);
      history.sync(0).page(2, 3, [message(3)]);
      return history;
    },
  ],
  "the lower of two concurrent acks wins": [
    "ACK-MONOTONE",
    () => {
      const history = withMessages(3);
      const [low, high] = [history.sync(1), history.sync(3, { client: "tablet" })];
      low.page(1, 3, [message(2), message(3)]);
      high.page(3, 3);
      history.sync(0).page(1, 3, [message(2), message(3)]);
      return history;
    },
  ],
  "a late lower ack wins": [
    "ACK-MONOTONE",
    () => {
      const history = withMessages(3);
      history.sync(1).noResponse();
      history.sync(3, { client: "tablet" }).page(3, 3);
      history.sync(0).page(1, 3, [message(2), message(3)]);
      return history;
    },
  ],
  "the ack falls back to an earlier one": [
    "ACK-IMPLICIT",
    () => {
      const history = withMessages(3);
      history.sync(1).page(1, 3, [message(2), message(3)]);
      history.sync(3).page(3, 3);
      history.sync(0).page(1, 3, [message(2), message(3)]);
      return history;
    },
  ],
  "acked_seq is below cli_seq": [
    "SYNC-BASE",
    () => {
      const history = withMessages(2);
      history.sync(1).page(0, 2, [message(1), message(2)]);
      return history;
    },
  ],
  "next_cli_seq is svr_seq": [
    "SYNC-NEXT",
    () => {
      const history = withMessages(2);
      history.sync(0, { pageSize: 1 }).page(0, 2, [message(1)], { next: 2 });
      return history;
    },
  ],
  "a page is too large": [
    "PAGE-CAP",
    () => {
      const history = withMessages(2);
      history.sync(0, { pageSize: 1 }).page(0, 2, [message(1), message(2)]);
      return history;
    },
  ],
  "a page is larger than the declared maximum": [
    "PAGE-MAX",
    () => {
      const history = withMessages(2, { maxPageSize: 1 });
      history.sync(0).page(0, 2, [message(1), message(2)]);
      return history;
    },
  ],
  "a page is empty although messages are pending": [
    "PAGE-PROGRESS",
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, []);
      return history;
    },
  ],
  "an ack is not kept": [
    "ACK-IMPLICIT",
    () => {
      const history = withMessages(3);
      history.sync(2).page(2, 3, [message(3)]);
      history.sync(0).page(1, 3, [message(2), message(3)]);
      return history;
    },
  ],
  "acked messages are delivered again": [
    "ACK-NO-REDELIVERY",
    () => {
      const history = withMessages(2);
      history.sync(2).page(2, 2);
      history.sync(0, { client: "tablet" }).page(0, 2, [message(1), message(2)]);
      return history;
    },
  ],
  "an old device lowers the ack": [
    "ACK-MONOTONE",
    () => {
      const history = withMessages(3);
      history.sync(3).page(3, 3);
      history.sync(1, { client: "tablet" }).page(3, 3);
      history.sync(0).page(1, 3, [message(2), message(3)]);
      return history;
    },
  ],
  "a page acks its messages": [
    "ACK-NOT-ON-ANSWER",
    () => {
      const history = withMessages(2);
      history.sync(0).page(0, 2, [message(1), message(2)]);
      history.sync(0).page(2, 2);
      return history;
    },
  ],
  "messages that were delivered twice are withheld": [
    "ACK-REDELIVER",
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [message(1)]);
      history.sync(0).page(0, 1, [message(1)]);
      history.sync(0).page(1, 1);
      return history;
    },
  ],
  "a Sync that was refused with EPOCH_MISMATCH acks": [
    "ACK-FAILED",
    () => {
      const history = withMessages(2);
      history.sync(0).page(0, 2, [message(1), message(2)]);
      history.sync(2, { epoch: "wrong" }).refused(Reason.EPOCH_MISMATCH, { svrSeq: 2, epoch: "e1" });
      history.sync(0).page(2, 2);
      return history;
    },
  ],
  "a cli_seq ahead of the server is accepted": [
    "ACK-AHEAD",
    () => {
      const history = withMessages(1);
      history.sync(5).page(5, 1);
      return history;
    },
  ],
  "a refusal carries an old svr_seq": [
    "ACK-AHEAD",
    () => {
      const history = withMessages(2);
      history.sync(0).page(0, 2, [message(1), message(2)]);
      history.sync(9).refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 1, epoch: "e1" });
      return history;
    },
  ],
  "an ack of messages that were not fetched is refused": [
    "ACK-UNFETCHED",
    () => {
      const history = withMessages(2);
      history.sync(0, { pageSize: 1 }).page(0, 2, [message(1)]);
      history.sync(2).refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 2, epoch: "e1" });
      return history;
    },
  ],
  "two responses show contradicting states": [
    "SYNC-LINEARIZABLE",
    () => {
      const history = withMessages(1);
      const first = history.sync(1);
      const second = history.sync(0, { client: "tablet" });
      history.send("m2").ok(2);
      first.page(1, 1);
      second.page(0, 2, [message(1), message(2)]);
      return history;
    },
  ],
  "a page has no epoch": [
    "EPOCH-PRESENT",
    () => {
      const history = newHistory();
      history.sync(0).page(0, 0, [], { epoch: "" });
      return history;
    },
  ],
  "the epoch changes without a data loss": [
    "EPOCH-STABLE",
    () => {
      const history = newHistory();
      history.sync(0).page(0, 0);
      history.sync(0).page(0, 0, [], { epoch: "e2" });
      return history;
    },
  ],
  "a Sync with a wrong epoch is accepted": [
    "EPOCH-MISMATCH",
    () => {
      const history = newHistory();
      history.sync(0, { epoch: "e0" }).page(0, 0);
      return history;
    },
  ],
  "a Sync without an epoch is refused for its epoch": [
    "EPOCH-UNCHECKED",
    () => {
      const history = newHistory();
      history.sync(0).refused(Reason.EPOCH_MISMATCH, { epoch: "e1" });
      return history;
    },
  ],
  "the epoch is the same after a data loss": [
    "EPOCH-RENEWED",
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [message(1)]);
      history.rotate();
      history.sync(0).page(0, 0);
      return history;
    },
  ],
  "an old epoch is used again": [
    "EPOCH-RENEWED",
    () => {
      const history = newHistory();
      history.sync(0).page(0, 0);
      history.rotate();
      history.sync(0).page(0, 0, [], { epoch: "e2" });
      history.rotate();
      history.sync(0).page(0, 0);
      return history;
    },
  ],
  "svr_seq decreases within a Watch": [
    "WATCH-MONOTONE",
    () => {
      const history = withMessages(2);
      const watch = history.watch();
      watch.frame(2);
      watch.frame(1);
      return history;
    },
  ],
  "the first frame is outdated": [
    "WATCH-FIRST",
    () => {
      const history = withMessages(2);
      history.sync(0).page(0, 2, [message(1), message(2)]);
      history.watch().frame(1);
      return history;
    },
  ],
  "a frame reports another inbox": [
    "WATCH-PRIVATE",
    () => {
      const history = newHistory();
      history.watch().frame(3);
      return history;
    },
  ],
  "a Sync has a lower svr_seq than an earlier frame": [
    "WATCH-SYNC",
    () => {
      const history = newHistory();
      const watch = history.watch();
      const sending = history.send("m1");
      watch.frame(1);
      history.sync(0).page(0, 0);
      sending.ok(1);
      return history;
    },
  ],
  "a crash loses a message and keeps the epoch": [
    "DUR-NEW-EPOCH",
    () => {
      const history = withMessages(2);
      history.sync(0).page(0, 2, [message(1), message(2)]);
      history.restart();
      history.sync(0).page(0, 1, [message(1)]);
      return history;
    },
  ],
  "a crash loses the dedup records and keeps the epoch": [
    "DUR-NEW-EPOCH",
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [message(1)]);
      history.restart();
      history.send("m1").ok(7);
      history.sync(0).page(0, 1, [message(1)]);
      return history;
    },
  ],
  "a DURABLE server has a new epoch after a crash": [
    "DUR-KEEP",
    () => {
      const history = withMessages(1, { profiles: [Profile.CORE, Profile.DURABLE] });
      history.sync(0).page(0, 1, [message(1)]);
      history.restart();
      history.sync(0).page(0, 0, [], { epoch: "e2" });
      return history;
    },
  ],
};
