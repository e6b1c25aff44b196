import { create } from "@bufbuild/protobuf";
import { describe, expect, it, test } from "vitest";
import { EventSchema } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { fingerprintOf } from "../history/fingerprint.js";
import { HistoryBuilder } from "../selftest/histories/history-builder.js";
import { MessageLog } from "./messages.js";
import { MAX_SEQ, Numbering, type Source } from "./numbering.js";
import { retriedSequentially, type Send, Sends, samePayload } from "./sends.js";

const event = (client = "") => create(EventSchema, { client });
const fingerprint = (text: string) => fingerprintOf(Buffer.from(text));
const acceptance = (begun: number, at = begun + 1) => ({ begun, at, event: event(), acceptedAt: String(at) });
const begin = (sends: Sends, id: string, { to = "bob", from = "alice", text = "hello" } = {}): Send =>
  sends.begin(1, event(), { sender: from, id, recipient: to, fingerprint: fingerprint(text), windowFromMicros: 0n });
const end = (send: Send, more: Partial<Send>): Send =>
  Object.assign(send, { pending: 0, lastAccepted: more.latest?.at ?? 0 }, more);

/** A history with the new accounts bob, alice and carol. */
const newHistory = (header = {}) =>
  new HistoryBuilder(header).openAccount("bob", 0).openAccount("alice", 0).openAccount("carol", 0);

describe("two attempts belong to the same message", () => {
  it("only if sender, id, recipient and payload are equal", () => {
    const sends = new Sends();
    const send = begin(sends, "m1");
    expect(begin(sends, "m1")).toBe(send);
    const others = [{ to: "carol" }, { text: "other" }, { from: "carol" }].map((it) => begin(sends, "m1", it));
    expect(new Set([send, ...others, begin(sends, "m2")]).size).toBe(5);
    expect(sends.withId("alice", "m1")).toEqual([send, others[0], others[1]]);
    expect(sends.withId("alice", "m3")).toEqual([]);
  });

  it("and payloads are equal if size and fingerprint are equal, or both are absent", () => {
    const long = fingerprint("x".repeat(100));
    const hashOfLong = fingerprintOf(long.sha256);
    expect(samePayload(long, fingerprint("x".repeat(100)))).toBe(true);
    expect(samePayload(long, hashOfLong)).toBe(false);
    expect(samePayload(fingerprint(""), undefined)).toBe(false);
    expect(samePayload(undefined, fingerprint(""))).toBe(false);
    expect(samePayload(undefined, undefined)).toBe(true);
  });
});

describe("retriedSequentially", () => {
  it.each<[string, boolean, Partial<Send>]>([
    ["is true if the attempts never overlapped", true, { overlapped: false }],
    ["is false if two attempts overlapped", false, { overlapped: true }],
    [
      "is false if the only response came while all attempts were pending",
      false,
      { first: acceptance(1), latest: acceptance(1) },
    ],
    ["is true if an attempt began after a response", true, { first: acceptance(1), latest: acceptance(3) }],
    ["is false if a data loss removed the acceptance", false, { first: undefined, latest: acceptance(3) }],
  ])("%s", (_name, expected, more) => {
    expect(retriedSequentially({ ...begin(new Sends(), "m1"), overlapped: true, ...more })).toBe(expected);
  });
});

describe("after a data loss from 10 to 20, a message", () => {
  it.each<[string, string, Partial<Send>, boolean]>([
    ["is lost if it was accepted before", "lost", { accepted: 1, latest: acceptance(5) }, false],
    ["is lost if all attempts were refused", "lost", {}, false],
    ["is lost if all attempts were refused, although messages may survive", "lost", {}, true],
    ["is possible if messages may survive", "possible", { accepted: 1, latest: acceptance(5) }, true],
    ["is possible if it was accepted during the loss", "possible", { accepted: 1, latest: acceptance(15) }, false],
    ["is certain if it was sent and accepted after", "certain", { accepted: 1, latest: acceptance(21) }, false],
    ["is possible if an attempt is indeterminate", "possible", { indeterminate: 1 }, false],
    ["is possible if an attempt is pending", "possible", { pending: 1 }, false],
    [
      "is possible if one attempt is indeterminate and one is pending",
      "possible",
      { pending: 1, indeterminate: 1 },
      false,
    ],
    [
      "is possible if it was accepted before, and a retry is pending",
      "possible",
      { pending: 1, latest: acceptance(5) },
      false,
    ],
  ])("%s", (_name, expected, more, maySurvive) => {
    const sends = new Sends();
    const send = end(begin(sends, "m1"), { first: acceptance(2), seq: 4, acceptedAt: "3", ...more });
    const { certain, possible } = sends.applyLoss("bob", 10, 20, maySurvive);
    expect({ certain, possible }).toEqual({
      certain: [],
      possible: [],
      ...(expected !== "lost" && { [expected]: [send] }),
    });
    expect(sends.withId("alice", "m1")).toEqual(expected === "lost" ? [] : [send]);
    const { first, acceptedAt, ambiguousUntil, seq } = send;
    if (expected === "certain") expect([first, acceptedAt]).toEqual([send.latest, send.latest?.acceptedAt]);
    else expect(acceptedAt).toBeUndefined();
    if (expected === "possible") expect([first, ambiguousUntil]).toEqual([undefined, 20]);
    expect(seq).toBeUndefined();
  });

  it("that was lost stays lost after a second loss, and its id makes a new message", () => {
    const sends = new Sends();
    const send = end(begin(sends, "m1"), { accepted: 1, latest: acceptance(5) });
    sends.applyLoss("bob", 10, 20, false);
    expect(sends.applyLoss("bob", 30, 40, true)).toEqual({ certain: [], possible: [] });
    expect(begin(sends, "m1")).not.toBe(send);
  });

  it("of another inbox is not affected, even with the same id", () => {
    const sends = new Sends();
    end(begin(sends, "m1"), { accepted: 1, latest: acceptance(5) });
    const other = end(begin(sends, "m1", { to: "carol" }), { accepted: 1, latest: acceptance(5), seq: 4 });
    sends.applyLoss("bob", 10, 20, false);
    expect(sends.withId("alice", "m1")).toEqual([other]);
    expect(other.seq).toBe(4);
    expect(sends.applyLoss("nobody", 10, 20, true)).toEqual({ certain: [], possible: [] });
  });
});

describe("a search", () => {
  it("considers all messages, up to a maximum number of searches", () => {
    const sends = new Sends();
    begin(sends, "m1");
    const second = begin(sends, "m2");
    for (let n = 0; n < 200; n += 1) expect(sends.search(({ id }) => id === "m2")).toBe(second);
    expect(sends.search(({ id }) => id === "m2")).toBeUndefined();
    expect(new Sends().search(() => true)).toBeUndefined();
  });
});

describe("the floor of svr_seq", () => {
  const newNumbering = () => new Numbering(new MessageLog("bob", new Sends(), () => {}));

  it.each<[string, Source, number, Source, number, boolean]>([
    ["is raised by a higher value", "response", 5, "accepted", 6, true],
    ["is not lowered by a lower value", "accepted", 5, "accepted", 4, false],
    ["is not lowered by a lower value from a stronger source", "accepted", 5, "response", 4, false],
    ["takes the stronger source: a response after a frame", "frame", 5, "response", 5, true],
    ["keeps the stronger source: a response before a frame", "response", 5, "frame", 5, false],
    ["keeps the first event of the same source", "response", 5, "response", 5, false],
  ])("%s", (_name, source, seq, nextSource, nextSeq, taken) => {
    const numbering = newNumbering();
    const [first, second] = [event("first"), event("second")];
    numbering.raiseSvrFloor(seq, source, first);
    numbering.raiseSvrFloor(nextSeq, nextSource, second);
    const expected = taken ? { seq: nextSeq, source: nextSource, event: second } : { seq, source, event: first };
    expect(numbering.svrFloor).toEqual(expected);
  });

  it("has the highest seq as its ceiling while the start of the inbox is unknown", () => {
    const numbering = newNumbering();
    numbering.possibleMessages = 3;
    expect(numbering.svrCeiling).toBe(MAX_SEQ);
    numbering.startAt(10, 10, undefined);
    expect(numbering.svrCeiling).toBe(13);
  });

  it("is not lowered by the response to an earlier call", () => {
    const history = newHistory();
    history.send("m1").ok(1);
    const slow = history.sync(0, { client: "tablet" });
    const sending = history.send("m2");
    const all = [
      { seq: 1, id: "m1", at: 1 },
      { seq: 2, id: "m2", at: 2 },
    ];
    history.sync(0).page(0, 2, all);
    slow.page(0, 1, all.slice(0, 1));
    expect(history.blamed()).toEqual([]);
    history.sync(0).page(0, 1, all.slice(0, 1));
    sending.ok(2);
    expect(history.blamed()).toContain("SEQ-MONOTONE");
  });
});

describe("an inbox with unknown contents", () => {
  it("may report any svr_seq in a frame, and may be exhausted", () => {
    const history = new HistoryBuilder().openAccount("bob").openAccount("alice");
    history.watch().frame(4000);
    history.send("m1").refused(Reason.SEQ_EXHAUSTED);
    expect(history.blamed()).toEqual([]);
  });
});

describe("correct outcomes of Sends cause no finding", () => {
  it.each<[string, (history: HistoryBuilder) => void]>([
    [
      "a retry of a message whose id was refused with another payload before",
      (history) => {
        history.send("m1", { text: "one" }).refused(Reason.BACKLOG_FULL);
        history.send("m1", { text: "two" }).ok(1);
        history.send("m1", { text: "two" }).ok(1);
      },
    ],
    [
      "BACKLOG_FULL of an inbox without an accepted message",
      (history) => {
        history.send("m1").refused(Reason.BACKLOG_FULL);
      },
    ],
    [
      "BACKLOG_FULL, and a Sync acks everything while the Send is pending",
      (history) => {
        history.send("m1").ok(1);
        const sending = history.send("m2");
        history.sync(1).page(1, 1);
        sending.refused(Reason.BACKLOG_FULL);
      },
    ],
    [
      "BACKLOG_FULL after a Sync without a response that acks everything",
      (history) => {
        history.send("m1").ok(1);
        history.sync(1).noResponse();
        history.send("m2").refused(Reason.BACKLOG_FULL);
      },
    ],
    [
      "BACKLOG_FULL after everything was acked, because of a Send without a response",
      (history) => {
        history.send("m1").ok(1);
        history.sync(1).page(1, 1);
        history.send("m2").noResponse();
        history.send("m3").refused(Reason.BACKLOG_FULL);
      },
    ],
    [
      "BACKLOG_FULL after everything was acked, because of a pending Send",
      (history) => {
        history.send("m1").ok(1);
        history.sync(1).page(1, 1);
        const sending = history.send("m2");
        history.send("m3").refused(Reason.BACKLOG_FULL);
        sending.ok(2);
      },
    ],
    [
      "BACKLOG_FULL after everything was acked, because of a message accepted after a data loss",
      (history) => {
        history.send("m1").ok(1);
        history.sync(1).page(1, 1);
        history.rotate();
        history.send("m2").ok(2);
        history.send("m3").refused(Reason.BACKLOG_FULL);
      },
    ],
    [
      "Sends to an account that the history does not open",
      (history) => {
        history.send("m1", { to: "nobody" }).ok(1);
        history.send("m1", { to: "nobody" }).ok(2);
        history.send("m1", { to: "nobody", text: "other" }).ok(3);
      },
    ],
  ])("%s", (_name, act) => {
    const history = newHistory();
    act(history);
    expect(history.blamed()).toEqual([]);
  });
});

test("a dedup window of less than a microsecond is known, and over at the next step", () => {
  const history = newHistory({ dedupWindow: { seconds: 0n, nanos: 1 } });
  history.send("m1").ok(1);
  history.send("m1").ok(2);
  expect(history.blamed()).toEqual([]);
});

describe("a wrong outcome of a Send is blamed", () => {
  // Exactly three steps of the history: a dedup record is younger than its call, so it must still exist at this time.
  const window = { dedupWindow: { seconds: 0n, nanos: 3_000_000 } };

  it.each<[string, string, (history: HistoryBuilder) => void, object?]>([
    [
      "a retry at the end of the dedup window is not recognised",
      "SEND-RETRY",
      (history) => {
        history.send("m1").ok(1);
        history.send("m1").ok(2);
      },
      window,
    ],
    [
      "the response to a retry has no accepted_at",
      "SEND-ACCEPTED-AT",
      (history) => {
        history.send("m1").ok(1);
        history.send("m1").ok(0);
      },
    ],
    [
      "concurrent attempts have different accepted_at",
      "SEND-RETRY-CONCURRENT",
      (history) => {
        const [one, two] = [history.send("m1"), history.send("m1")];
        one.ok(1);
        two.ok(2);
      },
    ],
    [
      "a retry after concurrent attempts creates a second message",
      "SEND-RETRY",
      (history) => {
        const [one, two] = [history.send("m1"), history.send("m1")];
        one.ok(1);
        two.ok(1);
        history.send("m1").ok(1);
        history.sync(0).page(0, 2, ["m1", "m1"]);
      },
    ],
    [
      "an id is accepted for two payloads, after it was refused for another one",
      "SEND-ID-REUSED",
      (history) => {
        history.send("m1", { text: "one" }).refused(Reason.BACKLOG_FULL);
        history.send("m1", { text: "two" }).ok(1);
        history.send("m1", { text: "three" }).ok(2);
      },
    ],
    [
      "a retry is refused with CLIENT_MESSAGE_ID_REUSED after BACKLOG_FULL",
      "SEND-ID-FREE",
      (history) => {
        history.send("m1").refused(Reason.BACKLOG_FULL);
        history.send("m1").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      },
    ],
    [
      "a retry is refused with CLIENT_MESSAGE_ID_REUSED after concurrent attempts were accepted",
      "SEND-RETRY",
      (history) => {
        const [one, two] = [history.send("m1"), history.send("m1")];
        one.ok(1);
        two.ok(1);
        history.send("m1").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      },
    ],
    [
      "BACKLOG_FULL after a data loss and an ack of everything since",
      "SEND-ACCEPT",
      (history) => {
        history.send("m1").ok(1);
        history.sync(0).page(0, 1, ["m1"]);
        history.rotate();
        history.sync(0).page(0, 0, [], { epoch: "e2" });
        history.send("m2").ok(2);
        history.sync(1).page(1, 1, [], { epoch: "e2" });
        history.send("m3").refused(Reason.BACKLOG_FULL);
      },
    ],
    [
      "an unused id is refused as used, and another sender used only other ids",
      "SEND-ACCEPT",
      (history) => {
        history.send("m1", { from: "carol" }).ok(1);
        history.send("m2").refused(Reason.CLIENT_MESSAGE_ID_REUSED);
      },
    ],
  ])("%s", (_name, requirement, act, header) => {
    const history = newHistory(header);
    act(history);
    expect(history.blamed()[0]).toBe(requirement);
    if (requirement === "SEND-ACCEPTED-AT") expect(history.blamed()).toHaveLength(1);
  });

  it("blames one requirement if the accepted_at in the response differs from that in an earlier page", () => {
    const history = newHistory();
    const sending = history.send("m1");
    history.sync(0).page(0, 1, [{ seq: 1, id: "m1", at: 1 }]);
    sending.ok(2);
    expect(history.blamed()).toHaveLength(1);
  });
});
