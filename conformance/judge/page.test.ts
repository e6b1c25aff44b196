import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { SyncCallSchema, SyncReturnSchema } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { judgePage } from "./page.js";

type Call = { cliSeq?: number; epoch?: string; pageSize?: number };
type Response = { epoch?: string; ackedSeq?: number; svrSeq?: number; nextCliSeq?: number; seqs?: number[] };

/**
 * The violations of a page, and the exercised rules. By default the page holds messages 4 and 5 in response to Sync(3).
 */
function judged(call: Call, response: Response, maxPageSize = 0) {
  const exercised: string[] = [];
  const { seqs = [4, 5], ...rest } = response;
  const found = judgePage(
    create(SyncCallSchema, { cliSeq: 3, ...call }),
    create(SyncReturnSchema, {
      epoch: "e",
      ackedSeq: 3,
      svrSeq: 5,
      nextCliSeq: seqs.at(-1) ?? rest.ackedSeq ?? 3,
      messages: seqs.map((seq) => ({ seq })),
      ...rest,
    }),
    maxPageSize,
    (rule) => exercised.push(rule),
  );
  return { found: found.map(({ requirement, expected, actual }) => [requirement, expected, actual]), exercised };
}

describe("a page", () => {
  it.each<[string, Call, Response, number]>([
    ["may hold all pending messages", {}, {}, 0],
    ["may hold a part of the pending messages", {}, { seqs: [4] }, 0],
    ["may be empty if no message is pending", { cliSeq: 5 }, { ackedSeq: 5, seqs: [] }, 0],
    ["may begin above cli_seq", { cliSeq: 1 }, {}, 0],
    ["may be as large as page_size", { pageSize: 2 }, {}, 0],
    ["may be as large as max_page_size", { pageSize: 9 }, {}, 2],
    ["may have an epoch of 1 byte", {}, { epoch: "x" }, 0],
    ["may have an epoch of 64 bytes", {}, { epoch: "é".repeat(32) }, 0],
    ["may have the epoch of the request", { epoch: "e" }, {}, 0],
  ])("%s", (_name, call, response, maxPageSize) => {
    expect(judged(call, response, maxPageSize).found).toEqual([]);
  });

  it.each<[string, Call, Response, number, string[][]]>([
    ["without an epoch", {}, { epoch: "" }, 0, [["EPOCH-PRESENT", "epoch: 1 to 64 bytes", "epoch: 0 bytes"]]],
    [
      "with an epoch of 65 bytes",
      {},
      { epoch: `${"é".repeat(32)}x` },
      0,
      [["EPOCH-PRESENT", "epoch: 1 to 64 bytes", "epoch: 65 bytes"]],
    ],
    [
      "under another epoch",
      { epoch: "old" },
      {},
      0,
      [["EPOCH-MISMATCH", "a refusal with EPOCH_MISMATCH", 'a page with epoch "e" to a Sync with epoch "old"']],
    ],
    [
      "for a cli_seq above svr_seq",
      { cliSeq: 6 },
      { ackedSeq: 6, seqs: [] },
      0,
      [["ACK-AHEAD", "a refusal with CLI_SEQ_AHEAD", "a page with svr_seq 5"]],
    ],
    [
      "with an acked_seq below cli_seq",
      { cliSeq: 4 },
      {},
      0,
      [["SYNC-BASE", "acked_seq: from 4, the cli_seq of the request, to 5, the svr_seq", "acked_seq: 3"]],
    ],
    [
      "with an acked_seq above svr_seq",
      {},
      { ackedSeq: 6, seqs: [] },
      0,
      [["SYNC-BASE", "acked_seq: from 3, the cli_seq of the request, to 5, the svr_seq", "acked_seq: 6"]],
    ],
    [
      "with a gap",
      {},
      { seqs: [4, 6], svrSeq: 6 },
      0,
      [["SYNC-RANGE", "seq of message 2 of the page: 5, after acked_seq 3", "seq of message 2 of the page: 6"]],
    ],
    [
      "without the first message",
      {},
      { seqs: [5] },
      0,
      [["SYNC-RANGE", "seq of message 1 of the page: 4, after acked_seq 3", "seq of message 1 of the page: 5"]],
    ],
    [
      "with a duplicate seq",
      {},
      { seqs: [4, 4, 5] },
      0,
      [["SYNC-RANGE", "seq of message 2 of the page: 5, after acked_seq 3", "seq of message 2 of the page: 4"]],
    ],
    ["beyond svr_seq", {}, { svrSeq: 4 }, 0, [["SEQ-CONTIGUOUS", "seq: at most 4, the svr_seq", "seq: 5"]]],
    [
      "with a wrong next_cli_seq",
      {},
      { seqs: [4], nextCliSeq: 5 },
      0,
      [["SYNC-NEXT", "next_cli_seq: 4, the seq of the last message", "next_cli_seq: 5"]],
    ],
    [
      "that is empty and has a wrong next_cli_seq",
      { cliSeq: 5 },
      { ackedSeq: 5, seqs: [], nextCliSeq: 0 },
      0,
      [["SYNC-NEXT", "next_cli_seq: 5, the acked_seq, because the page is empty", "next_cli_seq: 0"]],
    ],
    [
      "that is empty although messages are pending",
      {},
      { seqs: [] },
      0,
      [["PAGE-PROGRESS", "messages: at least message 4, because svr_seq is 5", "messages: none"]],
    ],
    [
      "larger than page_size",
      { pageSize: 1 },
      {},
      1,
      [["PAGE-CAP", "number of messages: at most 1", "number of messages: 2"]],
    ],
    ["larger than max_page_size", {}, {}, 1, [["PAGE-MAX", "number of messages: at most 1", "number of messages: 2"]]],
  ])("%s is blamed", (_name, call, response, maxPageSize, expected) => {
    expect(judged(call, response, maxPageSize).found).toEqual(expected);
  });

  it("exercises the rules that it could have violated", () => {
    const always = ["EPOCH-PRESENT", "SYNC-BASE", "SYNC-NEXT"];
    expect(judged({}, {}).exercised).toEqual([...always, "SYNC-RANGE", "PAGE-PROGRESS"]);
    expect(judged({ cliSeq: 5 }, { ackedSeq: 5, seqs: [] }).exercised).toEqual(always);
    expect(judged({ cliSeq: 5, pageSize: 1 }, { ackedSeq: 5, seqs: [] }).exercised).toEqual([...always, "PAGE-CAP"]);
  });
});
