import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { begin, HistoryBuilder, shown, withMessages } from "./history-builder.js";
import type { Breaches } from "./violations.js";

/** What can be wrong with seqs, Sends, refusals and who may see what. */
export const SEND_BREACHES: Breaches = {
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
  "an emptied inbox is full": [
    "SEND-ACCEPT",
    () => {
      const story = withMessages(2);
      story.sync(2).page(2, 2);
      story.send("m3").refused(Reason.BACKLOG_FULL);
      return story;
    },
  ],
  "a refusal tells where the recipient's inbox stands": [
    "SEND-SEQ-HIDDEN",
    () => {
      const story = withMessages(2);
      story.send("m3").refused(Reason.BACKLOG_FULL, { svrSeq: 2 });
      return story;
    },
  ],
  "a refusal tells the epoch of the recipient's inbox": [
    "SEND-SEQ-HIDDEN",
    () => {
      const story = withMessages(2);
      story.send("m3").refused(Reason.BACKLOG_FULL, { epoch: "e1" });
      return story;
    },
  ],
  "a repetition is refused as used while the first one is under way": [
    "SEND-RETRY-CONCURRENT",
    () => {
      const story = begin();
      const first = story.send("m1");
      story.send("m1").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      first.ok(1);
      return story;
    },
  ],
  "a repetition is refused as used after the first one's answer was lost": [
    "SEND-RETRY",
    () => {
      const story = begin();
      story.send("m1").lost();
      story.send("m1").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
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
      const story = new HistoryBuilder().open("bob", 0xffff_fffe).open("alice", 0);
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
};
