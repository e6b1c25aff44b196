import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  CreateAccountRequestSchema,
  RevokeTokenRequestSchema,
  RotateEpochRequestSchema,
  StepClockRequestSchema,
} from "../../proto/gen/seqsync/conformance/v1/fixture_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { MAX_SEQ } from "../inbox.js";
import { refused } from "../testing/refusals.js";
import { testService } from "../testing/test-service.js";
import { createAccount, revokeToken, rotateEpoch, stepClock } from "./fixtures.js";
import { getServerInfo } from "./get-server-info.js";

test("CreateAccount creates another account each time, with the requested start_seq", () => {
  const { service } = testService();
  const made = [0, 2 ** 31 - 1, MAX_SEQ].map((startSeq) => {
    const { userId, token } = createAccount(service, create(CreateAccountRequestSchema, { startSeq }));
    const { account } = service.accounts.authenticate(`Bearer ${token}`);
    expect(account.userId).toBe(userId);
    expect(account.inbox).toMatchObject({ svrSeq: startSeq, ackedSeq: startSeq });
    return [userId, token, account.inbox.epoch];
  });
  expect(new Set(made.flat()).size).toBe(9);
});

test("RotateEpoch deletes the messages, keeps the credential, and never uses an epoch twice", () => {
  const { service, send, sync, inbox } = testService();
  const epochs = new Set([inbox().epoch]);
  for (let nr = 1; nr <= 20; nr += 1) {
    send("alice", { clientMessageId: `m-${nr}` });
    rotateEpoch(service, create(RotateEpochRequestSchema, { userId: "bob" }));
    expect(sync("bob")).toMatchObject({ svrSeq: 0, ackedSeq: 0, messages: [] });
    epochs.add(inbox().epoch);
  }
  expect(epochs.size).toBe(21);
  expect(refused(() => rotateEpoch(service, create(RotateEpochRequestSchema, { userId: "nobody" })))).toBe("not_found");
});

test("RevokeToken revokes a token once", () => {
  const { service, caller } = testService();
  const request = create(RevokeTokenRequestSchema, { token: "bob" });
  revokeToken(service, request);
  expect(refused(() => caller("bob"))).toBe("unauthenticated CREDENTIAL_INVALID");
  expect(refused(() => revokeToken(service, request))).toBe("not_found");
});

test("GetServerInfo returns the limits of the server", () => {
  const { service } = testService({
    maxPageSize: 7,
    maxPayloadBytes: 9,
    dedupWindowMs: 1500,
    profiles: [Profile.JSON],
  });
  expect(getServerInfo(service)).toMatchObject({
    specVersion: "1.0",
    profiles: [Profile.CORE, Profile.JSON],
    maxPageSize: 7,
    maxPayloadBytes: 9,
    dedupWindow: { seconds: 1n, nanos: 500_000_000 },
  });
});

describe("StepClock", () => {
  const HOUR = 3_600_000;
  const step = (service: Parameters<typeof stepClock>[0], offsetMs: number) =>
    stepClock(service, create(StepClockRequestSchema, { offsetMs }));

  test("moves accepted_at, and an offset replaces the earlier one", () => {
    const { service, clock, send } = testService();
    step(service, -HOUR);
    expect(send("alice", { clientMessageId: "m-1" })).toBe(clock.now - HOUR);
    step(service, 2 * HOUR);
    expect(send("alice", { clientMessageId: "m-2" })).toBe(clock.now + 2 * HOUR);
    step(service, 0);
    expect(send("alice", { clientMessageId: "m-3" })).toBe(clock.now);
  });

  test("leaves messages, acks and the order of new messages alone", () => {
    const { service, send, sync } = testService();
    for (const [index, offset] of [0, -HOUR, 24 * HOUR, -24 * HOUR].entries()) {
      step(service, offset);
      send("alice", { clientMessageId: `m-${index}` });
      expect(sync("bob", { cliSeq: Math.max(0, index - 1) }).messages.map(({ seq }) => seq)).toEqual(
        index === 0 ? [1] : [index, index + 1],
      );
    }
  });

  test("ends no window when it goes back, and ends it earlier when it goes forward", () => {
    const { service, send, sync } = testService({ dedupWindowMs: HOUR });
    const first = send("alice");
    for (const offset of [HOUR / 2, 0, -24 * HOUR]) {
      step(service, offset);
      expect(send("alice")).toBe(first);
    }
    step(service, HOUR);
    expect(send("alice")).toBe(first + HOUR);
    expect(sync("bob").svrSeq).toBe(2);
  });

  test("refuses an offset of more than seven days", () => {
    const { service } = testService();
    for (const offset of [604_800_001, -604_800_001])
      expect(refused(() => step(service, offset))).toBe("invalid_argument");
    for (const offset of [604_800_000, -604_800_000]) {
      step(service, offset);
      expect(service.clockOffsetMs).toBe(offset);
    }
  });
});
