import { expect, test, vi } from "vitest";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { newFinding, RetriesExhausted, Violation, type ViolationDetail } from "../findings.js";
import type { TestAccount } from "./account.js";
import type { Context } from "./context.js";
import { expectReasonOfFullInbox } from "./full-inbox.js";

const exhausted = () => Promise.reject(new RetriesExhausted("resource_exhausted", "resource_exhausted"));
const unavailable = () => Promise.reject(new RetriesExhausted("HTTP 503"));
const accepted = () => Promise.resolve({ kind: "response" as const, value: "accepted" });
const bob = { name: "bob" } as TestAccount;

/**
 * Calls `expectReasonOfFullInbox` with two Sends to bob, and returns its outcome. `second` makes the second Send,
 * `alone` the later single Send to bob, and `others` the Sends of alice to herself.
 */
async function run(second: () => Promise<unknown>, alone = exhausted, others: () => Promise<unknown> = accepted) {
  const alice = { trySend: vi.fn(alone), send: vi.fn(others) };
  const fail = (requirement: string, message: string, expected: string, actual: string) => {
    throw new Violation(newFinding({ requirement, message, expected, actual } as ViolationDetail, [], false));
  };
  const sends = [accepted(), second()] as never;
  const outcome = await expectReasonOfFullInbox(
    { alice, fail } as unknown as Context,
    bob,
    sends,
    "SEND-BACKLOG",
    Reason.BACKLOG_FULL,
  ).catch((error: unknown) => error);
  return { outcome, calls: alice.trySend.mock.calls.length + alice.send.mock.calls.length };
}

test("definite results are returned", async () => {
  const { outcome, calls } = await run(accepted);
  expect(outcome).toEqual([await accepted(), await accepted()]);
  expect(calls).toBe(0);
});

test("resource_exhausted for one inbox only, without a reason, is a violation", async () => {
  const { outcome } = await run(exhausted);
  expect(outcome).toMatchObject({
    finding: { requirement: "SEND-BACKLOG", expected: "resource_exhausted with the reason BACKLOG_FULL" },
  });
});

test("resource_exhausted for every inbox is a rate limit", async () => {
  expect((await run(exhausted, exhausted, exhausted)).outcome).toBeInstanceOf(RetriesExhausted);
});

test("resource_exhausted that stops, or that later also affects other inboxes, is a rate limit", async () => {
  expect((await run(exhausted, accepted as never)).outcome).toBeInstanceOf(RetriesExhausted);
  const others = vi
    .fn(accepted as () => Promise<unknown>)
    .mockImplementationOnce(accepted)
    .mockImplementationOnce(exhausted);
  expect((await run(exhausted, exhausted, others)).outcome).toBeInstanceOf(RetriesExhausted);
});

test("any other retryable error may come from a proxy", async () => {
  const { outcome, calls } = await run(unavailable);
  expect(outcome).toMatchObject({ why: "HTTP 503" });
  expect(calls).toBe(0);
  expect((await run(exhausted, unavailable as never)).outcome).toMatchObject({ why: "HTTP 503" });
});
