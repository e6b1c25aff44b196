import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  RevokeTokenRequestSchema,
  RotateEpochRequestSchema,
} from "../../proto/gen/seqsync/conformance/v1/fixture_pb.js";
import { refused } from "../testing/refusals.js";
import { TestReader, testService } from "../testing/test-service.js";
import { revokeToken, rotateEpoch } from "./fixtures.js";
import { watch } from "./watch.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A test service with a Watch of bob. The epochs are e1 for alice, e2 for bob, e3 for carol, and so on. */
function watched(room?: number) {
  let nr = 0;
  const service = testService({ heartbeatMs: 15_000, maxWatchesPerAccount: 2, newId: () => `e${++nr}` });
  const reader = new TestReader(room);
  watch(service.service, service.caller("bob"), reader);
  return { ...service, reader };
}

test("reports the state at once, and after each change of this inbox only", () => {
  const { send, sync, reader } = watched();
  expect(reader.frames).toEqual(["e2 0"]);
  send("alice", { clientMessageId: "m-1" });
  send("alice", { clientMessageId: "m-2" });
  send("bob", { recipientId: "alice", clientMessageId: "m-3" });
  send("alice", { clientMessageId: "m-2" });
  sync("bob", { cliSeq: 2 });
  expect(reader.frames).toEqual(["e2 0", "e2 1", "e2 2"]);
});

test("acks nothing", () => {
  const { send, sync } = watched();
  send("alice");
  expect(sync("bob")).toMatchObject({ ackedSeq: 0, messages: [{ seq: 1 }] });
});

test("repeats the last frame as a heartbeat, until the stream is closed", () => {
  const { reader, caller } = watched();
  vi.advanceTimersByTime(30_000);
  expect(reader.frames).toEqual(["e2 0", "e2 0", "e2 0"]);
  reader.close();
  vi.advanceTimersByTime(60_000);
  expect(reader.frames).toHaveLength(3);
  expect(caller("bob").account.watchers.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("a slow reader delays nothing, and gets only the newest state when it is ready again", () => {
  const { send, reader } = watched(1);
  for (let nr = 1; nr <= 500; nr += 1) send("alice", { clientMessageId: `m-${nr}` });
  vi.advanceTimersByTime(60_000);
  expect(reader.frames).toEqual(["e2 0"]);
  reader.resume(1);
  expect(reader.frames).toEqual(["e2 0", "e2 500"]);
  reader.resume();
  expect(reader.frames).toHaveLength(2);
  send("alice", { clientMessageId: "m-501" });
  expect(reader.frames.at(-1)).toBe("e2 501");
});

test("reports a new epoch", () => {
  const { service, send, reader } = watched();
  send("alice");
  rotateEpoch(service, create(RotateEpochRequestSchema, { userId: "bob" }));
  expect(reader.frames).toEqual(["e2 0", "e2 1", "e4 0"]);
});

describe("ends", () => {
  test("when its credential is revoked", () => {
    const { service, reader } = watched();
    revokeToken(service, create(RevokeTokenRequestSchema, { token: "alice" }));
    expect(reader.ended).toBeUndefined();
    revokeToken(service, create(RevokeTokenRequestSchema, { token: "bob" }));
    expect(reader.ended).toBe("unauthenticated CREDENTIAL_INVALID");
  });

  test("at once if the account has its maximum of Watches; a closed Watch no longer counts", () => {
    const { service, caller, reader } = watched();
    watch(service, caller("bob"), new TestReader());
    expect(refused(() => watch(service, caller("bob"), new TestReader()))).toBe("resource_exhausted");
    expect(() => watch(service, caller("alice"), new TestReader())).not.toThrow();
    reader.close();
    expect(() => watch(service, caller("bob"), new TestReader())).not.toThrow();
  });
});
