import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { EventSchema } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { fingerprintOf } from "../history/fingerprint.js";
import { HistoryBuilder } from "../selftest/histories/history-builder.js";
import { MessageLog } from "./messages.js";
import { MAX_SEQ, Numbering, type Source } from "./numbering.js";
import { retriedAfterAnswer, type Send, Sends, samePayload } from "./sends.js";

const event = (client = "") => create(EventSchema, { client });
const print = (text: string) => fingerprintOf(Buffer.from(text));
const acceptance = (begun: number, at = begun + 1) => ({ begun, at, event: event(), time: String(at) });
const begin = (sends: Sends, id: string, { to = "bob", from = "alice", text = "hello" } = {}): Send =>
  sends.begin(1, event(), { sender: from, id, recipient: to, print: print(text) });
const end = (send: Send, more: Partial<Send>): Send =>
  Object.assign(send, { open: 0, answered: more.latest?.at ?? 0 }, more);

/** bob's new inbox, and alice and carol, who write to him. */
const story = (header = {}) => new HistoryBuilder(header).open("bob", 0).open("alice", 0).open("carol", 0);

describe("an attempt is of the same message", () => {
  it("only if sender, id, recipient and payload are the same", () => {
    const sends = new Sends();
    const send = begin(sends, "m1");
    expect(begin(sends, "m1")).toBe(send);
    const others = [{ to: "carol" }, { text: "other" }, { from: "carol" }].map((it) => begin(sends, "m1", it));
    expect(new Set([send, ...others, begin(sends, "m2")]).size).toBe(5);
    expect(sends.sharing("alice", "m1")).toEqual([send, others[0], others[1]]);
    expect(sends.sharing("alice", "m3")).toEqual([]);
  });

  it("and payloads are the same if both size and print are, or neither is there", () => {
    const long = print("x".repeat(100));
    const itsHash = fingerprintOf(long.sha256);
    expect(samePayload(long, print("x".repeat(100)))).toBe(true);
    expect(samePayload(long, itsHash)).toBe(false);
    expect(samePayload(print(""), undefined)).toBe(false);
    expect(samePayload(undefined, print(""))).toBe(false);
    expect(samePayload(undefined, undefined)).toBe(true);
  });
});

describe("a fault at a repetition is no race", () => {
  it.each<[string, boolean, Partial<Send>]>([
    ["if attempts never overlapped", true, { overlapped: false }],
    ["unless two overlapped", false, { overlapped: true }],
    ["unless the one answer came while all were under way", false, { first: acceptance(1), latest: acceptance(1) }],
    ["if one began after an answer", true, { first: acceptance(1), latest: acceptance(3) }],
    ["unless the answer was lost with the inbox", false, { first: undefined, latest: acceptance(3) }],
  ])("%s", (_name, expected, more) => {
    expect(retriedAfterAnswer({ ...begin(new Sends(), "m1"), overlapped: true, ...more })).toBe(expected);
  });
});

describe("after a loss from 10 to 20, a message", () => {
  it.each<[string, string, Partial<Send>, boolean]>([
    ["is gone if it was accepted before", "gone", { accepted: 1, latest: acceptance(5) }, false],
    ["is gone if all attempts were refused", "gone", {}, false],
    ["is gone if all attempts were refused, though some may have survived", "gone", {}, true],
    ["may have survived a restart", "possible", { accepted: 1, latest: acceptance(5) }, true],
    ["may be there if it was accepted in between", "possible", { accepted: 1, latest: acceptance(15) }, false],
    ["is there if it was sent and accepted after", "certain", { accepted: 1, latest: acceptance(21) }, false],
    ["may be there if an attempt was lost", "possible", { lost: 1 }, false],
    ["may be there if an attempt is under way", "possible", { open: 1 }, false],
    ["may be there if one was lost and one is under way", "possible", { open: 1, lost: 1 }, false],
    ["may be there if it was accepted before, and sent again", "possible", { open: 1, latest: acceptance(5) }, false],
  ])("%s", (_name, expected, more, survivors) => {
    const sends = new Sends();
    const send = end(begin(sends, "m1"), { first: acceptance(2), seq: 4, time: "3", ...more });
    const { certain, possible } = sends.lose("bob", 10, 20, survivors);
    const where = { certain: [] as Send[], possible: [] as Send[], gone: [] as Send[], [expected]: [send] };
    expect({ certain, possible }).toEqual({ certain: where.certain, possible: where.possible });
    expect(sends.sharing("alice", "m1")).toEqual(expected === "gone" ? [] : [send]);
    const { first, time, ambiguousUntil: straddles, seq } = send;
    if (expected === "certain") expect([first, time]).toEqual([send.latest, send.latest?.time]);
    else expect(time).toBeUndefined();
    if (expected === "possible") expect([first, straddles]).toEqual([undefined, 20]);
    expect(seq).toBeUndefined();
  });

  it("is gone for good: a second loss does not bring it back, and its id makes another", () => {
    const sends = new Sends();
    const send = end(begin(sends, "m1"), { accepted: 1, latest: acceptance(5) });
    sends.lose("bob", 10, 20, false);
    expect(sends.lose("bob", 30, 40, true)).toEqual({ certain: [], possible: [] });
    expect(begin(sends, "m1")).not.toBe(send);
  });

  it("stays where it is in another inbox, under the same id as well", () => {
    const sends = new Sends();
    end(begin(sends, "m1"), { accepted: 1, latest: acceptance(5) });
    const other = end(begin(sends, "m1", { to: "carol" }), { accepted: 1, latest: acceptance(5), seq: 4 });
    sends.lose("bob", 10, 20, false);
    expect(sends.sharing("alice", "m1")).toEqual([other]);
    expect(other.seq).toBe(4);
    expect(sends.lose("nobody", 10, 20, true)).toEqual({ certain: [], possible: [] });
  });
});

describe("a search for what went wrong", () => {
  it("looks at all messages, and stops to look after a while", () => {
    const sends = new Sends();
    begin(sends, "m1");
    const second = begin(sends, "m2");
    for (let n = 0; n < 200; n += 1) expect(sends.search(({ id }) => id === "m2")).toBe(second);
    expect(sends.search(({ id }) => id === "m2")).toBeUndefined();
    expect(new Sends().search(() => true)).toBeUndefined();
  });
});

describe("the highest svr_seq that the server has owned up to", () => {
  const numbering = () => new Numbering(new MessageLog("bob", new Sends(), () => {}));

  it.each<[string, Source, number, Source, number, boolean]>([
    ["is raised by a higher one", "answer", 5, "accepted", 6, true],
    ["is not lowered", "accepted", 5, "accepted", 4, false],
    ["is not lowered, though it was learnt in a way that says more", "accepted", 5, "answer", 4, false],
    ["is told better by an answer than by a frame", "frame", 5, "answer", 5, true],
    ["is not told better by a frame than by an answer", "answer", 5, "frame", 5, false],
    ["is proved by what showed it first", "answer", 5, "answer", 5, false],
  ])("%s", (_name, how, seq, nextHow, nextSeq, taken) => {
    const it = numbering();
    const [first, second] = [event("first"), event("second")];
    it.raise(seq, how, first);
    it.raise(nextSeq, nextHow, second);
    expect(it.svrFloor).toEqual(taken ? { seq: nextSeq, how: nextHow, event: second } : { seq, how, event: first });
  });

  it("has no bound but the format's while nobody knows where the inbox began", () => {
    const it = numbering();
    it.possible = 3;
    expect(it.svrCeiling).toBe(MAX_SEQ);
    it.open(10, 10, undefined);
    expect(it.svrCeiling).toBe(13);
  });

  it("is not lowered by an answer that was overtaken", () => {
    const it = story();
    it.send("m1").ok(1);
    const slow = it.sync(0, { client: "tablet" });
    const sending = it.send("m2");
    const all = [
      { seq: 1, id: "m1", at: 1 },
      { seq: 2, id: "m2", at: 2 },
    ];
    it.sync(0).page(0, 2, all);
    slow.page(0, 1, all.slice(0, 1));
    expect(it.blamed()).toEqual([]);
    it.sync(0).page(0, 1, all.slice(0, 1));
    sending.ok(2);
    expect(it.blamed()).toContain("SEQ-MONOTONE");
  });
});

describe("an inbox with a past that nobody knows", () => {
  it("may have any svr_seq in a frame, and no seq left", () => {
    const it = new HistoryBuilder().open("bob").open("alice");
    it.watch().frame(4000);
    it.send("m1").refused(Reason.SEQ_EXHAUSTED);
    expect(it.blamed()).toEqual([]);
  });
});

describe("the outcomes of Sends in a right history", () => {
  it.each<[string, (it: HistoryBuilder) => void]>([
    [
      "a message is repeated whose id had been refused for something else",
      (it) => {
        it.send("m1", { text: "one" }).refused(Reason.BACKLOG_FULL);
        it.send("m1", { text: "two" }).ok(1);
        it.send("m1", { text: "two" }).ok(1);
      },
    ],
    [
      "an inbox has taken nothing yet, and is said to be full",
      (it) => {
        it.send("m1").refused(Reason.BACKLOG_FULL);
      },
    ],
    [
      "an inbox is full, and is emptied while the Send is under way",
      (it) => {
        it.send("m1").ok(1);
        const sending = it.send("m2");
        it.sync(1).page(1, 1);
        sending.refused(Reason.BACKLOG_FULL);
      },
    ],
    [
      "an inbox is full, and the answer of the Sync that empties it was lost",
      (it) => {
        it.send("m1").ok(1);
        it.sync(1).lost();
        it.send("m2").refused(Reason.BACKLOG_FULL);
      },
    ],
    [
      "an inbox is emptied, and full again of a message whose answer was lost",
      (it) => {
        it.send("m1").ok(1);
        it.sync(1).page(1, 1);
        it.send("m2").lost();
        it.send("m3").refused(Reason.BACKLOG_FULL);
      },
    ],
    [
      "an inbox is emptied, and full again of a message that comes meanwhile",
      (it) => {
        it.send("m1").ok(1);
        it.sync(1).page(1, 1);
        const sending = it.send("m2");
        it.send("m3").refused(Reason.BACKLOG_FULL);
        sending.ok(2);
      },
    ],
    [
      "an inbox is emptied and then lost, and what came since has filled it",
      (it) => {
        it.send("m1").ok(1);
        it.sync(1).page(1, 1);
        it.rotate();
        it.send("m2").ok(2);
        it.send("m3").refused(Reason.BACKLOG_FULL);
      },
    ],
    [
      "nothing is said of an inbox that is not part of the history",
      (it) => {
        it.send("m1", { to: "nobody" }).ok(1);
        it.send("m1", { to: "nobody" }).ok(2);
        it.send("m1", { to: "nobody", text: "other" }).ok(3);
      },
    ],
  ])("%s", (_name, tell) => {
    const it = story();
    tell(it);
    expect(it.blamed()).toEqual([]);
  });
});

describe("the outcomes of Sends in a wrong history", () => {
  // Three steps of a story, exactly: a record is younger than its call, so at this moment it must be there.
  const window = { dedupWindow: { seconds: 0n, nanos: 3_000_000 } };

  it.each<[string, string, (it: HistoryBuilder) => void, object?]>([
    [
      "a repetition at the end of the window is still recognised",
      "SEND-RETRY",
      (it) => {
        it.send("m1").ok(1);
        it.send("m1").ok(2);
      },
      window,
    ],
    [
      "a repetition that has no time breaks only that",
      "SEND-ACCEPTED-AT",
      (it) => {
        it.send("m1").ok(1);
        it.send("m1").ok(0);
      },
    ],
    [
      "two attempts at once have different times",
      "SEND-RETRY-CONCURRENT",
      (it) => {
        const [one, two] = [it.send("m1"), it.send("m1")];
        one.ok(1);
        two.ok(2);
      },
    ],
    [
      "a repetition after two attempts at once makes a second message",
      "SEND-RETRY",
      (it) => {
        const [one, two] = [it.send("m1"), it.send("m1")];
        one.ok(1);
        two.ok(1);
        it.send("m1").ok(1);
        it.sync(0).page(0, 2, ["m1", "m1"]);
      },
    ],
    [
      "an id is accepted for a third thing, after it was refused for the first",
      "SEND-ID-REUSED",
      (it) => {
        it.send("m1", { text: "one" }).refused(Reason.BACKLOG_FULL);
        it.send("m1", { text: "two" }).ok(1);
        it.send("m1", { text: "three" }).ok(2);
      },
    ],
    [
      "an id that was refused is refused as used when it is tried again",
      "SEND-ID-FREE",
      (it) => {
        it.send("m1").refused(Reason.BACKLOG_FULL);
        it.send("m1").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      },
    ],
    [
      "a repetition is refused as used after two attempts at once were answered",
      "SEND-RETRY",
      (it) => {
        const [one, two] = [it.send("m1"), it.send("m1")];
        one.ok(1);
        two.ok(1);
        it.send("m1").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      },
    ],
    [
      "an inbox that was lost is emptied again, and said to be full",
      "SEND-ACCEPT",
      (it) => {
        it.send("m1").ok(1);
        it.sync(0).page(0, 1, ["m1"]);
        it.rotate();
        it.sync(0).page(0, 0, [], { epoch: "e2" });
        it.send("m2").ok(2);
        it.sync(1).page(1, 1, [], { epoch: "e2" });
        it.send("m3").refused(Reason.BACKLOG_FULL);
      },
    ],
    [
      "an id is refused as used, and another sender has used only others",
      "SEND-ACCEPT",
      (it) => {
        it.send("m1", { from: "carol" }).ok(1);
        it.send("m2").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      },
    ],
  ])("%s", (_name, requirement, tell, header) => {
    const it = story(header);
    tell(it);
    expect(it.blamed()[0]).toBe(requirement);
    if (requirement === "SEND-ACCEPTED-AT") expect(it.blamed()).toHaveLength(1);
  });

  it("a page shows another time than the answer that comes after it", () => {
    const it = story();
    const sending = it.send("m1");
    it.sync(0).page(0, 1, [{ seq: 1, id: "m1", at: 1 }]);
    sending.ok(2);
    expect(it.blamed()).toHaveLength(1);
  });
});
