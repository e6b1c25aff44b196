import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { leaseAccounts } from "../../harness/lease-accounts.js";
import { deviceWithOwnConnection } from "../../harness/own-connection.js";
import { forEachAtOnce } from "../../harness/volume.js";
import { describeEnd, FRAME_MS, Watcher } from "../../harness/watcher.js";
import { every } from "./steady-traffic.js";

/** How long a revoked token is tried again, in milliseconds: longer than caches usually keep tokens. */
const DURATION_MS = 65_000;
const BETWEEN_MS = 1000;

/** Ages of the Watches of revoked tokens, in milliseconds: more than some servers keep in mind what is open. */
const AGES_MS = [12_000, 35_000, 65_000];

/** Number of tokens that are revoked: more than 256, a usual size of small tables. */
const REVOKED = { wanted: 300, minimum: 257 };

/** Cases that try revoked tokens again and again. */
export const revokedForLong: readonly Case[] = [
  {
    // § AUTH-REVOKED: A credential that was revoked MUST be refused in every call that begins after the revocation took
    // § effect, and all other credentials, of this account and of others, MUST stay as they were.
    id: "auth/revoked-for-a-minute",
    title: "A revoked token is refused by Sync and Send for 65 seconds, also on the connection that it was used on",
    requirements: ["AUTH-REVOKED"],
    thorough: true,
    waits: true,
    needs: { revokeToken: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const used = deviceWithOwnConnection(t, alice, "used connection");
      await used.sync();
      await alice.send(bob, t.filler("before"));
      await bob.send(alice, t.filler("for alice"));
      await t.revokeToken(alice);
      await every(t, BETWEEN_MS, DURATION_MS, async (elapsed) => {
        const since = `with a token that was revoked ${Math.round(elapsed / 1000)} seconds ago`;
        const refused = Reason.CREDENTIAL_INVALID;
        t.refused(await alice.device().trySync(), refused, "AUTH-REVOKED", `a Sync ${since}`);
        t.refused(await alice.trySend(bob), refused, "AUTH-REVOKED", `a Send ${since}`);
        t.refused(await used.trySync(), refused, "AUTH-REVOKED", `a Sync on a used connection, ${since},`);
        await t.blaming("AUTH-REVOKED", () => bob.state());
      });
      const what = "the inbox does not hold exactly the message that was sent with a valid token";
      t.equal({ svrSeq: (await bob.state()).svrSeq }, { svrSeq: bob.base + 1 }, "AUTH-REVOKED", what);
      await t.blaming("AUTH-REVOKED", () => bob.send(alice, t.filler("to an account without a valid token")));
    },
  },
  {
    id: "auth/revoked-watch-for-a-minute",
    title: "The Watch of a revoked token ends, and each further Watch is refused for 65 seconds",
    requirements: ["AUTH-REVOKED", "AUTH-REVOKED-WATCH"],
    thorough: true,
    waits: true,
    needs: { revokeToken: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const open = alice.device("watcher").watch();
      await open.waitForFrame(() => true, t.deadline(FRAME_MS));
      await t.revokeToken(alice);
      t.that(
        await open.waitForEnd(t.deadline(FRAME_MS)),
        "AUTH-REVOKED-WATCH",
        "a Watch did not end after its credential was revoked",
        `the end of the Watch within ${FRAME_MS} ms`,
        "the Watch is still open",
      );
      let sent = 0;
      await every(t, BETWEEN_MS, DURATION_MS, async (elapsed) => {
        // A Watch that was refused must not come alive by a message.
        if (sent < 5) await bob.send(alice, t.filler(`message ${sent + 1}`));
        sent += 1;
        const what = `a Watch with a token that was revoked ${Math.round(elapsed / 1000)} seconds ago`;
        const stream = alice.device("watcher").watch();
        await stream.waitForEnd(t.deadline(FRAME_MS));
        const { end, frames } = stream;
        stream.cancel();
        // The network may break a connection, and a server may have no room at the moment.
        if (end?.kind === "broken" || end?.kind === "retryable" || end?.kind === "late") return;
        const actual = `${frames.length} frames, and ${end === undefined ? "no end" : `the end: ${describeEnd(end)}`}`;
        const isRefused = end?.kind === "refusal" && end.refusal.reason === Reason.CREDENTIAL_INVALID;
        const expected = "no frame, and a refusal with unauthenticated CREDENTIAL_INVALID";
        t.that(isRefused && frames.length === 0, "AUTH-REVOKED", `${what} was not refused`, expected, actual);
      });
    },
  },
  {
    // § AUTH-REVOKED-WATCH: A Watch that was opened with a credential that is then revoked MUST end within 5 seconds,
    // § with an end-of-stream message that holds `unauthenticated` and the reason CREDENTIAL_INVALID.
    id: "auth/old-watches-revoked",
    title: "Watches that are 12, 35 and 65 seconds old end after a revocation of their token",
    requirements: ["AUTH-REVOKED-WATCH"],
    thorough: true,
    waits: true,
    needs: { accounts: 3, revokeToken: true },
    async run(t: Context) {
      await Promise.all(
        t.accounts.slice(0, AGES_MS.length).map(async (account, index) => {
          const ms = AGES_MS[index] as number;
          const watcher = new Watcher(t, account, {}, `watcher for ${ms / 1000} s`);
          await watcher.expectFirstFrame();
          await watcher.keepOpen(ms);
          await t.revokeToken(account);
          const violation = `a Watch of ${ms / 1000} seconds did not end after its credential was revoked`;
          const hasEnded = await watcher.waitForEnd(FRAME_MS);
          t.that(hasEnded, "AUTH-REVOKED-WATCH", violation, `its end within ${FRAME_MS} ms`, "it is still open");
        }),
      );
    },
  },
  {
    // § AUTH-REVOKED: A credential that was revoked MUST be refused in every call that begins after the revocation took
    // § effect, and all other credentials, of this account and of others, MUST stay as they were.
    id: "auth/hundreds-revoked",
    title: `Of ${REVOKED.wanted} revoked tokens each stays revoked, also the first ones, and no other is`,
    requirements: ["AUTH-REVOKED"],
    thorough: true,
    bulk: true,
    needs: { revokeToken: true, accounts: 0 },
    async run(t: Context) {
      const accounts = await leaseAccounts(t, {
        wanted: REVOKED.wanted + 2,
        minimum: REVOKED.minimum + 2,
        nameOf: (n) => (n < 2 ? `valid user ${n + 1}` : `revoked user ${n - 1}`),
      });
      const valid = accounts.slice(0, 2);
      const revoked = accounts.slice(2);
      await forEachAtOnce(revoked, async (account) => {
        await account.state();
        await t.revokeToken(account);
      });
      for (let round = 1; round <= 2; round += 1) {
        await forEachAtOnce(revoked, async (account) => {
          const what = `a Sync with one of ${revoked.length} revoked tokens`;
          t.refused(await account.device().trySync(), Reason.CREDENTIAL_INVALID, "AUTH-REVOKED", what);
        });
        for (const account of valid) await t.blaming("AUTH-REVOKED", () => account.state());
      }
    },
  },
];
