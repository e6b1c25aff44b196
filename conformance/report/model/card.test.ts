import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  CaseAccountSchema,
  type Exchange,
  ExchangeSchema,
  Outcome,
} from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { REQUIREMENTS } from "../../requirements/requirements.js";
import {
  bytes,
  caseWith,
  failedCase,
  reportOf,
  sendWithoutResponse,
  syncWithResponse,
} from "../../selftest/support/sample-report.js";
import { cardsOf } from "./card.js";
import { difference } from "./difference.js";
import { DEFAULT_SPEC } from "./requirement.js";

describe("a card", () => {
  test("exists once for each requirement, ordered by how often the requirement is the first finding of a case", () => {
    const cards = cardsOf(
      reportOf([
        failedCase("sync/a", ["SYNC-BASE", "ACK-MONOTONE"]),
        failedCase("ack/a", ["ACK-NOT-ON-ANSWER", "SYNC-BASE"]),
        failedCase("ack/b", ["ACK-NOT-ON-ANSWER", "SYNC-BASE"]),
        caseWith("ack/c", Outcome.PASS),
      ]),
    );
    expect(cards.map(({ requirement }) => requirement)).toEqual(["ACK-NOT-ON-ANSWER", "SYNC-BASE", "ACK-MONOTONE"]);
    expect(cards.map(({ otherCases }) => otherCases)).toEqual([["ack/b"], ["ack/a", "ack/b"], []]);
  });

  test("of a SHOULD comes after those of all MUSTs", () => {
    const cards = cardsOf(
      reportOf([
        failedCase("http/a", ["HTTP-MALFORMED-REASON"]),
        failedCase("http/b", ["HTTP-MALFORMED-REASON"]),
        failedCase("ack/a", ["ACK-IMPLICIT"]),
      ]),
    );
    expect(cards.map(({ level }) => level)).toEqual(["MUST", "SHOULD"]);
  });

  test("shows a case that is about the requirement, if there is one", () => {
    const other = { ...failedCase("page/a", ["ACK-IMPLICIT"]), requirements: ["PAGE-CAP"] };
    expect(cardsOf(reportOf([other, failedCase("ack/a", ["ACK-IMPLICIT"])]))[0]?.caseId).toBe("ack/a");
  });

  test("has the sentence of the requirement, and a link below the given base URL", () => {
    const report = reportOf([failedCase("ack/a", ["ACK-IMPLICIT"])]);
    expect(cardsOf(report)[0]).toMatchObject({
      sentence: REQUIREMENTS["ACK-IMPLICIT"].sentence,
      link: `${DEFAULT_SPEC}ack.md#ack-implicit`,
    });
    expect(cardsOf(report, { spec: "https://example.org/spec" })[0]?.link).toBe(
      "https://example.org/spec/ack.md#ack-implicit",
    );
  });

  test("fills up short evidence with the events before it", () => {
    const history = [1n, 2n, 3n, 4n, 5n, 6n].flatMap((op) => syncWithResponse(op, "bob", Number(op)));
    const evidence = [...history.slice(0, 2), ...history.slice(8, 10)];
    const [card] = cardsOf(reportOf([failedCase("ack/a", ["ACK-IMPLICIT"], history, { evidence })]));
    expect(card?.steps.filter(({ direction }) => direction === "to").map(({ text }) => text)).toEqual(
      ["1", "2", "3", "4", "5"].map((seq) => expect.stringContaining(`Sync cli_seq ${seq},`)),
    );
  });

  test("shows a call without a response as lost", () => {
    const [card] = cardsOf(reportOf([failedCase("send/a", ["SEND-ACCEPT"], sendWithoutResponse(1n, bytes("hi")))]));
    expect(card?.steps.map(({ direction, client }) => [direction, client])).toEqual([
      ["to", "alice"],
      ["lost", "alice"],
    ]);
  });

  test("has its calls as curl commands for the recorded bytes, with variables for credentials and user ids", () => {
    const body = bytes(`{"recipientId":"user-bob","payload":"it's"}`);
    const [card] = cardsOf(reportOf([{ ...failed, exchanges: [exchangeOf(1, "alice", "Send", body)] }], TARGET));
    expect(card?.curl.at(-1)).toBe(
      `curl -sS -i -k -H "content-type: application/json" -H "authorization: Bearer $ALICE_TOKEN" ` +
        `--data-binary '{"recipientId":"'"$BOB_ID"'","payload":"it'\\''s"}' "$URL"'/seqsync.v1.SeqSyncService/Send' | cat -v; echo`,
    );
    expect(card?.curl[0]).toBe("URL=http://127.0.0.1:8080");
    expect(card?.curl.filter((line) => line.includes("CreateAccount"))).toHaveLength(2);
  });

  test("says what curl cannot do, if the failure needs it", () => {
    const exchanges = [exchangeOf(1, "alice", "Send", bytes("{}"))];
    const firstLine = (varied: string[]) => cardsOf(reportOf([{ ...failed, exchanges, varied }], TARGET))[0]?.curl[0];
    expect(firstLine(["packets"])).toMatch(/^# curl chooses connections and packets itself/);
    expect(firstLine(["chunked"])).toMatch(/^URL=/);
  });

  test("has binary bodies as octal escapes, and counts the earlier calls of the case that are left out", () => {
    const exchanges = [exchangeOf(15, "bob", "Sync", new Uint8Array([8, 0xac, 2]))];
    const [card] = cardsOf(reportOf([{ ...failed, exchanges }], TARGET));
    expect(card?.curl.at(-1)).toMatch(/^printf '\\010\\254\\002' \| curl -sS -i -k .* --data-binary @- /);
    expect(card?.curl).toContain("# 14 earlier calls of the case are left out");
    expect(card?.steps[0]).toMatchObject({ direction: "both", text: "14 earlier calls" });
  });

  test("counts a call once that only the history has, and names the requests of overlapping calls", () => {
    const body = bytes('{"recipientId":"user-bob","clientMessageId":"id-of-a-message-10"}');
    const history = Array.from({ length: 9 }, (_, index) => syncWithResponse(BigInt(index + 1), "bob", index)).flat();
    const exchanges = [10, 11, 12, 13, 14, 15, 16].map((number) => ({
      ...exchangeOf(number, "alice", "Send", body),
      sentAtMicros: 1n << 40n,
      endedAtMicros: (1n << 40n) + 1n,
    }));
    const found = failedCase("send/a", ["SEND-ACCEPT"], history, { evidence: [] });
    const steps = cardsOf(reportOf([{ ...found, accounts, exchanges }], TARGET))[0]?.steps ?? [];
    expect(steps.filter(({ direction }) => direction === "both").map(({ text }) => text)).toEqual(["10 earlier calls"]);
    expect(steps.at(-1)?.text).toMatch(/^to Send …age-10: HTTP 400/);
  });

  test("of a missing frame ends with a note about it, which decides", () => {
    const history = syncWithResponse(1n, "bob", 1);
    const about = { expected: "a frame with svr_seq at least 3 within 5000 ms" };
    const [card] = cardsOf(reportOf([failedCase("watch/a", ["WATCH-WAKE"], history, { evidence: history, ...about })]));
    expect(card?.steps.at(-1)).toMatchObject({
      text: "no such frame within 5000 ms",
      direction: "both",
      decisive: true,
    });
    expect(card?.steps.filter(({ decisive }) => decisive)).toHaveLength(1);
  });

  test("shows of a request what is unusual, and marks the response that decided", () => {
    const requestHeaders = ["content-type: text/plain", "authorization: Basic $SEQSYNC_TOKEN", "x-user: bob"];
    const exchange = { ...exchangeOf(1, "bob", "Sync", bytes("{")), requestHeaders };
    const [card] = cardsOf(reportOf([{ ...failed, exchanges: [exchange] }], TARGET));
    expect(card?.steps).toMatchObject([
      {
        text: "Sync, body of 1 B {, with Content-Type: text/plain, with Authorization: Basic <bob's token>, with x-user: bob",
        decisive: true,
      },
      { text: 'HTTP 400, Content-Type text/plain: 2 B "no"', decisive: true },
    ]);
  });
});

const accounts = ["bob", "alice"].map((name) =>
  create(CaseAccountSchema, { name, userId: `user-${name}`, startSeq: 0 }),
);
const failed = { ...failedCase("send/a", ["SEND-ACCEPT"], []), accounts };
const TARGET = { curlArguments: ["-k"], fixtures: true };

/** A call that was answered with a plain HTTP 400. */
function exchangeOf(number: number, name: string, rpc: string, requestBody: Uint8Array): Exchange {
  return create(ExchangeSchema, {
    number,
    client: name,
    userId: `user-${name}`,
    request: `POST /seqsync.v1.SeqSyncService/${rpc}`,
    requestHeaders: ["content-type: application/json", "authorization: Bearer $SEQSYNC_TOKEN"],
    requestBody,
    requestSize: requestBody.length,
    sentAtMicros: 10n,
    endedAtMicros: 20n,
    status: 400,
    responseHeaders: ["content-type: text/plain"],
    responseBody: bytes("no"),
    responseSize: 2,
  });
}

describe("the difference between two texts", () => {
  const marked = (expected: string, actual: string) => {
    const both = difference(expected, actual);
    const show = (parts: typeof both.actual) => parts.map(({ text, same }) => (same ? text : `[${text}]`)).join("");
    return [show(both.expected), show(both.actual)];
  };

  test("marks whole numbers", () => {
    expect(marked("acked_seq 4294967293, svr 7", "acked_seq 4294967294, svr 7")).toEqual([
      "acked_seq [4294967293], svr 7",
      "acked_seq [4294967294], svr 7",
    ]);
  });

  test("marks what only one text has", () => {
    expect(marked("seqs 1, 2, 3, 4", "seqs 1, 2, 4")).toEqual(["seqs 1, 2, [3, ]4", "seqs 1, 2, 4"]);
  });

  test("marks everything if the texts share next to nothing", () => {
    expect(marked("a response", "refused with not_found (HTTP 404)")).toEqual([
      "[a response]",
      "[refused with not_found (HTTP 404)]",
    ]);
  });

  test("keeps every character of long texts", () => {
    const long = Array.from({ length: 3000 }, (_, index) => index).join(",");
    const { expected, actual } = difference(long, long.replace("1500", "x"));
    expect(expected.map(({ text }) => text).join("")).toBe(long);
    expect(actual.filter(({ same }) => !same)).toEqual([{ text: "x", same: false }]);
  });
});
