import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { SyncResponse, WatchResponse } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import {
  answered,
  METHOD,
  pathOf,
  type RawAnswer,
  rawCall,
  rawRefused,
  rpcsOf,
  sendOf,
  syncOf,
} from "../../harness/raw-calls.js";
import { firstFrame, frameOf, rawWatch } from "../../harness/raw-watch.js";
import { envelope } from "../../rpc/envelope.js";
import { Transport } from "../../transport/http.js";
import { emptyOf } from "../http/calls.js";

/** Authentication: the credential decides on the account, and nothing else does. */
export const authAccounts: readonly Case[] = [
  {
    // § AUTH-CREDENTIAL-ONLY: The account for which Send, Sync and Watch act MUST be the one of the credential,
    // § whatever else the request holds.
    id: "auth/nothing-else-selects-an-account",
    title:
      "alice syncs, watches and sends with headers and cookies that name bob, and cookies that were set for him; she stays alice",
    requirements: ["AUTH-CREDENTIAL-ONLY", "AUTH-SENDER"],
    async run(t) {
      const { bob, alice } = t;
      const note = await bob.send(alice, "for alice");
      await alice.send(bob, "for bob");
      const page = await alice.device().sync();
      const naming = [...namesOf(bob), ...cookiesFor(await rawCall(t, "AUTH-CREDENTIAL-ONLY", syncOf(t, bob)))];
      for (const headers of naming) {
        const what = `a Sync of alice with ${Object.keys(headers)[0]} naming bob`;
        const answer = await rawCall(t, "AUTH-CREDENTIAL-ONLY", { ...syncOf(t, alice), headers });
        const seen = answered(t, "AUTH-CREDENTIAL-ONLY", METHOD.Sync.output, answer, what);
        t.page(seen, page.svrSeq, [note], "AUTH-CREDENTIAL-ONLY", `${what} did not get alice's inbox`);
      }
      for (const headers of rpcsOf(t).includes("Watch") ? naming : []) {
        const what = `a Watch of alice with ${Object.keys(headers)[0]} naming bob`;
        const seen = await rawWatch(t, { token: alice.token, headers, until: "a frame" });
        isOf(t, page, firstFrame(t, "AUTH-CREDENTIAL-ONLY", seen, what), what);
      }
      const sent = [];
      for (const headers of naming) {
        const { send, ...call } = sendOf(t, alice, bob, { payload: Buffer.from(`with ${Object.keys(headers)[0]}`) });
        const answer = await rawCall(t, "AUTH-CREDENTIAL-ONLY", { ...call, headers });
        const { acceptedAt } = answered(t, "AUTH-CREDENTIAL-ONLY", METHOD.Send.output, answer, "a Send of alice");
        sent.push({ ...send, acceptedAt });
      }
      const got = await bob.device().drain();
      const senders = got.slice(1).map(({ senderId }) => senderId);
      t.equal(
        senders,
        sent.map(() => alice.userId),
        "AUTH-CREDENTIAL-ONLY",
        "a header changed who sent a message",
      );
    },
  },
  {
    id: "auth/query-selects-nobody",
    title: "the URLs of alice's Sync, Send and Watch have a query that names bob; where she is served she stays alice",
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
      // A path with a query may be the path of no RPC.
      if (page.status === 200) {
        const what = "a Sync of alice with a query naming bob";
        const seen = answered(t, "AUTH-CREDENTIAL-ONLY", METHOD.Sync.output, page, what);
        t.page(seen, state.svrSeq, [note], "AUTH-CREDENTIAL-ONLY", `${what} did not get alice's inbox`);
      }
      const sent = await rawCall(t, "AUTH-CREDENTIAL-ONLY", { ...send, path: pathOf("Send") + query });
      const senders = (await bob.device().drain()).map(({ senderId }) => senderId);
      const expected = sent.status === 200 ? [alice.userId, alice.userId] : [alice.userId];
      t.equal(senders, expected, "AUTH-CREDENTIAL-ONLY", "a query changed who sent a message");
      if (!rpcsOf(t).includes("Watch")) return;
      const {
        envelopes: [frame],
      } = await rawWatch(t, { token: alice.token, query, until: "a frame" });
      if (frame?.flags === 0) isOf(t, state, frameOf(t, frame), "a Watch of alice with a query naming bob");
    },
  },
  {
    id: "auth/unknown-fields-select-nobody",
    title: "alice's Sync, Send and Watch hold fields with bob's user id that no message has; she stays alice",
    requirements: ["AUTH-CREDENTIAL-ONLY", "AUTH-SENDER"],
    async run(t) {
      const { bob, alice } = t;
      const note = await bob.send(alice, "for alice");
      await alice.send(bob, "for bob");
      const state = await alice.state();
      const sync = syncOf(t, alice);
      const answer = await rawCall(t, "AUTH-CREDENTIAL-ONLY", { ...sync, body: withUser(t, sync.body, bob) });
      const what = "a Sync of alice with fields naming bob";
      const page = answered(t, "AUTH-CREDENTIAL-ONLY", METHOD.Sync.output, answer, what);
      t.page(page, state.svrSeq, [note], "AUTH-CREDENTIAL-ONLY", `${what} did not get alice's inbox`);

      const send = sendOf(t, alice, bob);
      const accepted = await rawCall(t, "AUTH-CREDENTIAL-ONLY", { ...send, body: withUser(t, send.body, bob) });
      answered(t, "AUTH-CREDENTIAL-ONLY", METHOD.Send.output, accepted, "a Send of alice with fields naming bob");
      const [, got] = await bob.device().drain();
      t.equal(got?.senderId, alice.userId, "AUTH-CREDENTIAL-ONLY", "an unknown field changed who sent a message");

      if (!rpcsOf(t).includes("Watch")) return;
      const body = envelope(withUser(t, emptyOf(t.session.codec), bob));
      const watch = await rawWatch(t, { token: alice.token, body, until: "a frame" });
      const which = "a Watch of alice with fields naming bob";
      isOf(t, state, firstFrame(t, "AUTH-CREDENTIAL-ONLY", watch, which), which);
    },
  },
  {
    // § AUTH-SENDER: `sender_id` of a delivered message MUST be the user id of the account whose credential was used to
    // § send it.
    id: "auth/sender-is-the-account-of-the-credential",
    title: "alice and bob both send to bob; each message names its sender",
    requirements: ["AUTH-SENDER"],
    async run(t) {
      const { bob, alice } = t;
      for (let n = 0; n < 7; n += 1) {
        await alice.send(bob);
        await bob.send(bob);
      }
      const senders = (await bob.device().drain(2)).map(({ senderId }) => senderId);
      const expected = Array.from({ length: 7 }, () => [alice.userId, bob.userId]).flat();
      t.equal(senders, expected, "AUTH-SENDER", "a delivered message names another sender than who sent it");
    },
  },
  {
    // § AUTH-ISOLATION: A Sync MUST NOT deliver a message that was not sent to the caller's account, and MUST NOT
    // § change any inbox but the caller's.
    id: "auth/inboxes-are-apart",
    title: "alice and bob write to each other; what one gets and acks, the other does not",
    requirements: ["AUTH-ISOLATION"],
    async run(t) {
      const { bob, alice } = t;
      const [toBob, toAlice] = [await alice.sendMany(bob, 3), await bob.sendMany(alice, 3)];
      const phone = bob.device("phone");
      const page = await phone.fetch();
      t.page(page, bob.base + 1, toBob, "AUTH-ISOLATION", "bob did not get his messages and no others");
      await t.unchanged(alice, "AUTH-ISOLATION", "an ack of bob", async () => {
        await phone.sync();
      });
      const hers = await alice.device("phone").sync();
      t.page(hers, alice.base + 1, toAlice, "AUTH-ISOLATION", "alice did not get her messages and no others");
    },
  },
  {
    id: "auth/many-callers-at-once",
    title: "alice, bob and a stranger sync at the same moment, many times; each gets what is theirs",
    requirements: ["AUTH-ISOLATION", "AUTH-REQUIRED"],
    async run(t) {
      const { bob, alice } = t;
      const toBob = await alice.send(bob, "for bob");
      const toAlice = await bob.send(alice, "for alice");
      await Promise.all(
        Array.from({ length: 30 }, async (_, n) => {
          const [who, sent] = n % 3 === 0 ? [alice, toAlice] : [bob, toBob];
          if (n % 3 === 2) {
            const stranger = await bob.device().trySync({}, { token: null });
            t.refused(stranger, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", "a Sync without a credential");
            return;
          }
          const page = await who.device().sync();
          t.page(page, who.base + 1, [sent], "AUTH-ISOLATION", `${who.name} got something else than their own inbox`);
        }),
      );
    },
  },
  {
    // § AUTH-REQUIRED: A Send or Sync without a credential, or with one that the server does not know, MUST be refused
    // § with `unauthenticated` and the reason CREDENTIAL_INVALID.
    id: "auth/connection-is-no-login",
    title: "on one connection bob syncs, then somebody without a credential, then alice",
    requirements: ["AUTH-REQUIRED", "AUTH-ISOLATION"],
    async run(t) {
      const { bob, alice } = t;
      const toBob = await alice.send(bob, "for bob");
      const toAlice = await bob.send(alice, "for alice");
      await onOneConnection(t, async (sync) => {
        for (const [who, sent] of [
          [bob, toBob],
          [undefined, undefined],
          [alice, toAlice],
        ] as const) {
          const answer = await sync(who);
          if (who === undefined) {
            const what = "a Sync without a credential, on a connection that had one,";
            rawRefused(t, answer, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", what);
            continue;
          }
          const page = answered(t, "AUTH-ISOLATION", METHOD.Sync.output, answer, `${who.name}'s Sync`);
          t.page(page, who.base + 1, [sent], "AUTH-ISOLATION", `${who.name} got another inbox`);
        }
      });
    },
  },
  {
    // § AUTH-ISOLATION: A Sync MUST NOT deliver a message that was not sent to the caller's account, and MUST NOT
    // § change any inbox but the caller's.
    id: "auth/own-token-others-cursor",
    title: "one of two syncs with the other's epoch and cursor; only the own inbox counts",
    requirements: ["AUTH-ISOLATION", "ERR-NO-LEAK"],
    async run(t) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 3);
      await bob.send(alice);
      // The cursor has to be ahead in the caller's inbox, so the caller is whose inbox stands lower.
      let [caller, other] = [await alice.state(), await bob.state()];
      let [who, whose] = [alice, bob];
      if (caller.svrSeq >= other.svrSeq) [who, whose, caller, other] = [bob, alice, other, caller];
      if (caller.svrSeq === other.svrSeq) {
        await who.send(whose);
        other = await whose.state();
      }
      await t.unchanged(whose, "AUTH-ISOLATION", "a Sync of another account", async () => {
        const ahead = await who.device().trySync({ cliSeq: other.svrSeq });
        const refusal = t.refused(ahead, Reason.CLI_SEQ_AHEAD, "AUTH-ISOLATION", "a cursor from another inbox");
        const told = { svrSeq: refusal.detail?.svrSeq, epoch: refusal.detail?.epoch };
        const own = { svrSeq: caller.svrSeq, epoch: caller.epoch };
        t.equal(told, own, "ERR-NO-LEAK", "the refusal does not tell the caller's own state");
        // One epoch may serve many inboxes.
        if (other.epoch === caller.epoch) return;
        const foreign = await who.device().trySync({ cliSeq: 0, epoch: other.epoch });
        t.refused(foreign, Reason.EPOCH_MISMATCH, "AUTH-ISOLATION", "an epoch from another inbox");
      });
    },
  },
];

/** Headers in which proxies and frameworks pass an account on, each naming this party. */
function namesOf({ userId }: TestAccount): Record<string, string>[] {
  const value = encodeURIComponent(userId);
  const names = ["x-user-id", "x-user", "x-forwarded-user", "x-remote-user", "remote-user", "x-authenticated-user"];
  // Rarer ones come together.
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

/** The cookies that an answer sets, as they are sent back: a cookie jar that two accounts share, as behind a proxy, does that. */
function cookiesFor({ headers }: RawAnswer): { cookie: string }[] {
  const set = headers["set-cookie"] ?? "";
  // Several headers are joined by a comma; one within a date is not followed by a name and "=".
  const cookie = [...set.matchAll(/(?:^|, )([^\s;,=]+=[^;,]*)/g)].map(([, pair]) => pair).join("; ");
  return cookie === "" ? [] : [{ cookie }];
}

/** Expects a frame to tell of the inbox that this page is of. */
function isOf(t: Context, { epoch, svrSeq }: SyncResponse, frame: WatchResponse, what: string): void {
  const told = { epoch: frame.epoch, svrSeq: frame.svrSeq };
  t.equal(told, { epoch, svrSeq }, "AUTH-CREDENTIAL-ONLY", `${what} did not get alice's inbox`);
}

/** A body with further fields that hold this party's user id. */
function withUser(t: Context, body: Uint8Array, { userId }: TestAccount): Uint8Array {
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

/** Lets `act` sync, one call after the other, over one connection that is kept alive. */
async function onOneConnection(
  t: Context,
  act: (sync: (who: TestAccount | undefined) => ReturnType<typeof rawCall>) => Promise<void>,
): Promise<void> {
  const { transport } = t.session;
  const [url = ""] = transport.urls;
  const alone = new Transport({ ...transport.connection, urls: [url], connections: 1 }, { hear: transport.onExchange });
  try {
    await act((who) => rawCall(t, "AUTH-REQUIRED", { ...syncOf(t, t.bob), by: who, transport: alone }));
  } finally {
    await alone.close();
  }
}
