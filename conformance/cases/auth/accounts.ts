import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { SyncResponse, WatchResponse } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import {
  emptyBody,
  expectRawRefusal,
  expectResponse,
  METHOD,
  pathOf,
  type RawResponse,
  rawCall,
  rpcsOf,
  sendOf,
  syncOf,
} from "../../harness/raw-calls.js";
import { expectDecodable, expectFirstFrame, rawWatch } from "../../harness/raw-watch.js";
import { envelope } from "../../rpc/envelope.js";
import { Transport } from "../../transport/http.js";

/** Authentication: the credential alone determines the account. */
export const authAccounts: readonly Case[] = [
  {
    // § AUTH-CREDENTIAL-ONLY: The account for which Send, Sync and Watch act MUST be the account of the credential,
    // § whatever else the request holds.
    id: "auth/nothing-else-selects-an-account",
    title: "Headers and cookies that name another account do not change the account of a Sync, Send or Watch",
    requirements: ["AUTH-CREDENTIAL-ONLY", "AUTH-SENDER"],
    async run(t) {
      const { bob, alice } = t;
      const note = await bob.send(alice, "for alice");
      await alice.send(bob, "for bob");
      const page = await alice.device().sync();
      const namingHeaders = [
        ...accountHeaders(bob),
        ...cookieHeaders(await rawCall(t, "AUTH-CREDENTIAL-ONLY", syncOf(t, bob))),
      ];
      for (const headers of namingHeaders) {
        const what = `alice's Sync with a header ${Object.keys(headers)[0]} that names bob`;
        const response = await rawCall(t, "AUTH-CREDENTIAL-ONLY", { ...syncOf(t, alice), headers });
        const seen = expectResponse(t, "AUTH-CREDENTIAL-ONLY", METHOD.Sync.output, response, what);
        t.page(seen, page.svrSeq, [note], "AUTH-CREDENTIAL-ONLY", `${what} did not return alice's inbox`);
      }
      for (const headers of rpcsOf(t).includes("Watch") ? namingHeaders : []) {
        const what = `alice's Watch with a header ${Object.keys(headers)[0]} that names bob`;
        const seen = await rawWatch(t, { token: alice.token, headers, until: "a frame" });
        expectFrameOf(t, page, expectFirstFrame(t, "AUTH-CREDENTIAL-ONLY", seen, what), what);
      }
      const sent = [];
      for (const headers of namingHeaders) {
        const { send, ...call } = sendOf(t, alice, bob, { payload: Buffer.from(`with ${Object.keys(headers)[0]}`) });
        const response = await rawCall(t, "AUTH-CREDENTIAL-ONLY", { ...call, headers });
        const { acceptedAt } = expectResponse(
          t,
          "AUTH-CREDENTIAL-ONLY",
          METHOD.Send.output,
          response,
          "alice's Send with a header that names bob",
        );
        sent.push({ ...send, acceptedAt });
      }
      const got = await bob.device().drain();
      const senders = got.slice(1).map(({ senderId }) => senderId);
      t.equal(
        { senderIds: senders },
        { senderIds: sent.map(() => alice.userId) },
        "AUTH-CREDENTIAL-ONLY",
        "a header changed the sender of a message",
      );
    },
  },
  {
    id: "auth/query-selects-nobody",
    title: "A query that names another account does not change the account of a Sync, Send or Watch",
    requirements: ["AUTH-CREDENTIAL-ONLY", "AUTH-SENDER"],
    async run(t) {
      const { bob, alice } = t;
      const note = await bob.send(alice, "for alice");
      await alice.send(bob, "for bob");
      const state = await alice.state();
      const { userId } = bob;
      const query = `?${new URLSearchParams({ user_id: userId, userId, user: userId, account: userId, as: userId })}`;
      const [sync, send] = [syncOf(t, alice), sendOf(t, alice, bob)];
      const page = await rawCall(t, "AUTH-CREDENTIAL-ONLY", { ...sync, path: pathOf("Sync") + query });
      // A server may treat a path with a query as unknown.
      if (page.status === 200) {
        const what = "alice's Sync with a query that names bob";
        const seen = expectResponse(t, "AUTH-CREDENTIAL-ONLY", METHOD.Sync.output, page, what);
        t.page(seen, state.svrSeq, [note], "AUTH-CREDENTIAL-ONLY", `${what} did not return alice's inbox`);
      }
      const sent = await rawCall(t, "AUTH-CREDENTIAL-ONLY", { ...send, path: pathOf("Send") + query });
      const senders = (await bob.device().drain()).map(({ senderId }) => senderId);
      const expected = sent.status === 200 ? [alice.userId, alice.userId] : [alice.userId];
      t.equal(
        { senderIds: senders },
        { senderIds: expected },
        "AUTH-CREDENTIAL-ONLY",
        "a query changed the sender of a message",
      );
      if (!rpcsOf(t).includes("Watch")) return;
      const {
        envelopes: [frame],
      } = await rawWatch(t, { token: alice.token, query, until: "a frame" });
      if (frame?.flags === 0)
        expectFrameOf(t, state, expectDecodable(t, frame), "alice's Watch with a query that names bob");
    },
  },
  {
    id: "auth/unknown-fields-select-nobody",
    title: "Unknown fields that hold another account's user id do not change the account of a Sync, Send or Watch",
    requirements: ["AUTH-CREDENTIAL-ONLY", "AUTH-SENDER"],
    async run(t) {
      const { bob, alice } = t;
      const note = await bob.send(alice, "for alice");
      await alice.send(bob, "for bob");
      const state = await alice.state();
      const sync = syncOf(t, alice);
      const response = await rawCall(t, "AUTH-CREDENTIAL-ONLY", { ...sync, body: withUserFields(t, sync.body, bob) });
      const what = "alice's Sync with unknown fields that name bob";
      const page = expectResponse(t, "AUTH-CREDENTIAL-ONLY", METHOD.Sync.output, response, what);
      t.page(page, state.svrSeq, [note], "AUTH-CREDENTIAL-ONLY", `${what} did not return alice's inbox`);

      const send = sendOf(t, alice, bob);
      const accepted = await rawCall(t, "AUTH-CREDENTIAL-ONLY", { ...send, body: withUserFields(t, send.body, bob) });
      const sendText = "alice's Send with unknown fields that name bob";
      expectResponse(t, "AUTH-CREDENTIAL-ONLY", METHOD.Send.output, accepted, sendText);
      const [, got] = await bob.device().drain();
      t.equal(
        { senderId: got?.senderId },
        { senderId: alice.userId },
        "AUTH-CREDENTIAL-ONLY",
        "an unknown field changed the sender of a message",
      );

      if (!rpcsOf(t).includes("Watch")) return;
      const body = envelope(withUserFields(t, emptyBody(t.session.codec), bob));
      const watch = await rawWatch(t, { token: alice.token, body, until: "a frame" });
      const watchText = "alice's Watch with unknown fields that name bob";
      expectFrameOf(t, state, expectFirstFrame(t, "AUTH-CREDENTIAL-ONLY", watch, watchText), watchText);
    },
  },
  {
    // § AUTH-SENDER: `sender_id` of a delivered message MUST be the user id of the account whose credential was used to
    // § send it.
    id: "auth/sender-is-the-account-of-the-credential",
    title: "Messages of two senders, one of them the recipient, are delivered with the sender_id of their sender",
    requirements: ["AUTH-SENDER"],
    async run(t) {
      const { bob, alice } = t;
      for (let n = 0; n < 7; n += 1) {
        await alice.send(bob);
        await bob.send(bob);
      }
      const senders = (await bob.device().drain(2)).map(({ senderId }) => senderId);
      const expected = Array.from({ length: 7 }, () => [alice.userId, bob.userId]).flat();
      t.equal(
        { senderIds: senders },
        { senderIds: expected },
        "AUTH-SENDER",
        "the sender_id of a delivered message is not the account that sent it",
      );
    },
  },
  {
    // § AUTH-ISOLATION: A Sync MUST NOT deliver a message that was not sent to the caller's account, and MUST NOT
    // § change any inbox but the caller's.
    id: "auth/inboxes-are-apart",
    title: "Two accounts send to each other; each account receives and acks only its own messages",
    requirements: ["AUTH-ISOLATION"],
    async run(t) {
      const { bob, alice } = t;
      const [toBob, toAlice] = [await alice.sendMany(bob, 3), await bob.sendMany(alice, 3)];
      const phone = bob.device("phone");
      const page = await phone.fetch();
      t.page(page, bob.base + 1, toBob, "AUTH-ISOLATION", "bob's page does not hold exactly the messages sent to him");
      await t.unchanged(alice, "AUTH-ISOLATION", "bob's Sync", async () => {
        await phone.sync();
      });
      const alicesPage = await alice.device("phone").sync();
      const violation = "alice's page does not hold exactly the messages sent to her";
      t.page(alicesPage, alice.base + 1, toAlice, "AUTH-ISOLATION", violation);
    },
  },
  {
    id: "auth/many-callers-at-once",
    title:
      "30 concurrent Syncs, of two accounts and without a credential, each get the response for their own credential",
    requirements: ["AUTH-ISOLATION", "AUTH-REQUIRED"],
    async run(t) {
      const { bob, alice } = t;
      const toBob = await alice.send(bob, "for bob");
      const toAlice = await bob.send(alice, "for alice");
      await Promise.all(
        Array.from({ length: 30 }, async (_, n) => {
          const [caller, sent] = n % 3 === 0 ? [alice, toAlice] : [bob, toBob];
          if (n % 3 === 2) {
            const unauthenticated = await bob.device().trySync({}, { token: null });
            t.refused(unauthenticated, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", "a Sync without a credential");
            return;
          }
          const page = await caller.device().sync();
          const violation = `the page of ${caller.name} does not hold ${caller.name}'s messages`;
          t.page(page, caller.base + 1, [sent], "AUTH-ISOLATION", violation);
        }),
      );
    },
  },
  {
    // § AUTH-REQUIRED: A Send or Sync without a credential, or with one that the server does not know, MUST be refused
    // § with `unauthenticated` and the reason CREDENTIAL_INVALID.
    id: "auth/connection-is-no-login",
    title: "Each call on a shared connection is authenticated by its own credential",
    requirements: ["AUTH-REQUIRED", "AUTH-ISOLATION"],
    async run(t) {
      const { bob, alice } = t;
      const toBob = await alice.send(bob, "for bob");
      const toAlice = await bob.send(alice, "for alice");
      await onOneConnection(t, async (sync) => {
        for (const [caller, sent] of [
          [bob, toBob],
          [undefined, undefined],
          [alice, toAlice],
        ] as const) {
          const response = await sync(caller);
          if (caller === undefined) {
            const what = "a Sync without a credential on a connection with an earlier authenticated call";
            expectRawRefusal(t, response, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", what);
            continue;
          }
          const page = expectResponse(t, "AUTH-ISOLATION", METHOD.Sync.output, response, `${caller.name}'s Sync`);
          const violation = `the page of ${caller.name} does not hold ${caller.name}'s messages`;
          t.page(page, caller.base + 1, [sent], "AUTH-ISOLATION", violation);
        }
      });
    },
  },
  {
    // § AUTH-ISOLATION: A Sync MUST NOT deliver a message that was not sent to the caller's account, and MUST NOT
    // § change any inbox but the caller's.
    id: "auth/own-token-others-cursor",
    title: "A Sync with another account's epoch or cursor is checked against the caller's own inbox",
    requirements: ["AUTH-ISOLATION", "ERR-NO-LEAK"],
    async run(t) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 3);
      await bob.send(alice);
      // The cursor must be above svr_seq of the caller's inbox, so the account with the lower svr_seq makes the call.
      let [callerState, otherState] = [await alice.state(), await bob.state()];
      let [caller, other] = [alice, bob];
      if (callerState.svrSeq >= otherState.svrSeq)
        [caller, other, callerState, otherState] = [bob, alice, otherState, callerState];
      if (callerState.svrSeq === otherState.svrSeq) {
        await caller.send(other);
        otherState = await other.state();
      }
      await t.unchanged(other, "AUTH-ISOLATION", "another account's Sync", async () => {
        const ahead = await caller.device().trySync({ cliSeq: otherState.svrSeq });
        const refusal = t.refused(
          ahead,
          Reason.CLI_SEQ_AHEAD,
          "AUTH-ISOLATION",
          "a Sync with the cursor of another inbox",
        );
        const reported = { svrSeq: refusal.detail?.svrSeq, epoch: refusal.detail?.epoch };
        const own = { svrSeq: callerState.svrSeq, epoch: callerState.epoch };
        const violation = "the refusal does not hold the epoch and svr_seq of the caller's own inbox";
        t.equal(reported, own, "ERR-NO-LEAK", violation);
        // Several inboxes may have the same epoch.
        if (otherState.epoch === callerState.epoch) return;
        const foreign = await caller.device().trySync({ cliSeq: 0, epoch: otherState.epoch });
        t.refused(foreign, Reason.EPOCH_MISMATCH, "AUTH-ISOLATION", "a Sync with the epoch of another inbox");
      });
    },
  },
];

/** Headers by which proxies and frameworks pass the account on, each with this user id. */
function accountHeaders({ userId }: TestAccount): Record<string, string>[] {
  const value = encodeURIComponent(userId);
  const names = ["x-user-id", "x-user", "x-forwarded-user", "x-remote-user", "remote-user", "x-authenticated-user"];
  // The rarer headers are sent in one request.
  const rare = [
    "x-auth-request-user",
    "x-auth-request-email",
    "x-forwarded-email",
    "x-forwarded-preferred-username",
    "x-account-id",
    "x-auth-user",
    "impersonate-user",
  ];
  return [
    ...names.map((name) => ({ [name]: value })),
    Object.fromEntries(rare.map((name) => [name, value])),
    { from: value },
    { cookie: `user_id=${value}; user=${value}` },
  ];
}

/** The cookies that a response sets, as a request header: two accounts behind a proxy may share a cookie jar. */
function cookieHeaders({ headers }: RawResponse): { cookie: string }[] {
  const set = headers["set-cookie"] ?? "";
  // Several Set-Cookie headers are joined by commas. A comma within a date is not followed by a name and "=".
  const cookie = [...set.matchAll(/(?:^|, )([^\s;,=]+=[^;,]*)/g)].map(([, pair]) => pair).join("; ");
  return cookie === "" ? [] : [{ cookie }];
}

/** Expects a frame to report the epoch and svr_seq of this page's inbox. */
function expectFrameOf(t: Context, { epoch, svrSeq }: SyncResponse, frame: WatchResponse, what: string): void {
  const reported = { epoch: frame.epoch, svrSeq: frame.svrSeq };
  t.equal(reported, { epoch, svrSeq }, "AUTH-CREDENTIAL-ONLY", `${what} did not return alice's inbox`);
}

/** The body with additional unknown fields that hold this account's user id. */
function withUserFields(t: Context, body: Uint8Array, { userId }: TestAccount): Uint8Array {
  if (t.session.codec === "json") {
    const more = { userId, user_id: userId, senderId: userId, sender_id: userId, account: userId };
    return Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(body).toString()), ...more }));
  }
  const text = Buffer.from(userId);
  // Fields 4 to 15, length-delimited; the length of a user id, at most 128, may take two bytes.
  const length = text.length < 128 ? [text.length] : [0x80 | (text.length & 0x7f), text.length >> 7];
  const fields = Array.from({ length: 12 }, (_, n) => Buffer.from([((n + 4) << 3) | 2, ...length, ...text]));
  return Buffer.concat([body, ...fields]);
}

/** Runs `act` with a function that syncs over one connection that is kept alive. */
async function onOneConnection(
  t: Context,
  act: (sync: (caller: TestAccount | undefined) => ReturnType<typeof rawCall>) => Promise<void>,
): Promise<void> {
  const { transport } = t.session;
  const [url = ""] = transport.urls;
  const ownTransport = new Transport(
    { ...transport.connection, urls: [url], connections: 1 },
    { onExchange: transport.onExchange },
  );
  try {
    await act((caller) => rawCall(t, "AUTH-REQUIRED", { ...syncOf(t, t.bob), by: caller, transport: ownTransport }));
  } finally {
    await ownTransport.close();
  }
}
