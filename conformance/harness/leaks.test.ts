import { describe, expect, test } from "vitest";
import { accountOpened, type EventBody, sendCall, syncCall, syncReturn } from "../history/events.js";
import { Recorder } from "../history/recorder.js";
import { Leaks } from "./leaks.js";

const BOB = { name: "bob", userId: "user-b0b77", token: "token-of-bob-1" };
const ALICE = { name: "alice", userId: "user-a11ce", token: "token-of-alice-1" };
const CAROL = { name: "carol", userId: "user-ca401", token: "token-of-carol-1" };
const NONCE = "r7f3k9";
const BOBS_EPOCH = "b0b0-e1e1-44";
const START = 2_718_281_828;

/** Leaks that knows of two messages from alice to bob, and of the states of both inboxes. */
function known(startSeq = 0): Leaks {
  const recorder = new Recorder();
  const sync = (userId: string, epoch: string, svrSeq: number) => {
    const op = recorder.call("phone", 0, syncCall({ userId, cliSeq: 0, epoch: "", pageSize: 0 }));
    recorder.complete(op, syncReturn({ epoch, svrSeq, ackedSeq: startSeq, nextCliSeq: startSeq, messages: [] }));
  };
  const events: EventBody[] = [accountOpened(BOB.userId, startSeq), accountOpened(ALICE.userId, 0)];
  for (const event of events) recorder.complete(0n, event);
  for (const n of [1, 2])
    recorder.call(
      "alice",
      0,
      sendCall({
        senderId: ALICE.userId,
        recipientId: BOB.userId,
        clientMessageId: `${NONCE}-${n}`,
        payload: Buffer.from(`secret ${NONCE}-${n}`),
      }),
    );
  sync(BOB.userId, BOBS_EPOCH, startSeq + 2);
  sync(ALICE.userId, "a11ce-e1", 0);
  const leaks = new Leaks([BOB, ALICE, CAROL], NONCE);
  leaks.learn(recorder.events);
  return leaks;
}

interface Exchange {
  rpc?: string;
  by?: typeof BOB;
  sent?: string;
  status?: number;
  headers?: Record<string, string>;
  body?: string;
}

const blamed = (
  leaks: Leaks,
  { rpc = "Send", by = ALICE, sent = BOB.userId, status = 400, headers = {}, body = "" }: Exchange,
) =>
  leaks
    .find(
      {
        path: `/seqsync.v1.SeqSyncService/${rpc}`,
        headers: { authorization: `Bearer ${by.token}` },
        body: Buffer.from(sent),
      },
      { status, headers, body: Buffer.from(body) },
    )
    .map(({ requirement }) => requirement);

const error = (message: string) => JSON.stringify({ code: "invalid_argument", message });

describe("an error", () => {
  test.each([
    ["another's token", { body: error(`not ${BOB.token}`) }],
    ["another's user id", { sent: "nobody", body: error(`did you mean ${BOB.userId}?`) }],
    ["another's user id in a header", { sent: "nobody", headers: { "x-user": BOB.userId } }],
    [
      "another's user id in base64",
      { sent: "nobody", body: error(Buffer.from(`a ${BOB.userId}`).toString("base64url")) },
    ],
    ["an id of another's message", { by: CAROL, body: error(`after ${NONCE}-1`) }],
    ["another's content", { rpc: "Sync", by: CAROL, body: error(`after secret ${NONCE}-2`) }],
    ["another's epoch", { by: ALICE, body: error(`inbox ${BOBS_EPOCH}`) }],
    ["another's seq", { body: error("the inbox is at seq 2") }],
    ["another's seq in a header", { headers: { "x-svr-seq": "2" } }],
  ] as [string, Exchange][])("must not hold %s", (_, exchange) => {
    expect(blamed(known(), exchange)).toEqual(["ERR-NO-LEAK"]);
  });

  test("must not hold another's large number", () => {
    const at = (text: string) => blamed(known(START), { body: error(text) });
    expect(at(`inbox at ${START + 2}`)).toEqual(["ERR-NO-LEAK"]);
    expect(at(`inbox at ${START + 9}`)).toEqual([]);
    expect(at(`time 0.${START + 2}`)).toEqual([]);
    expect(at("at most 4294967295")).toEqual([]);
  });

  test("may hold what the request held, what the caller knows, and what is no secret", () => {
    for (const exchange of [
      { body: error(`no account ${BOB.userId}`) },
      { sent: `to ${Buffer.from(BOB.userId).toString("base64")}`, body: error(BOB.userId) },
      { sent: `{"recipientId":"${BOB.userId.replace("-", "\\u002d")}"}`, body: error(BOB.userId) },
      { body: error(`used: ${NONCE}-1`) },
      { rpc: "Sync", by: BOB, body: error(`${BOBS_EPOCH} of ${BOB.userId}`) },
      { sent: `${NONCE}-12`, by: CAROL, body: error(`${NONCE}-12`) },
      { body: error("limit of 2 per second, seq 7") },
      { sent: "2", body: error("seq 99") },
      { rpc: "Sync", status: 200, by: CAROL, body: BOB.userId },
    ])
      expect(blamed(known(), exchange)).toEqual([]);
  });
});

describe("the response to a Send", () => {
  const SENT = { status: 200, sent: `to ${BOB.userId}` };
  test.each([
    ["a header", { headers: { "X-Message-Seq": "2" } }],
    ["a JSON member", { body: '{"acceptedAt":"2026-01-01T00:00:00Z","svrSeq":3}' }],
    ["its epoch", { headers: { "x-shard": `in ${BOBS_EPOCH}` } }],
  ])("must not reveal the recipient's numbers in %s", (_, exchange) => {
    expect(blamed(known(), { ...SENT, ...exchange })).toEqual(["SEND-SEQ-HIDDEN"]);
  });

  test("to oneself is no exception", () => {
    const exchange = { ...SENT, by: BOB, headers: { "x-seq": "2" } };
    expect(blamed(known(), exchange)).toEqual(["SEND-SEQ-HIDDEN"]);
  });

  test("may hold other numbers and names", () => {
    for (const headers of [{ "x-request-id": "2" }, { "x-request-seq": "2" }, { "x-seq": "77" }, { "x-seq": "abc" }])
      expect(blamed(known(), { ...SENT, headers })).toEqual([]);
    expect(blamed(known(), { ...SENT, body: '{"acceptedAt":"2026-01-01T00:00:00.000000002Z"}' })).toEqual([]);
  });

  test("that is refused must have no state in its ErrorDetail", () => {
    const details = [{ type: "seqsync.v1.ErrorDetail", value: "CAgQAg" }];
    const body = JSON.stringify({ code: "resource_exhausted", details });
    expect(blamed(known(), { body, status: 429 })).toEqual(["SEND-SEQ-HIDDEN"]);
  });
});
