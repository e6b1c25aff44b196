import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EventSchema } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { done, type EventBody, noResponse, refused, rotateCall } from "../history/events.js";
import { HistoryBuilder, message, newHistory, withEmptyInbox } from "../selftest/histories/history-builder.js";

const e2 = { epoch: "e2" };
const e3 = { epoch: "e3" };

/** Adds a call of RotateEpoch, whose outcome the caller adds. */
function rotation(history: HistoryBuilder) {
  const op = BigInt(9000 + history.events.length);
  const add = (body: EventBody) =>
    history.events.push(create(EventSchema, { op, atMicros: BigInt(history.events.length) * 1000n, body }));
  add(rotateCall("bob"));
  return {
    done: () => add(done()),
    noResponse: () => add(noResponse("no response")),
    refused: () => add(refused({ status: 503, code: "unavailable" })),
  };
}

describe("a data loss whose effects come late causes no finding if", () => {
  it.each<[string, () => HistoryBuilder]>([
    [
      "an id whose message was lost is refused for another payload, which the server may do",
      () => {
        const history = withEmptyInbox();
        history.send("m1", { text: "one" }).ok(1);
        history.rotate();
        history.sync(0).page(0, 0, [], e2);
        history.send("m1", { text: "two" }).refused(Reason.CLIENT_MESSAGE_ID_REUSED);
        return history;
      },
    ],
    [
      "a message is stored twice after a loss that no response has shown, because the retry came after the dedup window",
      () => {
        const history = new HistoryBuilder({ dedupWindow: { seconds: 0n, nanos: 2_500_000 } }).openAccount("bob", 0);
        history.sync(0).page(0, 0);
        history.rotate();
        history.send("m1").noResponse();
        history.send("m1").ok(5);
        const twice = [
          { seq: 1, id: "m1", at: 1 },
          { seq: 2, id: "m1", at: 5 },
        ];
        history.sync(0).page(0, 2, twice, e2);
        return history;
      },
    ],
    [
      "a retry is refused with BACKLOG_FULL after a loss that no response has shown",
      () => {
        const history = newHistory();
        history.send("m1").ok(1);
        history.sync(0).page(0, 1, [message(1)]);
        history.rotate();
        history.send("m2").ok(2);
        history.send("m1").refused(Reason.BACKLOG_FULL);
        return history;
      },
    ],
    [
      "SEQ_EXHAUSTED of the old numbering comes after the loss",
      () => {
        const history = new HistoryBuilder().openAccount("bob", 0xffff_ffff);
        history.sync(0).page(0xffff_ffff, 0xffff_ffff);
        const send = history.send("m1");
        history.rotate();
        history.sync(0).page(0, 0, [], e2);
        send.refused(Reason.SEQ_EXHAUSTED);
        return history;
      },
    ],
    [
      "a Send that was stored before the loss has its response after it, and then a retry",
      () => {
        const history = withEmptyInbox();
        const send = history.send("m1");
        history.rotate();
        history.sync(0).page(0, 0, [], e2);
        send.ok(1);
        history.send("m1").ok(5);
        history.sync(0).page(0, 1, [{ seq: 1, id: "m1", at: 5 }], e2);
        return history;
      },
    ],
    [
      "a Send that was stored before the loss has its response after that of its retry",
      () => {
        const history = withEmptyInbox();
        const send = history.send("m1");
        history.rotate();
        history.sync(0).page(0, 0, [], e2);
        history.send("m1").ok(5);
        send.ok(1);
        history.sync(0).page(0, 1, [{ seq: 1, id: "m1", at: 5 }], e2);
        return history;
      },
    ],
    [
      "a Send that was stored before the loss has its response after its id was used for another recipient",
      () => {
        const history = newHistory().openAccount("carol", 0);
        history.sync(0).page(0, 0);
        const send = history.send("m1", { text: "y" });
        history.rotate();
        history.sync(0).page(0, 0, [], e2);
        history.send("m1", { to: "carol" }).ok(2);
        send.ok(1);
        return history;
      },
    ],
    [
      "the first frame of a Watch has an earlier epoch that no response has shown",
      () => {
        const history = newHistory();
        const watch = history.watch();
        history.rotate();
        history.sync(0).page(0, 0, [], e2);
        history.rotate();
        watch.frame(0, "e1");
        history.sync(0).page(0, 0, [], e3);
        return history;
      },
    ],
    [
      "a Sync that began before the loss acks in the new numbering",
      () => {
        const history = newHistory();
        const sync = history.sync(1);
        history.rotate();
        history.send("m1").ok(1);
        sync.page(1, 1, [], e2);
        history.sync(0).page(1, 1, [], e2);
        return history;
      },
    ],
    [
      "a Sync without a response acks under an epoch that its device learned from a refusal",
      () => {
        const history = withEmptyInbox();
        history.rotate();
        history.send("m1").ok(1);
        history.sync(0, { epoch: "e1" }).refused(Reason.EPOCH_MISMATCH, { svrSeq: 1, epoch: "e2" });
        history.sync(1, { epoch: "e2" }).noResponse();
        history.sync(0).page(1, 1, [], e2);
        return history;
      },
    ],
    [
      "a DURABLE server keeps its epoch in a crash, and loses its data later on request",
      () => {
        const history = new HistoryBuilder({ profiles: [Profile.CORE, Profile.DURABLE] }).openAccount("bob", 0);
        history.sync(0).page(0, 0);
        history.restart();
        history.sync(0).page(0, 0);
        history.rotate();
        history.sync(0).page(0, 0, [], e2);
        return history;
      },
    ],
    [
      "a requested loss without a response did not happen",
      () => {
        const history = withEmptyInbox();
        rotation(history).noResponse();
        history.sync(0).page(0, 0);
        return history;
      },
    ],
    [
      "a requested loss was refused",
      () => {
        const history = withEmptyInbox();
        rotation(history).refused();
        history.sync(0).page(0, 0);
        return history;
      },
    ],
    [
      "a requested loss without a response happens after the next one",
      () => {
        const history = withEmptyInbox();
        rotation(history).noResponse();
        rotation(history).done();
        history.sync(0).page(0, 0, [], e2);
        history.sync(0).page(0, 0, [], e3);
        return history;
      },
    ],
    [
      "two losses are concurrent",
      () => {
        const history = withEmptyInbox();
        const [one, two] = [rotation(history), rotation(history)];
        one.done();
        history.sync(0).page(0, 0, [], e2);
        history.sync(0).page(0, 0, [], e3);
        two.done();
        return history;
      },
    ],
    [
      "an account with unknown contents receives a message before its first Sync",
      () => {
        const history = new HistoryBuilder().openAccount("bob");
        history.send("m1").ok(1);
        history.sync(0).page(40, 42, [
          { seq: 41, id: "old", at: 1 },
          { seq: 42, id: "m1", at: 1 },
        ]);
        return history;
      },
    ],
  ])("%s", (_name, history) => {
    expect(history().blamed()).toEqual([]);
  });
});

describe("a finding is still reported if", () => {
  it("a loss was refused, and the epoch is new", () => {
    const history = withEmptyInbox();
    rotation(history).refused();
    history.sync(0).page(0, 0, [], e2);
    expect(history.blamed()).toEqual(["EPOCH-STABLE"]);
  });

  it("two losses ended, and the epoch is the old one", () => {
    const history = withEmptyInbox();
    const [one, two] = [rotation(history), rotation(history)];
    one.done();
    two.done();
    history.sync(0).page(0, 0);
    expect(history.blamed()).toEqual(["EPOCH-RENEWED"]);
  });

  it("a DURABLE server has a new epoch after a crash", () => {
    const history = new HistoryBuilder({ profiles: [Profile.CORE, Profile.DURABLE] }).openAccount("bob", 0);
    history.sync(0).page(0, 0);
    history.restart();
    history.sync(0).page(0, 0, [], e2);
    expect(history.blamed()).toEqual(["DUR-KEEP"]);
  });
});
