import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EventSchema } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { begin, HistoryBuilder, seen, shown } from "../selftest/histories/history-builder.js";

const e2 = { epoch: "e2" };
const e3 = { epoch: "e3" };

/** A loss that was asked for, and how that ended: "done", "lost" or "refused". */
function rotation(story: HistoryBuilder) {
  const op = BigInt(9000 + story.events.length);
  const add = (what: Parameters<typeof create<typeof EventSchema>>[1]) =>
    story.events.push(create(EventSchema, { op, atMicros: BigInt(story.events.length) * 1000n, ...what }));
  add({ body: { case: "rotateCall", value: { userId: "bob" } } });
  return {
    done: () => add({ body: { case: "done", value: {} } }),
    lost: () => add({ body: { case: "noResponse", value: {} } }),
    refused: () => add({ body: { case: "refused", value: { code: "unavailable" } } }),
  };
}

/** Histories of right servers, in which something of a loss comes late. */
describe("nothing is blamed where", () => {
  it.each<[string, () => HistoryBuilder]>([
    [
      "an id that a loss has freed is refused for other content, as the server may",
      () => {
        const story = seen();
        story.send("m1", { text: "one" }).ok(1);
        story.rotate();
        story.sync(0).page(0, 0, [], e2);
        story.send("m1", { text: "two" }).refused(Reason.CLIENT_MESSAGE_ID_REUSED);
        return story;
      },
    ],
    [
      "a message is there twice after a loss, as its repetition came after its dedup window, before anybody has seen the loss",
      () => {
        const story = new HistoryBuilder({ dedupWindow: { seconds: 0n, nanos: 2_500_000 } }).open("bob", 0);
        story.sync(0).page(0, 0);
        story.rotate();
        story.send("m1").lost();
        story.send("m1").ok(5);
        const twice = [
          { seq: 1, id: "m1", at: 1 },
          { seq: 2, id: "m1", at: 5 },
        ];
        story.sync(0).page(0, 2, twice, e2);
        return story;
      },
    ],
    [
      "a repetition is refused as the inbox is full again, before anybody has seen the loss",
      () => {
        const story = begin();
        story.send("m1").ok(1);
        story.sync(0).page(0, 1, [shown(1)]);
        story.rotate();
        story.send("m2").ok(2);
        story.send("m1").refused(Reason.BACKLOG_FULL);
        return story;
      },
    ],
    [
      "a refusal for the last seq of the old numbering comes after the loss",
      () => {
        const story = new HistoryBuilder().open("bob", 0xffff_ffff);
        story.sync(0).page(0xffff_ffff, 0xffff_ffff);
        const send = story.send("m1");
        story.rotate();
        story.sync(0).page(0, 0, [], e2);
        send.refused(Reason.SEQ_EXHAUSTED);
        return story;
      },
    ],
    [
      "a Send that landed before the loss is answered after it, and repeated",
      () => {
        const story = seen();
        const send = story.send("m1");
        story.rotate();
        story.sync(0).page(0, 0, [], e2);
        send.ok(1);
        story.send("m1").ok(5);
        story.sync(0).page(0, 1, [{ seq: 1, id: "m1", at: 5 }], e2);
        return story;
      },
    ],
    [
      "the repetition of such a Send is answered first",
      () => {
        const story = seen();
        const send = story.send("m1");
        story.rotate();
        story.sync(0).page(0, 0, [], e2);
        story.send("m1").ok(5);
        send.ok(1);
        story.sync(0).page(0, 1, [{ seq: 1, id: "m1", at: 5 }], e2);
        return story;
      },
    ],
    [
      "the id of such a Send was used for another recipient meanwhile",
      () => {
        const story = begin().open("carol", 0);
        story.sync(0).page(0, 0);
        const send = story.send("m1", { text: "y" });
        story.rotate();
        story.sync(0).page(0, 0, [], e2);
        story.send("m1", { to: "carol" }).ok(2);
        send.ok(1);
        return story;
      },
    ],
    [
      "the first frame of a Watch is of an epoch that nobody else has seen, and is over",
      () => {
        const story = begin();
        const watch = story.watch();
        story.rotate();
        story.sync(0).page(0, 0, [], e2);
        story.rotate();
        watch.frame(0, "e1");
        story.sync(0).page(0, 0, [], e3);
        return story;
      },
    ],
    [
      "a Sync that began before the loss acks in the new numbering",
      () => {
        const story = begin();
        const sync = story.sync(1);
        story.rotate();
        story.send("m1").ok(1);
        sync.page(1, 1, [], e2);
        story.sync(0).page(1, 1, [], e2);
        return story;
      },
    ],
    [
      "a lost Sync acks under an epoch that its device learnt from a refusal",
      () => {
        const story = seen();
        story.rotate();
        story.send("m1").ok(1);
        story.sync(0, { epoch: "e1" }).refused(Reason.EPOCH_MISMATCH, { svrSeq: 1, epoch: "e2" });
        story.sync(1, { epoch: "e2" }).lost();
        story.sync(0).page(1, 1, [], e2);
        return story;
      },
    ],
    [
      "a durable server keeps its epoch over a crash, and later loses its data on demand",
      () => {
        const story = new HistoryBuilder({ profiles: [Profile.CORE, Profile.DURABLE] }).open("bob", 0);
        story.sync(0).page(0, 0);
        story.restart();
        story.sync(0).page(0, 0);
        story.rotate();
        story.sync(0).page(0, 0, [], e2);
        return story;
      },
    ],
    [
      "a loss that was asked for never came",
      () => {
        const story = seen();
        rotation(story).lost();
        story.sync(0).page(0, 0);
        return story;
      },
    ],
    [
      "a loss was refused",
      () => {
        const story = seen();
        rotation(story).refused();
        story.sync(0).page(0, 0);
        return story;
      },
    ],
    [
      "a loss that was asked for comes after the next one",
      () => {
        const story = seen();
        rotation(story).lost();
        rotation(story).done();
        story.sync(0).page(0, 0, [], e2);
        story.sync(0).page(0, 0, [], e3);
        return story;
      },
    ],
    [
      "two losses are under way at the same time",
      () => {
        const story = seen();
        const [one, two] = [rotation(story), rotation(story)];
        one.done();
        story.sync(0).page(0, 0, [], e2);
        story.sync(0).page(0, 0, [], e3);
        two.done();
        return story;
      },
    ],
    [
      "an account with a past gets a message before anybody has looked where it stands",
      () => {
        const story = new HistoryBuilder().open("bob");
        story.send("m1").ok(1);
        story.sync(0).page(40, 42, [
          { seq: 41, id: "old", at: 1 },
          { seq: 42, id: "m1", at: 1 },
        ]);
        return story;
      },
    ],
  ])("%s", (_, tell) => {
    expect(tell().blamed()).toEqual([]);
  });
});

describe("it is still blamed where", () => {
  it("a loss was refused, and the epoch is new all the same", () => {
    const story = seen();
    rotation(story).refused();
    story.sync(0).page(0, 0, [], e2);
    expect(story.blamed()).toEqual(["EPOCH-STABLE"]);
  });

  it("two losses are over, and the epoch is the old one", () => {
    const story = seen();
    const [one, two] = [rotation(story), rotation(story)];
    one.done();
    two.done();
    story.sync(0).page(0, 0);
    expect(story.blamed()).toEqual(["EPOCH-RENEWED"]);
  });

  it("a durable server has a new epoch after a crash", () => {
    const story = new HistoryBuilder({ profiles: [Profile.CORE, Profile.DURABLE] }).open("bob", 0);
    story.sync(0).page(0, 0);
    story.restart();
    story.sync(0).page(0, 0, [], e2);
    expect(story.blamed()).toEqual(["DUR-KEEP"]);
  });
});
