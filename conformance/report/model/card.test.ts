import { describe, expect, test } from "vitest";
import { Outcome } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
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
      link: "docs/spec/ack.md#ack-implicit",
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
      ["1", "3", "4", "5"].map((seq) => expect.stringContaining(`Sync(${seq},`)),
    );
  });

  test("shows a call without a response as lost", () => {
    const [card] = cardsOf(reportOf([failedCase("send/a", ["SEND-ACCEPT"], sendWithoutResponse(1n, bytes("hi")))]));
    expect(card?.steps.map(({ direction, client }) => [direction, client])).toEqual([
      ["to", "alice"],
      ["lost", "alice"],
    ]);
  });

  test("has its unary calls as curl commands in JSON, with the token as a variable and everything else quoted", () => {
    const history = [...sendWithoutResponse(1n, bytes("it's")), ...syncWithResponse(2n, "bob's phone", 3, "e'1")];
    const [card] = cardsOf(reportOf([failedCase("send/a", ["SEND-ACCEPT"], history)]));
    const head = `curl -sS -i -H "Authorization: Bearer $SEQSYNC_TOKEN" -H 'Content-Type: application/json'`;
    expect(card?.curl).toEqual([
      {
        caller: "alice, account user-alice",
        command: `${head} -d '{"recipientId":"user-bob","clientMessageId":"id-1","payload":"aXQncw=="}' 'http://127.0.0.1:8080/seqsync.v1.SeqSyncService/Send'`,
      },
      {
        caller: "bob's phone, account user-bob",
        command: `${head} -d '{"cliSeq":3,"epoch":"e'\\''1"}' 'http://127.0.0.1:8080/seqsync.v1.SeqSyncService/Sync'`,
      },
    ]);
  });

  test("has binary curl commands for a server without JSON, and none for a truncated payload", () => {
    const history = [...sendWithoutResponse(1n, Buffer.alloc(32), 5000), ...syncWithResponse(2n, "bob", 300, "")];
    const [card] = cardsOf(reportOf([failedCase("send/a", ["SEND-ACCEPT"], history)], { profiles: ["CORE"] }));
    expect(card?.curl.map(({ command }) => command)).toEqual([
      `printf '\\010\\254\\002' | curl -sS -i -H "Authorization: Bearer $SEQSYNC_TOKEN" -H 'Content-Type: application/proto' --data-binary @- 'http://127.0.0.1:8080/seqsync.v1.SeqSyncService/Sync'`,
    ]);
  });
});

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
