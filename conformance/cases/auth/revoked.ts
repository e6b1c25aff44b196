import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Inconclusive } from "../../findings.js";
import type { Device } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { waitAsAsked } from "../../harness/raw-calls.js";
import { describeEnd, expectClosed } from "../../harness/watcher.js";
import type { Watching } from "../../rpc/client.js";
import { isRetryable } from "../../rpc/connect.js";
import type { StreamEnd } from "../../rpc/watch.js";
import { almost, tokenText } from "./credentials.js";

/** How long the first frame of a Watch, or the end of a refused one, may take, in milliseconds. */
const AT_ONCE_MS = 5000;
/** How long after a revocation its Watches may go on, in milliseconds (AUTH-REVOKED-WATCH). */
const REVOKED_MS = 5000;

/** Authentication: Watch, and credentials that are taken back. */
export const authRevoked: readonly Case[] = [
  {
    // § AUTH-WATCH: A Watch without a credential, or with one that the server does not know, MUST be refused, in the
    // § end-of-stream message and before any frame, with `unauthenticated` and the reason CREDENTIAL_INVALID.
    id: "auth/watch-needs-a-credential",
    title: "a Watch without a credential, and ones with tokens that are nearly bob's, end at once without a frame",
    requirements: ["AUTH-WATCH"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      // The right one comes first: what is kept of it must not open the others.
      const watching = await untilSettled(t, bob.device(), bob.token);
      t.equal(watching.frames[0]?.svrSeq, bob.base + 1, "WATCH-FIRST", "a Watch with bob's token has no right frame");
      for (const token of [null, "", "x".repeat(200), ...almost(bob, t)]) {
        const what = `a Watch with ${token === null ? "no token" : tokenText(token, bob)}`;
        refusedBeforeAnyFrame(t, await untilSettled(t, bob.device(), token), what);
      }
    },
  },
  {
    // § AUTH-REVOKED: A credential that was revoked MUST be refused in every call that begins after the revocation took
    // § effect, and all other credentials, of this account and of others, MUST stay as they were.
    id: "auth/revoked-token",
    title: "alice's token is revoked: no call with it works, bob's goes on to, and her inbox is still there",
    requirements: ["AUTH-REVOKED", "ERR-UNCHANGED"],
    needs: { revokeToken: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const before = await alice.send(bob, "before");
      await bob.send(alice, "for alice");
      await alice.device().sync();
      await t.revokeToken(alice);
      for (const attempt of ["first", "second", "third"]) {
        const sync = await alice.device().trySync({ cliSeq: alice.base + 1 });
        t.refused(sync, Reason.CREDENTIAL_INVALID, "AUTH-REVOKED", `the ${attempt} Sync with a revoked token`);
        const send = await alice.trySend(bob, `${attempt} after`);
        t.refused(send, Reason.CREDENTIAL_INVALID, "AUTH-REVOKED", `the ${attempt} Send with a revoked token`);
      }
      const again = await alice.trySend(bob, before.payload, { id: before.clientMessageId });
      t.refused(again, Reason.CREDENTIAL_INVALID, "AUTH-REVOKED", "a repeated Send with a revoked token");
      const marker = await t.blaming("AUTH-REVOKED", async () => {
        await bob.send(alice, "her account is still there");
        return bob.send(bob, "marker");
      });
      const page = await bob.device().sync();
      t.page(page, bob.base + 1, [before, marker], "AUTH-REVOKED", "a revoked token had an effect, or took one back");
    },
  },
  {
    // § AUTH-REVOKED-WATCH: A Watch that was opened with a credential that is then revoked MUST end within 5 seconds,
    // § with an end-of-stream message that holds `unauthenticated` and the reason CREDENTIAL_INVALID.
    id: "auth/revoked-watch-ends",
    title: "bob's token is revoked under his three open Watches, which end; alice's Watch goes on",
    requirements: ["AUTH-REVOKED-WATCH", "AUTH-REVOKED", "HTTP-STREAM", "WATCH-END"],
    needs: { revokeToken: true },
    async run(t) {
      const { bob, alice } = t;
      const his: Watching[] = [];
      for (const name of ["phone", "tablet", "laptop"]) his.push(await untilSettled(t, bob.device(name), bob.token));
      const hers = await untilSettled(t, alice.device(), alice.token);
      for (const { frames, end } of his) {
        t.equal(frames.length > 0, true, "WATCH-FIRST", "bob's Watch has no frame");
        if (end !== undefined) throw new Inconclusive("the server ended the Watch before the token was revoked");
      }
      await t.revokeToken(bob);
      const all = await Promise.all(his.map((watching) => watching.ended(t.deadline(REVOKED_MS))));
      const expected = "an end-of-stream message with unauthenticated and CREDENTIAL_INVALID";
      t.equal(
        all,
        [true, true, true],
        "AUTH-REVOKED-WATCH",
        "a Watch went on for 5 seconds after its token was revoked",
      );
      for (const watching of his) {
        await expectClosed(t, watching);
        const { end } = watching;
        const fits = isCredentialInvalid(end);
        if (!fits) t.fail("AUTH-REVOKED-WATCH", "a revoked Watch ended in another way", expected, endText(end));
      }
      refusedBeforeAnyFrame(
        t,
        await untilSettled(t, bob.device(), bob.token),
        "a Watch with a revoked token",
        "AUTH-REVOKED",
      );

      await alice.send(alice, "to herself");
      const woken = await hers.until(({ svrSeq }) => svrSeq > alice.base, t.deadline(AT_ONCE_MS));
      t.equal(woken, true, "AUTH-REVOKED", "revoking bob's token took alice's Watch away");
    },
  },
];

/** Opens a Watch and waits until it has a frame or has ended; again if the server asks for that. */
async function untilSettled(t: Context, device: Device, token: string | null): Promise<Watching> {
  for (let tries = 0; ; tries += 1) {
    const watching = device.watch({ token });
    await watching.until(() => true, t.deadline(AT_ONCE_MS));
    const { end } = watching;
    if (end?.kind !== "refusal" || !isRetryable(end.refusal)) return watching;
    await waitAsAsked(t, tries, describeEnd(end));
  }
}

function refusedBeforeAnyFrame(
  t: Context,
  { frames, end }: Watching,
  what: string,
  requirement: "AUTH-WATCH" | "AUTH-REVOKED" = "AUTH-WATCH",
): void {
  const expected = "an end-of-stream message with unauthenticated and CREDENTIAL_INVALID, and no frame";
  if (frames.length > 0) t.fail(requirement, `${what} got a frame`, expected, `${frames.length} frames`);
  if (!isCredentialInvalid(end)) t.fail(requirement, `${what} was not refused in its stream`, expected, endText(end));
}

/** Whether a stream ended as one without a valid credential does: with the error in it, so with HTTP status 200. */
function isCredentialInvalid(end: StreamEnd | undefined): boolean {
  if (end?.kind !== "refusal") return false;
  const { status, code, reason } = end.refusal;
  return status === 200 && code === "unauthenticated" && reason === Reason.CREDENTIAL_INVALID;
}

function endText(end: StreamEnd | undefined): string {
  if (end === undefined) return "it is still open";
  if (end.kind === "end") return "it ended in order";
  if (end.kind !== "refusal") return `it broke off: ${end.why}`;
  const { status, code, reason } = end.refusal;
  return `HTTP ${status}, ${code || "no Connect error"} ${Reason[reason]}`;
}
