import { describe, expect, test } from "vitest";
import { Outcome } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { REQUIREMENTS } from "../../requirements/requirements.js";
import { bytes, ended, failed, reportOf, sendLost, syncs } from "../../selftest/support/sample-report.js";
import { cardsOf } from "./card.js";
import { difference } from "./difference.js";

describe("a failure card", () => {
  test("comes once for each requirement, what shows first in most cases before what follows from it", () => {
    const cards = cardsOf(
      reportOf([
        failed("sync/a", ["SYNC-BASE", "ACK-MONOTONE"]),
        failed("ack/a", ["ACK-NOT-ON-ANSWER", "SYNC-BASE"]),
        failed("ack/b", ["ACK-NOT-ON-ANSWER", "SYNC-BASE"]),
        ended("ack/c", Outcome.PASS),
      ]),
    );
    expect(cards.map(({ requirement }) => requirement)).toEqual(["ACK-NOT-ON-ANSWER", "SYNC-BASE", "ACK-MONOTONE"]);
    expect(cards.map(({ others }) => others)).toEqual([["ack/b"], ["ack/a", "ack/b"], []]);
  });

  test("comes after all MUSTs if it is of a SHOULD", () => {
    const cards = cardsOf(
      reportOf([
        failed("http/a", ["HTTP-MALFORMED-REASON"]),
        failed("http/b", ["HTTP-MALFORMED-REASON"]),
        failed("ack/a", ["ACK-IMPLICIT"]),
      ]),
    );
    expect(cards.map(({ level }) => level)).toEqual(["MUST", "SHOULD"]);
  });

  test("shows the case that is named for the requirement rather than one that came upon it", () => {
    const passing = { ...failed("page/a", ["ACK-IMPLICIT"]), requirements: ["PAGE-CAP"] };
    expect(cardsOf(reportOf([passing, failed("ack/a", ["ACK-IMPLICIT"])]))[0]?.caseId).toBe("ack/a");
  });

  test("has the sentence, and a link below the base that one gives", () => {
    const report = reportOf([failed("ack/a", ["ACK-IMPLICIT"])]);
    expect(cardsOf(report)[0]).toMatchObject({
      sentence: REQUIREMENTS["ACK-IMPLICIT"].sentence,
      link: "docs/spec/ack.md#ack-implicit",
    });
    expect(cardsOf(report, { spec: "https://example.org/spec" })[0]?.link).toBe(
      "https://example.org/spec/ack.md#ack-implicit",
    );
  });

  test("shows what led up to a short proof, without leaving out what proves it", () => {
    const history = [1n, 2n, 3n, 4n, 5n, 6n].flatMap((op) => syncs(op, "bob", Number(op)));
    const evidence = [...history.slice(0, 2), ...history.slice(8, 10)];
    const [card] = cardsOf(reportOf([failed("ack/a", ["ACK-IMPLICIT"], history, { evidence })]));
    expect(card?.steps.filter(({ direction }) => direction === "to").map(({ text }) => text)).toEqual(
      ["1", "3", "4", "5"].map((seq) => expect.stringContaining(`Sync(${seq},`)),
    );
  });

  test("shows lost answers as lost", () => {
    const [card] = cardsOf(reportOf([failed("send/a", ["SEND-ACCEPT"], sendLost(1n, bytes("hi")))]));
    expect(card?.steps.map(({ direction, client }) => [direction, client])).toEqual([
      ["to", "alice"],
      ["lost", "alice"],
    ]);
  });

  test("gives its unary calls as curl lines in JSON, with the token as a variable and all else quoted", () => {
    const history = [...sendLost(1n, bytes("it's")), ...syncs(2n, "bob's phone", 3, "e'1")];
    const [card] = cardsOf(reportOf([failed("send/a", ["SEND-ACCEPT"], history)]));
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

  test("gives bytes where the server speaks no JSON, and no command where a payload was not kept whole", () => {
    const history = [...sendLost(1n, Buffer.alloc(32), 5000), ...syncs(2n, "bob", 300, "")];
    const [card] = cardsOf(reportOf([failed("send/a", ["SEND-ACCEPT"], history)], { profiles: ["CORE"] }));
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

  test("marks whole numbers, however few digits differ", () => {
    expect(marked("acked_seq 4294967293, svr 7", "acked_seq 4294967294, svr 7")).toEqual([
      "acked_seq [4294967293], svr 7",
      "acked_seq [4294967294], svr 7",
    ]);
  });

  test("marks what only one has", () => {
    expect(marked("seqs 1, 2, 3, 4", "seqs 1, 2, 4")).toEqual(["seqs 1, 2, [3, ]4", "seqs 1, 2, 4"]);
  });

  test("marks all where next to nothing is shared", () => {
    expect(marked("an answer", "refused with not_found (HTTP 404)")).toEqual([
      "[an answer]",
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
