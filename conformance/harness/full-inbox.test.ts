import { expect, test, vi } from "vitest";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { RetriesExhausted, Violation } from "../findings.js";
import type { TestAccount } from "./account.js";
import type { Context } from "./context.js";
import { expectReasonOfFullInbox } from "./full-inbox.js";

const bare = () => Promise.reject(new RetriesExhausted("resource_exhausted"));
const busy = () => Promise.reject(new RetriesExhausted("HTTP 503"));
const taken = () => Promise.resolve({ kind: "response" as const, value: "taken" });
const bob = { name: "bob" } as TestAccount;

/** What becomes of a first Send to bob, of one to him alone, and of those that alice sends herself. */
async function ending(first: () => Promise<unknown>, alone = bare, others: () => Promise<unknown> = taken) {
  const alice = { trySend: vi.fn(alone), send: vi.fn(others) };
  const fail = (requirement: string, message: string, expected: string, actual: string) => {
    throw new Violation({ requirement, message, expected, actual, evidence: [] } as never, false);
  };
  const sends = [taken(), first()] as never;
  const end = await expectReasonOfFullInbox(
    { alice, fail } as unknown as Context,
    bob,
    sends,
    "SEND-BACKLOG",
    Reason.BACKLOG_FULL,
  ).catch((error: unknown) => error);
  return { end, asked: alice.trySend.mock.calls.length + alice.send.mock.calls.length };
}

test("Sends that are answered are handed on", async () => {
  const { end, asked } = await ending(taken);
  expect(end).toEqual([await taken(), await taken()]);
  expect(asked).toBe(0);
});

test("an inbox that asks for another try for ever, while another takes Sends, has not told its reason", async () => {
  const { end } = await ending(bare);
  expect(end).toMatchObject({
    finding: { requirement: "SEND-BACKLOG", expected: "resource_exhausted with the reason BACKLOG_FULL" },
  });
});

test("a server that asks for another try everywhere is not blamed", async () => {
  expect((await ending(bare, bare, bare)).end).toBeInstanceOf(RetriesExhausted);
});

test("nor is one that does not so after a while, or only before other Sends", async () => {
  expect((await ending(bare, taken as never)).end).toBeInstanceOf(RetriesExhausted);
  const others = vi
    .fn(taken as () => Promise<unknown>)
    .mockImplementationOnce(taken)
    .mockImplementationOnce(bare);
  expect((await ending(bare, bare, others)).end).toBeInstanceOf(RetriesExhausted);
});

test("nor one that does so with other words, which a proxy may say", async () => {
  const { end, asked } = await ending(busy);
  expect(end).toMatchObject({ why: "HTTP 503" });
  expect(asked).toBe(0);
  expect((await ending(bare, busy as never)).end).toMatchObject({ why: "HTTP 503" });
});
