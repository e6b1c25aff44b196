import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EventSchema, SyncCallSchema, SyncReturnSchema } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { type HistoryBuilder, message, withMessages } from "../selftest/histories/history-builder.js";
import { AckBounds } from "./acks.js";

/** All messages of a page from `acked + 1` to `last`. */
const range = (acked: number, last: number) => Array.from({ length: last - acked }, (_, n) => message(acked + 1 + n));

const tablet = { client: "tablet" };

describe("an ack may", () => {
  it.each<[string, () => HistoryBuilder]>([
    [
      "come from a Sync without a response, although a Sync with a wrong epoch and the same cli_seq was refused",
      () => {
        const history = withMessages(2);
        history.sync(0).page(0, 2, range(0, 2));
        history.sync(2, { epoch: "e1" }).noResponse();
        history.sync(2, { epoch: "old" }).refused(Reason.EPOCH_MISMATCH, { svrSeq: 2, epoch: "e1" });
        return history.sync(0).page(2, 2);
      },
    ],
    [
      "come from a Sync without a response, although another Sync with the same cli_seq was refused",
      () => {
        const history = withMessages(2);
        const refused = history.sync(3);
        history.sync(3, tablet).noResponse();
        refused.refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 2, epoch: "e1" });
        history.send("m3").ok(3);
        return history.sync(0).page(3, 3);
      },
    ],
    [
      "come from a Sync without a response, although a Sync with a lower cli_seq was accepted later",
      () => {
        const history = withMessages(3);
        history.sync(3).noResponse();
        history.sync(1, tablet).page(1, 3, range(1, 3));
        return history.sync(0).page(3, 3);
      },
    ],
    [
      "take effect in the numbering that its own response is the first to show",
      () => {
        const history = withMessages(1);
        history.sync(0).page(0, 1, range(0, 1));
        history.rotate();
        history.send("m2").ok(2);
        return history.sync(1).page(1, 1, [], { epoch: "e2" });
      },
    ],
  ])("%s", (_name, history) => {
    expect(history().blamed()).toEqual([]);
  });
});

describe("a wrong ack is blamed:", () => {
  it.each<[string, string, () => HistoryBuilder]>([
    [
      "two refused Syncs ack",
      "ACK-FAILED",
      () => {
        const history = withMessages(2);
        const both = [history.sync(3), history.sync(3, tablet)];
        for (const sync of both) sync.refused(Reason.CLI_SEQ_AHEAD, { svrSeq: 2, epoch: "e1" });
        history.send("m3").ok(3);
        return history.sync(0).page(3, 3);
      },
    ],
    [
      "the ack falls back to the cli_seq of the same Sync",
      "ACK-NO-REDELIVERY",
      () => {
        const history = withMessages(3);
        history.sync(3).page(3, 3);
        return history.sync(1, tablet).page(1, 3, range(1, 3));
      },
    ],
    [
      "the ack falls back below the ack of a Sync without a response",
      "ACK-NO-REDELIVERY",
      () => {
        const history = withMessages(2);
        history.sync(2).noResponse();
        history.sync(0).page(2, 2);
        return history.sync(0).page(0, 2, range(0, 2));
      },
    ],
    [
      "the ack falls back to an overtaken Sync whose response came late",
      "ACK-MONOTONE",
      () => {
        const history = withMessages(3);
        const [low, high] = [history.sync(1), history.sync(3, tablet)];
        high.page(3, 3);
        low.page(1, 3, range(1, 3));
        return history.sync(0).page(1, 3, range(1, 3));
      },
    ],
    [
      "the ack falls back to the lower of two concurrent Syncs, although the higher one was repeated",
      "ACK-MONOTONE",
      () => {
        const history = withMessages(3);
        const [low, high] = [history.sync(1), history.sync(3, tablet)];
        low.page(1, 3, range(1, 3));
        high.page(3, 3);
        history.sync(3).page(3, 3);
        return history.sync(0).page(1, 3, range(1, 3));
      },
    ],
    [
      "a page acks its messages",
      "ACK-NOT-ON-ANSWER",
      () => {
        const history = withMessages(3);
        history.sync(0).page(0, 3, range(0, 3));
        return history.sync(0).page(3, 3);
      },
    ],
    [
      "pages of two concurrent Syncs ack their messages",
      "ACK-NOT-ON-ANSWER",
      () => {
        const history = withMessages(2);
        const both = [history.sync(0), history.sync(0, tablet)];
        for (const sync of both) sync.page(0, 2, range(0, 2));
        return history.sync(0).page(2, 2);
      },
    ],
    [
      "a page acks its messages after only the first one was delivered again",
      "ACK-NOT-ON-ANSWER",
      () => {
        const history = withMessages(3);
        history.sync(0).page(0, 3, range(0, 3));
        history.sync(0, { pageSize: 1 }).page(0, 3, range(0, 1));
        return history.sync(0).page(3, 3);
      },
    ],
    [
      "messages are withheld after a third Sync delivered them again",
      "ACK-REDELIVER",
      () => {
        const history = withMessages(2);
        const [one, two] = [history.sync(0), history.sync(0, tablet)];
        one.page(0, 2, range(0, 2));
        const three = history.sync(0);
        two.page(0, 2, range(0, 2));
        three.page(0, 2, range(0, 2));
        return history.sync(0).page(2, 2);
      },
    ],
  ])("%s", (_name, requirement, history) => {
    expect(history().blamed()).toEqual([requirement]);
  });

  it("the ack falls below the cli_seq of a Sync whose response was wrong", () => {
    const history = withMessages(3);
    history.sync(2).page(0, 3, range(0, 3));
    history.sync(0).page(0, 3, range(0, 3));
    expect(history.blamed()).toEqual(["SYNC-BASE", "ACK-NO-REDELIVERY"]);
  });
});

describe("an ack without an event as evidence", () => {
  const judged = (acks: AckBounds, ackedSeq: number, floorBefore: number) => {
    const exercised: string[] = [];
    const found = acks.judge(
      create(SyncCallSchema, {}),
      create(SyncReturnSchema, { ackedSeq, svrSeq: 9 }),
      floorBefore,
      (rule) => exercised.push(rule),
    );
    return { found: found && [found.violation.requirement, found.evidence], exercised };
  };

  it("is judged: the start of the inbox, and a Sync that must not ack", () => {
    const acks = new AckBounds();
    acks.startAt(3);
    expect(judged(acks, 2, 3).found).toEqual(["ACK-IMPLICIT", []]);
    acks.claim(5, false, undefined);
    expect(judged(acks, 5, 3).found).toEqual(["ACK-FAILED", []]);
  });

  it("exercises ACK-MONOTONE only if the overtaken Sync has an event", () => {
    const exercisedWith = (event: boolean) => {
      const acks = new AckBounds();
      acks.startAt(0);
      acks.claim(1, true, event ? create(EventSchema, {}) : undefined);
      acks.learn(2, create(SyncReturnSchema, { ackedSeq: 2 }), create(EventSchema, {}), 1, 2);
      return judged(acks, 2, 2).exercised;
    };
    expect(exercisedWith(true)).toContain("ACK-MONOTONE");
    expect(exercisedWith(false)).not.toContain("ACK-MONOTONE");
  });
});
