import { create } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { SyncCallSchema, SyncReturnSchema } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { judgePage } from "./page.js";

type Call = { cliSeq?: number; epoch?: string; pageSize?: number };
type Answer = { epoch?: string; ackedSeq?: number; svrSeq?: number; nextCliSeq?: number; seqs?: number[] };

/** What is said of a page, and which rules had something to say. Two messages, 4 and 5, are the right answer to Sync(3). */
function judged(call: Call, answer: Answer, maxPageSize = 0) {
  const applied: string[] = [];
  const { seqs = [4, 5], ...rest } = answer;
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
    (rule) => applied.push(rule),
  );
  return { found: found.map(({ requirement, expected, actual }) => [requirement, expected, actual]), applied };
}

describe("a page", () => {
  it.each<[string, Call, Answer, number]>([
    ["is right", {}, {}, 0],
    ["may be shorter than what is pending", {}, { seqs: [4] }, 0],
    ["may be empty when nothing is pending", { cliSeq: 5 }, { ackedSeq: 5, seqs: [] }, 0],
    ["may begin later than it was asked for", { cliSeq: 1 }, {}, 0],
    ["may be as large as was asked for", { pageSize: 2 }, {}, 0],
    ["may be as large as is declared", { pageSize: 9 }, {}, 2],
    ["may have an epoch of 1 byte", {}, { epoch: "x" }, 0],
    ["may have an epoch of 64 bytes", {}, { epoch: "é".repeat(32) }, 0],
    ["may have the epoch that was asked for", { epoch: "e" }, {}, 0],
  ])("%s", (_name, call, answer, maxPageSize) => {
    expect(judged(call, answer, maxPageSize).found).toEqual([]);
  });

  it.each<[string, Call, Answer, number, string[][]]>([
    ["without an epoch", {}, { epoch: "" }, 0, [["EPOCH-PRESENT", "an epoch of 1 to 64 bytes", "one of 0 bytes"]]],
    [
      "with an epoch of 65 bytes",
      {},
      { epoch: `${"é".repeat(32)}x` },
      0,
      [["EPOCH-PRESENT", "an epoch of 1 to 64 bytes", "one of 65 bytes"]],
    ],
    [
      "under another epoch",
      { epoch: "old" },
      {},
      0,
      [["EPOCH-MISMATCH", "a refusal with EPOCH_MISMATCH", 'an answer under epoch "e"']],
    ],
    [
      "ahead of the server",
      { cliSeq: 6 },
      { ackedSeq: 6, seqs: [] },
      0,
      [["ACK-AHEAD", "a refusal with CLI_SEQ_AHEAD", "an answer with svr_seq 5"]],
    ],
    [
      "whose base is below cli_seq",
      { cliSeq: 4 },
      {},
      0,
      [["SYNC-BASE", "an acked_seq from the request's cli_seq 4 to svr_seq 5", "3"]],
    ],
    [
      "whose base is above svr_seq",
      {},
      { ackedSeq: 6, seqs: [] },
      0,
      [["SYNC-BASE", "an acked_seq from the request's cli_seq 3 to svr_seq 5", "6"]],
    ],
    [
      "with a hole",
      {},
      { seqs: [4, 6], svrSeq: 6 },
      0,
      [["SYNC-RANGE", "5 at place 2 of the page that begins after 3", "6"]],
    ],
    [
      "that begins too late",
      {},
      { seqs: [5] },
      0,
      [["SYNC-RANGE", "4 at place 1 of the page that begins after 3", "5"]],
    ],
    [
      "with a seq twice",
      {},
      { seqs: [4, 4, 5] },
      0,
      [["SYNC-RANGE", "5 at place 2 of the page that begins after 3", "4"]],
    ],
    ["that goes on too far", {}, { svrSeq: 4 }, 0, [["SEQ-CONTIGUOUS", "nothing above 4", "a message with seq 5"]]],
    ["that ends elsewhere", {}, { seqs: [4], nextCliSeq: 5 }, 0, [["SYNC-NEXT", "4, the last message's seq", "5"]]],
    [
      "that is empty and ends elsewhere",
      { cliSeq: 5 },
      { ackedSeq: 5, seqs: [], nextCliSeq: 0 },
      0,
      [["SYNC-NEXT", "5, acked_seq, as there is no message", "0"]],
    ],
    [
      "that is empty for no reason",
      {},
      { seqs: [] },
      0,
      [["PAGE-PROGRESS", "at least message 4", "none, with svr_seq 5"]],
    ],
    ["larger than was asked for", { pageSize: 1 }, {}, 1, [["PAGE-CAP", "at most 1 messages", "2"]]],
    ["larger than is declared", {}, {}, 1, [["PAGE-MAX", "at most 1 messages", "2"]]],
  ])("%s is blamed", (_name, call, answer, maxPageSize, expected) => {
    expect(judged(call, answer, maxPageSize).found).toEqual(expected);
  });

  it("brings those rules into play that could have been broken", () => {
    const always = ["EPOCH-PRESENT", "SYNC-BASE", "SYNC-NEXT"];
    expect(judged({}, {}).applied).toEqual([...always, "SYNC-RANGE", "PAGE-PROGRESS"]);
    expect(judged({ cliSeq: 5 }, { ackedSeq: 5, seqs: [] }).applied).toEqual(always);
    expect(judged({ cliSeq: 5, pageSize: 1 }, { ackedSeq: 5, seqs: [] }).applied).toEqual([...always, "PAGE-CAP"]);
  });
});
