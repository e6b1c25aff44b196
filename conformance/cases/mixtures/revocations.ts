import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { SentMessage } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectInfo, expectWatch, type Way, waysOf } from "../../harness/each-way.js";
import { Load } from "../../harness/load.js";
import { describeResponse, rawCall, sendOf, syncOf } from "../../harness/raw-calls.js";
import { expectSameResponseOnRetry } from "../../harness/retries.js";
import { unique } from "../../harness/unique.js";
import { describeRefusal } from "../../rpc/connect.js";

/** Spellings of the header of a credential; a server may not take the last ones as a credential at all. */
const SPELLINGS = ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer  ", "bearer   "];

/** Mixtures: a revoked token, and each kind of call after the revocation and during it. */
export const revocations: readonly Case[] = [
  {
    // § AUTH-REVOKED: A credential that was revoked MUST be refused in every call that begins after the revocation took
    // § effect, and all other credentials, of this account and of others, MUST stay as they were.
    id: "auth/each-call-after-revocation",
    title: "A revoked token is refused by each kind of call, in each codec, at each front end and in each spelling",
    requirements: ["AUTH-REVOKED", "INFO-OPEN", "AUTH-SCHEME"],
    needs: { accounts: 3, revokeToken: true },
    async run(t: Context) {
      const { bob, alice, carol } = t;
      const before = await bob.send(alice, t.filler("before the revocation"));
      const toBob = await alice.send(bob, t.filler("to bob"));
      // The token is in use in each way and in each spelling, so that each cache knows it.
      for (const way of waysOf(t)) await bob.device().sync({}, way);
      for (const spelling of SPELLINGS.slice(0, 4)) await callWith(t, spelling, "before");
      const { epoch, svrSeq } = await bob.state();
      await t.revokeToken(bob);
      for (const way of waysOf(t)) {
        await expectRevoked(t, way, before);
        await expectInfo(t, way, bob.token);
        // The account and its inbox are unaffected.
        await expectSameResponseOnRetry(t, alice, bob, toBob, "SEND-RETRY");
        await t.blaming("AUTH-REVOKED", () => alice.send(bob, t.filler("to an account without a token"), way));
        await carol.device().sync({}, way);
        const { epoch: alices, svrSeq: seq } = await alice.state();
        await expectWatch(t, alice, way, { epoch: alices, svrSeq: seq });
        await alice.device().drain();
      }
      for (const spelling of SPELLINGS) await callWith(t, spelling, "after");
      // What identifies the inbox does not replace the token.
      const sync = await bob.device().trySync({ cliSeq: svrSeq, epoch });
      t.refused(sync, Reason.CREDENTIAL_INVALID, "AUTH-REVOKED", "a Sync with a revoked token and the current epoch");
    },
  },
  {
    id: "auth/revoked-after-a-loss",
    title: "A token that is revoked after data loss is refused with the old and the new epoch; other tokens are not",
    requirements: ["AUTH-REVOKED", "ERR-ORDER"],
    needs: { rotateEpoch: true, revokeToken: true },
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 2);
      const old = await bob.state();
      await t.rotateEpoch(bob);
      const { epoch } = await bob.state();
      await t.revokeToken(bob);
      for (const way of waysOf(t))
        for (const args of [{ cliSeq: old.svrSeq, epoch: old.epoch }, { epoch }, { cliSeq: 1 }, {}]) {
          const result = await bob.device().trySync(args, way);
          t.refused(result, Reason.CREDENTIAL_INVALID, "AUTH-REVOKED", "a Sync with a revoked token after data loss");
        }
      await alice.send(bob, t.filler("after both"));
      await alice.device().sync();
    },
  },
  {
    id: "auth/revoked-during-traffic",
    title: "A token that is revoked during Sends and Syncs is refused from then on, and no other token is",
    requirements: ["AUTH-REVOKED"],
    bulk: true,
    needs: { accounts: 3, revokeToken: true },
    async run(t: Context) {
      const { bob, alice, carol } = t;
      const phone = bob.device("phone");
      const load = new Load(t);
      load.send(alice, bob);
      load.send(carol, bob);
      load.send(carol, alice);
      load.fetch(phone);
      load.fetch(alice.device("phone"));
      await load.continues();
      await t.revokeToken(alice);
      for (const way of waysOf(t)) {
        const send = await alice.trySend(bob, t.filler("with a revoked token"), way);
        t.refused(send, Reason.CREDENTIAL_INVALID, "AUTH-REVOKED", "a Send with a token that was revoked during Sends");
        const sync = await alice.device().trySync({}, way);
        t.refused(sync, Reason.CREDENTIAL_INVALID, "AUTH-REVOKED", "a Sync with a token that was revoked during Syncs");
      }
      await load.continues();
      await load.stop();
      const wrong = load.sends.find(
        ({ from, refusal }) => from === carol && refusal?.reason === Reason.CREDENTIAL_INVALID,
      );
      const violation = "a Send with another account's token was refused during a revocation";
      t.that(wrong === undefined, "AUTH-REVOKED", violation, "acceptance", describe(wrong?.refusal));
      const stored = [...phone.stored, ...(await phone.drain()), ...(await bob.device("new phone").drain())];
      const ids = new Set(stored.map(({ clientMessageId }) => clientMessageId));
      const lost = load.sends.find(
        ({ to, sent }) => to === bob && sent.acceptedAt !== undefined && !ids.has(sent.clientMessageId),
      );
      const id = lost?.sent.clientMessageId;
      const what = "a message that was accepted around the revocation of its sender's token was not delivered";
      t.that(lost === undefined, "SEND-VISIBLE", what, `message ${id}: delivered`, `message ${id}: in no page`);
      await carol.send(alice, t.filler("to an account without a token"));
    },
  },
];

/** Expects that each kind of call of bob is refused. */
async function expectRevoked(t: Context, way: Way, before: SentMessage): Promise<void> {
  const { bob, alice } = t;
  const { clientMessageId: id, payload } = before;
  const { CREDENTIAL_INVALID } = Reason;
  t.refused(await bob.device().trySync({}, way), CREDENTIAL_INVALID, "AUTH-REVOKED", "a Sync with a revoked token");
  const send = await bob.trySend(alice, t.filler("with a revoked token"), way);
  t.refused(send, CREDENTIAL_INVALID, "AUTH-REVOKED", "a Send with a revoked token");
  const retry = await bob.trySend(alice, payload, { id, ...way });
  t.refused(retry, CREDENTIAL_INVALID, "AUTH-REVOKED", "a retry with a revoked token");
  const unknown = await bob.trySend({ userId: `nobody-${unique()}` }, payload, way);
  t.refused(unknown, CREDENTIAL_INVALID, "AUTH-REVOKED", "a Send with a revoked token to an unknown recipient");
}

/** Makes a Sync and a Send of bob with a spelling of the credential's scheme, before or after its revocation. */
async function callWith(t: Context, spelling: string, when: "before" | "after"): Promise<void> {
  const { bob, alice } = t;
  const headers = { authorization: `${spelling}${bob.token}` };
  for (const { rpc, by, body } of [syncOf(t, bob), sendOf(t, bob, alice, { clientMessageId: "" })]) {
    const response = await rawCall(t, "AUTH-SCHEME", { rpc, by, body, headers });
    const isAuthenticated = response.status === 200 || response.refusal?.reason === Reason.CLIENT_MESSAGE_ID_INVALID;
    const scheme = JSON.stringify(spelling);
    if (when === "before" ? !isAuthenticated : isAuthenticated)
      t.fail(
        when === "before" ? "AUTH-SCHEME" : "AUTH-REVOKED",
        `a ${rpc} with the scheme ${scheme} ${when === "before" ? "and a valid" : "and a revoked"} token`,
        when === "before" ? "acceptance of the credential" : "a refusal with unauthenticated",
        describeResponse(response),
        response.exchange,
      );
  }
}

const describe = (refusal: Parameters<typeof describeRefusal>[0] | undefined) =>
  refusal === undefined ? "nothing" : describeRefusal(refusal);
