import { timestampMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { MAX_SEQ } from "../inbox.js";
import { testService } from "../testing/test-service.js";

const WINDOW = { dedupWindowMs: 60_000 };

describe("an accepted message", () => {
  test("has the sender of the credential, the id and payload as sent, and the accepted_at of the response", () => {
    const { send, sync, clock } = testService();
    const payload = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const acceptedAt = send("alice", { clientMessageId: "é 字\u0000", payload });
    expect(acceptedAt).toBe(clock.now);
    const [message] = sync("bob").messages;
    expect(message).toMatchObject({ seq: 1, senderId: "alice", clientMessageId: "é 字\u0000", payload });
    expect(message?.acceptedAt && timestampMs(message.acceptedAt)).toBe(acceptedAt);
  });

  test("may be to the sender", () => {
    const { send, sync } = testService();
    send("bob");
    expect(sync("bob").messages).toMatchObject([{ seq: 1, senderId: "bob" }]);
  });

  test("changes only the inbox of the recipient", () => {
    const { send, inbox } = testService();
    send("alice");
    expect([inbox("alice").svrSeq, inbox("bob").svrSeq, inbox("carol").svrSeq]).toEqual([0, 1, 0]);
  });
});

describe("a retry", () => {
  test("returns the accepted_at of the first attempt and creates no message, until the dedup window ends", () => {
    const { send, clock, inbox } = testService(WINDOW);
    const first = send("alice");
    clock.now += 59_999;
    expect(send("alice")).toBe(first);
    expect(inbox().svrSeq).toBe(1);
    clock.now += 1;
    expect(send("alice")).toBe(first + 60_000);
    expect(inbox().svrSeq).toBe(2);
  });

  test("is recognised after other Sends, after the ack, in a full inbox, and at the last seq", () => {
    const { send, sync, service, inbox } = testService({ maxBacklog: 2 });
    const first = send("alice");
    sync("bob", { cliSeq: 1 });
    expect(send("alice")).toBe(first);
    for (const id of ["m-2", "m-3"]) send("carol", { clientMessageId: id });
    expect(send("alice")).toBe(first);
    expect(send("carol", { clientMessageId: "m-3" })).toBe(first);
    expect(inbox().svrSeq).toBe(3);

    service.createAccount("last", "last", MAX_SEQ - 1);
    send("alice", { recipientId: "last", clientMessageId: "m-9" });
    expect(send("alice", { recipientId: "last", clientMessageId: "m-9" })).toBe(first);
  });

  test("with a different payload or recipient is refused, and changes nothing", () => {
    const { send, refusedSend, inbox } = testService();
    const first = send("alice", { payload: Buffer.from("hi") });
    const reused = "already_exists CLIENT_MESSAGE_ID_REUSED";
    expect(refusedSend("alice", { payload: Buffer.from("ho") })).toBe(reused);
    expect(refusedSend("alice", { recipientId: "carol", payload: Buffer.from("hi") })).toBe(reused);
    expect(refusedSend("alice", { recipientId: "nobody", payload: Buffer.from("hi") })).toBe(reused);
    expect([inbox("bob").svrSeq, inbox("carol").svrSeq]).toEqual([1, 0]);
    expect(send("alice", { payload: Buffer.from("hi") })).toBe(first);
  });

  test("by another sender is another message", () => {
    const { send, inbox } = testService();
    send("alice");
    send("carol");
    expect(inbox().svrSeq).toBe(2);
  });

  test("of a message that was lost with its epoch is accepted again", () => {
    const { send, sync, inbox, clock } = testService();
    const first = send("alice");
    inbox().rotate("e2");
    clock.now += 5;
    expect(send("alice")).toBe(first + 5);
    expect(send("alice")).toBe(first + 5);
    expect(sync("bob")).toMatchObject({ epoch: "e2", svrSeq: 1, messages: [{ seq: 1, clientMessageId: "m-1" }] });
  });
});

describe("limits", () => {
  test("the id has 1 to 64 bytes of UTF-8", () => {
    const { send, refusedSend, inbox } = testService();
    for (const id of ["a", "a".repeat(64), "é".repeat(32), "😀".repeat(16)]) send("alice", { clientMessageId: id });
    for (const id of ["", "a".repeat(65), "é".repeat(33), `${"😀".repeat(16)}a`]) {
      expect(refusedSend("alice", { clientMessageId: id })).toBe("invalid_argument CLIENT_MESSAGE_ID_INVALID");
    }
    expect(inbox().svrSeq).toBe(4);
  });

  test("the payload has 0 to maxPayloadBytes bytes", () => {
    const { send, refusedSend, inbox } = testService({ maxPayloadBytes: 8 });
    send("alice", { clientMessageId: "empty", payload: new Uint8Array(0) });
    send("alice", { clientMessageId: "full", payload: new Uint8Array(8) });
    expect(refusedSend("alice", { payload: new Uint8Array(9) })).toBe("invalid_argument PAYLOAD_TOO_LARGE");
    expect(inbox().svrSeq).toBe(2);
  });

  test("a Send that exceeds a limit is refused, and its id remains unused", () => {
    const { send, refusedSend, sync, service } = testService({ maxBacklog: 1, maxDedupRecords: 3 });
    service.createAccount("last", "last", MAX_SEQ);
    expect(refusedSend("alice", { recipientId: "last" })).toBe("resource_exhausted SEQ_EXHAUSTED");
    expect(refusedSend("alice", { recipientId: "nobody" })).toBe("not_found RECIPIENT_UNKNOWN");
    expect(refusedSend("alice", { recipientId: "" })).toBe("not_found RECIPIENT_UNKNOWN");
    send("carol");
    expect(refusedSend("alice")).toBe("resource_exhausted BACKLOG_FULL");
    sync("bob", { cliSeq: 1 });
    send("alice");
    send("alice", { recipientId: "carol", clientMessageId: "m-2" });
    expect(refusedSend("alice", { recipientId: "alice", clientMessageId: "m-3" })).toBe("resource_exhausted");
  });
});
