import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EventSchema, SyncCallSchema, SyncReturnSchema } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { type HistoryBuilder, shown, withMessages } from "../selftest/histories/history-builder.js";
import { AckBounds } from "./acks.js";

/** A whole page after `acked`: all messages up to `last`. */
const rest = (acked: number, last: number) => Array.from({ length: last - acked }, (_, n) => shown(acked + 1 + n));

const tablet = { client: "tablet" };

describe("an ack in a right history", () => {
  it.each<[string, () => HistoryBuilder]>([
    [
      "of a lost Sync may count, though one of another epoch with the same cli_seq was refused",
      () => {
        const story = withMessages(2);
        story.sync(0).page(0, 2, rest(0, 2));
        story.sync(2, { epoch: "e1" }).lost();
        story.sync(2, { epoch: "old" }).refused(Reason.EPOCH_MISMATCH, { svrSeq: 2, epoch: "e1" });
        return story.sync(0).page(2, 2);
      },
    ],
    [
      "of a lost Sync may count, though one of two with the same cli_seq was refused",
      () => {
        const story = withMessages(2);
        const refused = story.sync(3);
        story.sync(3, tablet).lost();
        refused.refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 2, epoch: "e1" });
        story.send("m3").ok(3);
        return story.sync(0).page(3, 3);
      },
    ],
    [
      "of a lost Sync may count after one of less was answered",
      () => {
        const story = withMessages(3);
        story.sync(3).lost();
        story.sync(1, tablet).page(1, 3, rest(1, 3));
        return story.sync(0).page(3, 3);
      },
    ],
    [
      "counts in the numbering that its own answer is the first to show",
      () => {
        const story = withMessages(1);
        story.sync(0).page(0, 1, rest(0, 1));
        story.rotate();
        story.send("m2").ok(2);
        return story.sync(1).page(1, 1, [], { epoch: "e2" });
      },
    ],
  ])("%s", (_name, story) => {
    expect(story().blamed()).toEqual([]);
  });
});

describe("an ack in a wrong history", () => {
  it.each<[string, string, () => HistoryBuilder]>([
    [
      "is of two Syncs that were both refused",
      "ACK-FAILED",
      () => {
        const story = withMessages(2);
        const both = [story.sync(3), story.sync(3, tablet)];
        for (const sync of both) sync.refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 2, epoch: "e1" });
        story.send("m3").ok(3);
        return story.sync(0).page(3, 3);
      },
    ],
    [
      "falls back to what this very Sync says",
      "ACK-NO-REDELIVERY",
      () => {
        const story = withMessages(3);
        story.sync(3).page(3, 3);
        return story.sync(1, tablet).page(1, 3, rest(1, 3));
      },
    ],
    [
      "falls back from what an answer showed, and no answered Sync had said",
      "ACK-NO-REDELIVERY",
      () => {
        const story = withMessages(2);
        story.sync(2).lost();
        story.sync(0).page(2, 2);
        return story.sync(0).page(0, 2, rest(0, 2));
      },
    ],
    [
      "falls back to an overtaken one whose answer came late",
      "ACK-MONOTONE",
      () => {
        const story = withMessages(3);
        const [low, high] = [story.sync(1), story.sync(3, tablet)];
        high.page(3, 3);
        low.page(1, 3, rest(1, 3));
        return story.sync(0).page(1, 3, rest(1, 3));
      },
    ],
    [
      "falls back to one of two that were made at once, although the other was said again",
      "ACK-MONOTONE",
      () => {
        const story = withMessages(3);
        const [low, high] = [story.sync(1), story.sync(3, tablet)];
        low.page(1, 3, rest(1, 3));
        high.page(3, 3);
        story.sync(3).page(3, 3);
        return story.sync(0).page(1, 3, rest(1, 3));
      },
    ],
    [
      "is made by an answer, up to its last message",
      "ACK-NOT-ON-ANSWER",
      () => {
        const story = withMessages(3);
        story.sync(0).page(0, 3, rest(0, 3));
        return story.sync(0).page(3, 3);
      },
    ],
    [
      "is made by answers to two Syncs at once: neither came again",
      "ACK-NOT-ON-ANSWER",
      () => {
        const story = withMessages(2);
        const both = [story.sync(0), story.sync(0, tablet)];
        for (const sync of both) sync.page(0, 2, rest(0, 2));
        return story.sync(0).page(2, 2);
      },
    ],
    [
      "is made by an answer of which only the beginning came again",
      "ACK-NOT-ON-ANSWER",
      () => {
        const story = withMessages(3);
        story.sync(0).page(0, 3, rest(0, 3));
        story.sync(0, { pageSize: 1 }).page(0, 3, rest(0, 1));
        return story.sync(0).page(3, 3);
      },
    ],
    [
      "is made by nothing: the messages came again after the first of two answers at once",
      "ACK-REDELIVER",
      () => {
        const story = withMessages(2);
        const [one, two] = [story.sync(0), story.sync(0, tablet)];
        one.page(0, 2, rest(0, 2));
        const three = story.sync(0);
        two.page(0, 2, rest(0, 2));
        three.page(0, 2, rest(0, 2));
        return story.sync(0).page(2, 2);
      },
    ],
  ])("%s", (_name, requirement, story) => {
    expect(story().blamed()).toEqual([requirement]);
  });

  it("falls behind what a Sync said whose answer was wrong already", () => {
    const story = withMessages(3);
    story.sync(2).page(0, 3, rest(0, 3));
    story.sync(0).page(0, 3, rest(0, 3));
    expect(story.blamed()).toEqual(["SYNC-BASE", "ACK-NO-REDELIVERY"]);
  });
});

describe("what is known of an ack without an event that showed it", () => {
  const judged = (acks: AckBounds, ackedSeq: number, floorBefore: number) => {
    const applied: string[] = [];
    const found = acks.judge(
      create(SyncCallSchema, {}),
      create(SyncReturnSchema, { ackedSeq, svrSeq: 9 }),
      floorBefore,
      (rule) => applied.push(rule),
    );
    return { found: [...found].map(({ breached, proof }) => [breached.requirement, proof]), applied };
  };

  it("is held against an answer all the same: where the inbox began, and what cannot count", () => {
    const acks = new AckBounds();
    acks.open(3);
    expect(judged(acks, 2, 3).found).toEqual([["ACK-IMPLICIT", []]]);
    acks.claim(5, false, undefined);
    expect(judged(acks, 5, 3).found).toEqual([["ACK-FAILED", []]]);
  });

  it("an overtaken Sync counts as one that may lower it only if it can be named", () => {
    const rise = (event: boolean) => {
      const acks = new AckBounds();
      acks.open(0);
      acks.claim(1, true, event ? create(EventSchema, {}) : undefined);
      acks.raise(2, create(SyncReturnSchema, { ackedSeq: 2 }), create(EventSchema, {}), 1, 2);
      return judged(acks, 2, 2).applied;
    };
    expect(rise(true)).toContain("ACK-MONOTONE");
    expect(rise(false)).not.toContain("ACK-MONOTONE");
  });
});
