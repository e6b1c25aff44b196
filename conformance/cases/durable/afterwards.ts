import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { InboxRecord, requireSurvivingAccounts, restartWithAccounts } from "../../harness/inbox-record.js";
import { expectSameAcceptedAt } from "../../harness/retries.js";
import { unique } from "../../harness/unique.js";
import { Watcher } from "../../harness/watcher.js";

/** Durability: everything works again after a crash, at each front end. */
export const afterwards: readonly Case[] = [
  {
    // § DUR-NEW-EPOCH: A server that, after a restart, lacks any data that the DURABLE profile names MUST have given a
    // § new epoch to each inbox that is affected, before it serves a call on that inbox.
    id: "durable/calls-afterwards",
    title: "After a crash Send, Sync, acks, retries and refusals work at each front end as they did before",
    requirements: ["DUR-NEW-EPOCH", "SEND-RETRY", "SEND-ID-REUSED", "EPOCH-MISMATCH", "ACK-AHEAD"],
    bulk: true,
    needs: { restart: true },
    async run(t) {
      const { bob, alice } = t;
      const inbox = await InboxRecord.of(t, bob);
      await inbox.receive(alice, [t.filler("one"), t.filler("two"), t.filler("three")]);
      await inbox.ack(1);
      await expectEachCall(t, inbox);
      await restartWithAccounts(t);
      await inbox.expectRetries(await inbox.expectKeptOrRenewed(), (messages) => messages);
      await expectEachCall(t, inbox);
      await inbox.expectAll();
    },
  },
  {
    // § WATCH-WAKE: Within 5 seconds after a Send has succeeded, every open Watch of the recipient whose reader keeps
    // § up MUST have received a frame whose `svr_seq` covers the message.
    id: "durable/watches-afterwards",
    title: "After a crash a new Watch at each front end gets its first frame, and one for a message sent at each",
    requirements: ["WATCH-WAKE", "WATCH-FIRST", "DUR-NEW-EPOCH"],
    bulk: true,
    needs: { restart: true },
    async run(t) {
      const { bob, alice } = t;
      const inbox = await InboxRecord.of(t, bob);
      const before = await watchersOf(t, bob, "before the crash");
      await inbox.receive(alice, [t.filler("before the crash")]);
      await expectFrames(before, inbox);
      await restartWithAccounts(t);
      await inbox.expectKeptOrRenewed();
      const after = await watchersOf(t, bob, "after the crash");
      // Not those from before: a connection of theirs may be dead without a sign.
      for (let endpoint = 0; endpoint < t.session.transport.urls.length; endpoint += 1) {
        const sent = await alice.send(bob, t.filler(`after the crash ${endpoint + 1}`), { endpoint });
        inbox.add({ from: alice, sent });
        await expectFrames(after, inbox);
      }
      await inbox.expectAll();
    },
  },
  {
    // § AUTH-REVOKED: A credential that was revoked MUST be refused in every call that begins after the revocation took
    // § effect, and all other credentials, of this account and of others, MUST stay as they were.
    id: "durable/revoked-afterwards",
    title: "A token that was revoked before a crash is refused after it, and other tokens are accepted",
    requirements: ["AUTH-REVOKED", "DUR-NEW-EPOCH"],
    bulk: true,
    needs: { accounts: 3, restart: true, revokeToken: true },
    async run(t) {
      const { bob, alice, carol } = t;
      const inbox = await InboxRecord.of(t, bob);
      await inbox.receive(carol, [t.filler("before the revocation")]);
      await t.revokeToken(carol);
      await expectRevoked(t, carol, "before the crash");
      await t.restart();
      await requireSurvivingAccounts(t, [bob, alice]);
      await expectRevoked(t, carol, "after a crash");
      await inbox.expectKeptOrRenewed();
      await inbox.receive(alice, [t.filler("with another token")]);
      await inbox.expectAll();
    },
  },
];

/** Makes each kind of call at each front end, and expects what one looks at another one to show it. */
async function expectEachCall(t: Context, inbox: InboxRecord): Promise<void> {
  const { bob, alice } = t;
  const { length } = t.session.transport.urls;
  const nobody = { userId: `nobody-${unique()}` };
  for (let endpoint = 0; endpoint < length; endpoint += 1) {
    const [here, there] = [{ endpoint }, { endpoint: (endpoint + 1) % length }];
    const sent = await alice.send(bob, t.filler("at each front end"), here);
    inbox.add({ from: alice, sent });
    const { clientMessageId: id, payload } = sent;
    expectSameAcceptedAt(t, await alice.send(bob, payload, { id, ...there }), sent, "SEND-RETRY");
    const other = payload.length === 0 ? Buffer.from("x") : new Uint8Array();
    const reused = await alice.trySend(bob, other, { id, ...there });
    t.refused(reused, Reason.CLIENT_MESSAGE_ID_REUSED, "SEND-ID-REUSED", "a Send with a used id and another payload");
    const unknown = await alice.trySend(nobody, payload, here);
    t.refused(unknown, Reason.RECIPIENT_UNKNOWN, "SEND-RECIPIENT", "a Send to an unknown recipient");
    const device = bob.device("phone");
    const mismatch = await device.trySync({ epoch: `not-${inbox.epoch}` }, there);
    t.refused(mismatch, Reason.EPOCH_MISMATCH, "EPOCH-MISMATCH", "a Sync with another epoch");
    const ahead = await device.trySync({ cliSeq: inbox.svrSeq + 1, epoch: inbox.epoch }, here);
    t.refused(ahead, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a Sync with a cli_seq above svr_seq");
    const nobodys = await device.trySync({}, { token: `nobodys-${unique()}`, ...there });
    t.refused(nobodys, Reason.CREDENTIAL_INVALID, "AUTH-REQUIRED", "a Sync with an unknown token");
    await inbox.ack(1, here);
    const page = await device.sync({}, there);
    const numbers = { ackedSeq: inbox.ackedSeq, svrSeq: inbox.svrSeq };
    t.fields(page, numbers, "SYNC-LINEARIZABLE", "a front end does not report what was sent and acked at another one");
  }
}

/** Opens a Watch at each front end, and waits for its first frame. */
async function watchersOf(t: Context, account: TestAccount, when: string): Promise<Watcher[]> {
  const watchers = t.session.transport.urls.map(
    (_, endpoint) => new Watcher(t, account, { endpoint }, `watcher ${endpoint + 1} ${when}`),
  );
  for (const watcher of watchers) await watcher.expectFirstFrame();
  return watchers;
}

/** Expects each Watch to get a frame with what the inbox holds now. */
async function expectFrames(watchers: readonly Watcher[], { epoch, svrSeq }: InboxRecord): Promise<void> {
  for (const watcher of watchers)
    await watcher.expectFrame(
      (frame) => frame.epoch === epoch && frame.svrSeq >= svrSeq,
      "WATCH-WAKE",
      "a Watch got no frame for a message",
      { expected: `a frame with svr_seq at least ${svrSeq} and epoch "${epoch}"` },
    );
}

/** Expects a revoked token to be refused, at each front end. */
async function expectRevoked(t: Context, account: TestAccount, when: string): Promise<void> {
  for (let endpoint = 0; endpoint < t.session.transport.urls.length; endpoint += 1) {
    const sync = await account.device().trySync({}, { endpoint });
    t.refused(sync, Reason.CREDENTIAL_INVALID, "AUTH-REVOKED", `a Sync with a revoked token ${when}`);
    const send = await account.trySend(t.bob, t.filler("with a revoked token"), { endpoint });
    t.refused(send, Reason.CREDENTIAL_INVALID, "AUTH-REVOKED", `a Send with a revoked token ${when}`);
  }
}
