import { type Client, Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorDetailSchema, Reason } from "../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../proto/gen/seqsync/v1/message_pb.js";
import { SeqSyncService } from "../proto/gen/seqsync/v1/service_pb.js";
import { serve } from "./testing/http.js";

/** An independent client, which shares only the schema with this repository. */
let server: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  server = await serve({ maxPayloadBytes: 100_000 });
});
afterAll(() => server.close(0));

describe.each([
  { codec: "binary", useBinaryFormat: true },
  { codec: "JSON", useBinaryFormat: false },
])("a Connect client in $codec", ({ codec, useBinaryFormat }) => {
  const as = (userId: string): Client<typeof SeqSyncService> => {
    const credential: Interceptor = (next) => (request) => {
      if (userId !== "") request.header.set("Authorization", `Bearer ${userId}`);
      return next(request);
    };
    const transport = createConnectTransport({
      baseUrl: server.url,
      httpVersion: "1.1",
      useBinaryFormat,
      interceptors: [credential],
    });
    return createClient(SeqSyncService, transport);
  };
  /** Creates an account for a test. */
  const newUser = (startSeq = 0) => {
    const userId = `${codec}-${nr++}`;
    server.service.createAccount(userId, userId, startSeq);
    return userId;
  };
  let nr = 0;

  /** Returns the error of a call: the code and the details, as a client finds them. */
  async function refusal(call: Promise<unknown>) {
    const error = await call.then(() => undefined, ConnectError.from);
    if (error === undefined) throw new Error("the call succeeded");
    return { code: error.code, details: error.findDetails(ErrorDetailSchema) };
  }

  test("gets the server info", async () => {
    const info = await as("").getServerInfo({});
    expect(info).toMatchObject({ specVersion: "1.0", profiles: [Profile.CORE, Profile.JSON, Profile.WATCH] });
    expect(info.dedupWindow).toMatchObject({ seconds: 600n });
  });

  test("sends, fetches, and acks with the next Sync", async () => {
    const bob = newUser();
    const payload = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256);
    const { acceptedAt } = await as("alice").send({ recipientId: bob, clientMessageId: `${bob}-1`, payload });
    const retried = await as("alice").send({ recipientId: bob, clientMessageId: `${bob}-1`, payload });
    expect(retried.acceptedAt).toEqual(acceptedAt);
    const page = await as(bob).sync({});
    expect(page).toMatchObject({ svrSeq: 1, ackedSeq: 0, nextCliSeq: 1 });
    expect(page.messages).toMatchObject([
      { seq: 1, senderId: "alice", clientMessageId: `${bob}-1`, payload, acceptedAt },
    ]);
    const closing = await as(bob).sync({ cliSeq: page.nextCliSeq, epoch: page.epoch });
    expect(closing).toMatchObject({ svrSeq: 1, ackedSeq: 1, nextCliSeq: 1, messages: [] });
  });

  test("reads seqs above 2147483647", async () => {
    const bob = newUser(4_294_967_294);
    await as("alice").send({ recipientId: bob, clientMessageId: `${bob}-1` });
    expect(await as(bob).sync({ cliSeq: 4_294_967_294 })).toMatchObject({
      svrSeq: 4_294_967_295,
      messages: [{ seq: 4_294_967_295 }],
    });
  });

  test("finds the reason and the state in the detail of an error", async () => {
    const bob = newUser(7);
    const { epoch } = await as(bob).sync({});
    expect(await refusal(as(bob).sync({ cliSeq: 8 }))).toMatchObject({
      code: Code.OutOfRange,
      details: [{ reason: Reason.CLI_SEQ_AHEAD, svrSeq: 7, epoch }],
    });
    expect(await refusal(as(bob).sync({ epoch: "another" }))).toMatchObject({
      code: Code.FailedPrecondition,
      details: [{ reason: Reason.EPOCH_MISMATCH, svrSeq: 7, epoch }],
    });
    expect(await refusal(as("nobody").sync({}))).toMatchObject({
      code: Code.Unauthenticated,
      details: [{ reason: Reason.CREDENTIAL_INVALID }],
    });
    expect(await refusal(as("alice").send({ recipientId: "nobody", clientMessageId: "m" }))).toMatchObject({
      code: Code.NotFound,
      details: [{ reason: Reason.RECIPIENT_UNKNOWN }],
    });
  });

  test("watches, and cancels the Watch", async () => {
    const bob = newUser();
    const stop = new AbortController();
    const seen: number[] = [];
    const watching = (async () => {
      for await (const { svrSeq } of as(bob).watch({}, { signal: stop.signal })) {
        seen.push(svrSeq);
        if (svrSeq === 2) stop.abort();
        else await as("alice").send({ recipientId: bob, clientMessageId: `${bob}-${svrSeq}` });
      }
    })();
    expect((await refusal(watching)).code).toBe(Code.Canceled);
    expect(seen).toEqual([0, 1, 2]);
    const { watchers } = server.service.accounts.authenticate(`Bearer ${bob}`).account;
    await expect.poll(() => watchers.size).toBe(0);
  });

  test("finds in the end-of-stream message why a Watch was refused or ended", async () => {
    const read = async (userId: string, onFrame = () => {}) => {
      for await (const _ of as(userId).watch({})) onFrame();
    };
    const refused = { code: Code.Unauthenticated, details: [{ reason: Reason.CREDENTIAL_INVALID }] };
    expect(await refusal(read("nobody"))).toMatchObject(refused);
    const bob = newUser();
    expect(await refusal(read(bob, () => server.service.accounts.revoke(bob)))).toMatchObject(refused);
  });
});
