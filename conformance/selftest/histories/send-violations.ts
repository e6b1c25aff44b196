import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { HistoryBuilder, message, newHistory, withMessages } from "./history-builder.js";
import type { Violations } from "./violations.js";

/** Violations by seqs, Sends, refusals and access to messages. */
export const SEND_VIOLATIONS: Violations = {
  "a seq is skipped": [
    "SEQ-CONSECUTIVE",
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 2, [message(1), { seq: 2, id: "m1", at: 1 }].slice(0, 1));
      return history;
    },
  ],
  "a refused Send takes a seq": [
    "ERR-UNCHANGED",
    () => {
      const history = withMessages(1);
      history.send("m2").refused(Reason.BACKLOG_FULL);
      history.sync(1).page(1, 2, [{ seq: 2, id: "m2" }]);
      return history;
    },
  ],
  "seq 0 is assigned": [
    "SEQ-START",
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [{ seq: 0, id: "m1" }]);
      return history;
    },
  ],
  "svr_seq decreases": [
    "SEQ-MONOTONE",
    () => {
      const history = withMessages(2);
      history.sync(0).page(0, 2, [message(1), message(2)]);
      history.sync(0).page(0, 1, [message(1)]);
      return history;
    },
  ],
  "a seq changes its message": [
    "SEQ-IMMUTABLE",
    () => {
      const history = withMessages(2);
      history.sync(0).page(0, 2, [message(1), message(2)]);
      history.sync(0).page(0, 2, [{ seq: 1, id: "m2", at: 2 }, message(2)]);
      return history;
    },
  ],
  "an accepted message is not visible": [
    "SEND-VISIBLE",
    () => {
      const history = withMessages(2);
      history.sync(0).page(0, 1, [message(1)]);
      return history;
    },
  ],
  "an accepted message is not visible, although another one is": [
    "SEND-VISIBLE",
    () => {
      const history = newHistory();
      history.send("lost").noResponse();
      history.send("m1").ok(1);
      history.sync(0).page(0, 1, [{ seq: 1, id: "lost", at: 3 }]);
      return history;
    },
  ],
  "an accepted message is visible too late, although svr_seq counts enough messages": [
    "SEND-VISIBLE",
    () => {
      const history = newHistory();
      history.send("lost").noResponse();
      history.send("m1").ok(1);
      history.sync(0, { pageSize: 1 }).page(0, 1, [{ seq: 1, id: "lost", at: 3 }]);
      history.sync(1).page(1, 2, [{ seq: 2, id: "m1", at: 1 }]);
      return history;
    },
  ],
  "a payload is changed": [
    "SEND-BYTES",
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [{ ...message(1), text: "HELLO" }]);
      return history;
    },
  ],
  "two Sends are out of order": [
    "SEND-ORDER",
    () => {
      const history = withMessages(2);
      history.sync(0).page(0, 2, [
        { seq: 1, id: "m2", at: 2 },
        { seq: 2, id: "m1", at: 1 },
      ]);
      return history;
    },
  ],
  "the accepted_at of a message differs from that in the response to its Send": [
    "SEND-ACCEPTED-AT",
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [message(1, 8)]);
      return history;
    },
  ],
  "a retry creates a second message": [
    "SEND-RETRY",
    () => {
      const history = withMessages(1);
      history.send("m1").ok(1);
      history.sync(0).page(0, 2, [message(1), { seq: 2, id: "m1", at: 1 }]);
      return history;
    },
  ],
  "a retry has a different accepted_at": [
    "SEND-RETRY",
    () => {
      const history = withMessages(1);
      history.send("m1").ok(2);
      return history;
    },
  ],
  "concurrent attempts create two messages": [
    "SEND-RETRY-CONCURRENT",
    () => {
      const history = newHistory();
      const [one, two] = [history.send("m1"), history.send("m1")];
      one.ok(1);
      two.ok(1);
      history.sync(0).page(0, 2, [message(1), { seq: 2, id: "m1", at: 1 }]);
      return history;
    },
  ],
  "an id is accepted for another payload": [
    "SEND-ID-REUSED",
    () => {
      const history = withMessages(1);
      history.send("m1", { text: "other" }).ok(1);
      return history;
    },
  ],
  "an id of another sender is refused": [
    "SEND-ID-SCOPE",
    () => {
      const history = withMessages(1);
      history.send("m1", { from: "carol" }).refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      return history;
    },
  ],
  "an id of a refused Send is not free": [
    "SEND-ID-FREE",
    () => {
      const history = newHistory();
      history.send("m1", { to: "nobody" }).refused(Reason.RECIPIENT_UNKNOWN);
      history.send("m1").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      return history;
    },
  ],
  "a retry is refused because the inbox is full": [
    "SEND-RETRY-FIRST",
    () => {
      const history = withMessages(1);
      history.send("m1").refused(Reason.BACKLOG_FULL);
      return history;
    },
  ],
  "an inbox is full after everything was acked": [
    "SEND-ACCEPT",
    () => {
      const history = withMessages(2);
      history.sync(2).page(2, 2);
      history.send("m3").refused(Reason.BACKLOG_FULL);
      return history;
    },
  ],
  "a refusal reveals svr_seq of the recipient's inbox": [
    "SEND-SEQ-HIDDEN",
    () => {
      const history = withMessages(2);
      history.send("m3").refused(Reason.BACKLOG_FULL, { svrSeq: 2 });
      return history;
    },
  ],
  "a refusal reveals the epoch of the recipient's inbox": [
    "SEND-SEQ-HIDDEN",
    () => {
      const history = withMessages(2);
      history.send("m3").refused(Reason.BACKLOG_FULL, { epoch: "e1" });
      return history;
    },
  ],
  "a retry is refused as if it were a different message while the first attempt is pending": [
    "SEND-RETRY-CONCURRENT",
    () => {
      const history = newHistory();
      const first = history.send("m1");
      history.send("m1").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      first.ok(1);
      return history;
    },
  ],
  "a retry is refused as if it were a different message after an attempt without a response": [
    "SEND-RETRY",
    () => {
      const history = newHistory();
      history.send("m1").noResponse();
      history.send("m1").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      return history;
    },
  ],
  "the server fails to process a Send": [
    "SEND-ACCEPT",
    () => {
      const history = newHistory();
      history.send("m1").failed("internal");
      return history;
    },
  ],
  "the response to a Send has no accepted_at": [
    "SEND-ACCEPTED-AT",
    () => {
      const history = newHistory();
      history.send("m1").ok(0);
      return history;
    },
  ],
  "an existing account is refused as unknown": [
    "SEND-ACCEPT",
    () => {
      const history = newHistory();
      history.send("m1").refused(Reason.RECIPIENT_UNKNOWN);
      return history;
    },
  ],
  "a Send is refused with SEQ_EXHAUSTED although the inbox has seqs left": [
    "SEND-ACCEPT",
    () => {
      const history = withMessages(1);
      history.send("m2").refused(Reason.SEQ_EXHAUSTED);
      return history;
    },
  ],
  "a retry is refused because the inbox is exhausted": [
    "SEND-RETRY-FIRST",
    () => {
      const history = new HistoryBuilder().openAccount("bob", 0xffff_fffe).openAccount("alice", 0);
      history.send("m1").ok(1);
      history.send("m1").refused(Reason.SEQ_EXHAUSTED);
      return history;
    },
  ],
  "a retry is refused as if it were a different message": [
    "SEND-RETRY",
    () => {
      const history = withMessages(1);
      history.send("m1").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      return history;
    },
  ],
  "an unused id is refused as used": [
    "SEND-ACCEPT",
    () => {
      const history = withMessages(1);
      history.send("m2").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      return history;
    },
  ],
  "an id is accepted for two payloads by concurrent Sends": [
    "SEND-ID-REUSED",
    () => {
      const history = newHistory();
      const [one, two] = [history.send("m1", { text: "one" }), history.send("m1", { text: "two" })];
      one.ok(1);
      two.ok(2);
      return history;
    },
  ],
  "a message has the wrong sender": [
    "AUTH-SENDER",
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [{ ...message(1), from: "mallory" }]);
      return history;
    },
  ],
  "a message of another inbox is delivered": [
    "AUTH-ISOLATION",
    () => {
      const history = newHistory();
      history.send("m1", { to: "alice" }).ok(1);
      history.sync(0).page(0, 1, [message(1)]);
      return history;
    },
  ],
  "a dedup record outlives its message": [
    "SEND-VISIBLE",
    () => {
      const history = withMessages(1);
      history.sync(0).page(0, 1, [message(1)]);
      history.rotate();
      history.send("m1").ok(1);
      history.sync(0).page(0, 0, [], { epoch: "e2" });
      return history;
    },
  ],
  "the epoch is checked after cli_seq": [
    "ERR-ORDER",
    () => {
      const history = newHistory();
      history.sync(0).page(0, 0);
      history.sync(9, { epoch: "old" }).refused(Reason.CLI_SEQ_AHEAD, { epoch: "e1" });
      return history;
    },
  ],
};
