import { ReasonCode } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Inconclusive, RetriesExhausted } from "../../findings.js";
import type { Device } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectClosed, expectFrameCovering, Watcher } from "../../harness/watcher.js";
import type { StreamEnd } from "../../rpc/watch.js";
import type { WatchStream } from "../../rpc/watch-stream.js";
import { describeToken, similarTokens } from "./credentials.js";

/** Time limit for a frame of a Watch, or for the end of a refused Watch, in milliseconds. */
const FRAME_OR_END_MS = 5000;
/** How long a Watch may stay open after the revocation of its credential, in milliseconds (AUTH-REVOKED-WATCH). */
const REVOKED_MS = 5000;

/** Authentication: Watch, and revoked credentials. */
export const authRevoked: readonly Case[] = [
  {
    // § AUTH-WATCH: A Watch without a credential, or with one that the server does not know, MUST be refused, in the
    // § end-of-stream message and before any frame, with `unauthenticated` and the reason CREDENTIAL_INVALID.
    id: "auth/watch-needs-a-credential",
    title: "A Watch without a credential or with an unknown token is refused before any frame",
    requirements: ["AUTH-WATCH"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      // The Watch with the valid token comes first: a server must not reuse its cached authentication for later calls.
      const watching = await openWatch(t, bob.device(), bob.token);
      const violation = "the first frame of a Watch with a valid token does not report the inbox's svr_seq";
      t.equal({ svrSeq: watching.frames[0]?.svrSeq }, { svrSeq: bob.base + 1 }, "WATCH-FIRST", violation);
      for (const token of [null, "", "x".repeat(200), ...similarTokens(bob, t)]) {
        const what = `a Watch with ${token === null ? "no token" : describeToken(token, bob)}`;
        expectRefusedBeforeFrame(t, await openWatch(t, bob.device(), token), what);
      }
    },
  },
  {
    // § AUTH-REVOKED: A credential that was revoked MUST be refused in every call that begins after the revocation took
    // § effect, and all other credentials, of this account and of others, MUST stay as they were.
    id: "auth/revoked-token",
    title: "A revoked token is refused by Sync and Send; other tokens and the account's inbox are unaffected",
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
      t.refused(again, Reason.CREDENTIAL_INVALID, "AUTH-REVOKED", "a retry with a revoked token");
      const marker = await t.blaming("AUTH-REVOKED", async () => {
        await bob.send(alice, "to an account without a valid token");
        return bob.send(bob, "marker");
      });
      const page = await bob.device().sync();
      const violation = "the inbox does not hold exactly the messages that were accepted with valid tokens";
      t.page(page, bob.base + 1, [before, marker], "AUTH-REVOKED", violation);
    },
  },
  {
    // § AUTH-REVOKED-WATCH: A Watch that was opened with a credential that is then revoked MUST end within 5 seconds,
    // § with an end-of-stream message that holds `unauthenticated` and the reason CREDENTIAL_INVALID.
    id: "auth/revoked-watch-ends",
    title: "The open Watches of a revoked token end within 5 seconds; another account's Watch stays open",
    requirements: ["AUTH-REVOKED-WATCH", "AUTH-REVOKED", "HTTP-STREAM", "WATCH-END"],
    needs: { revokeToken: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const bobs: WatchStream[] = [];
      for (const name of ["phone", "tablet", "laptop"]) bobs.push(await openWatch(t, bob.device(name), bob.token));
      const alices = new Watcher(t, alice);
      await alices.expectFirstFrame();
      for (const [index, { end }] of bobs.entries()) {
        // Another one, because any connection may break.
        if (end?.kind === "broken") bobs[index] = await openWatch(t, bob.device("another"), bob.token);
      }
      for (const { frames, end } of bobs) {
        if (end !== undefined && frames.length > 0)
          throw new Inconclusive("the Watch ended before the token was revoked", ReasonCode.INDETERMINATE);
        t.that(frames.length > 0, "WATCH-FIRST", "a Watch got no first frame", "frames: at least 1", "frames: none");
      }
      await t.revokeToken(bob);
      const ended = await Promise.all(bobs.map((watching) => watching.waitForEnd(t.deadline(REVOKED_MS))));
      const expected = "an end-of-stream message with unauthenticated and CREDENTIAL_INVALID";
      const violation = "a Watch did not end within 5 seconds after its token was revoked";
      const openCount = ended.filter((hasEnded) => !hasEnded).length;
      t.that(openCount === 0, "AUTH-REVOKED-WATCH", violation, "no open Watch", `${openCount} open Watches`);
      const unbroken = bobs.filter(({ end }) => end?.kind !== "broken");
      // The case watch/ends-with-a-message finds out whether this happens at each revocation.
      if (unbroken.length === 0)
        throw new Inconclusive("the connections of all Watches broke", ReasonCode.INDETERMINATE);
      for (const watching of unbroken) {
        await expectClosed(t, watching);
        const { end } = watching;
        const fits = isCredentialInvalid(end);
        if (!fits)
          t.fail(
            "AUTH-REVOKED-WATCH",
            "a Watch whose token was revoked did not end with the refusal CREDENTIAL_INVALID",
            expected,
            describeOutcome(end),
          );
      }
      expectRefusedBeforeFrame(
        t,
        await openWatch(t, bob.device(), bob.token),
        "a Watch with a revoked token",
        "AUTH-REVOKED",
      );

      await alice.send(alice, "to herself");
      const message = "the Watch of another account received no frame after a token was revoked";
      await t.blaming("AUTH-REVOKED", () => expectFrameCovering(alices, alice.base + 1, message));
    },
  },
];

/** Opens a Watch and waits until it has a frame or has ended. Retries after a retryable error or a broken connection. */
async function openWatch(t: Context, device: Device, token: string | null): Promise<WatchStream> {
  const result = await t.session.retry(async () => {
    const stream = device.watch({ token });
    await stream.waitForFrame(() => true, t.deadline(FRAME_OR_END_MS));
    if (stream.end?.kind === "retryable") return stream.end;
    return { kind: stream.end?.kind === "broken" ? ("no-response" as const) : ("response" as const), value: stream };
  });
  if (result.kind === "retryable") throw new RetriesExhausted(result.why, result.refusal?.code);
  return result.value;
}

function expectRefusedBeforeFrame(
  t: Context,
  { frames, end }: WatchStream,
  what: string,
  requirement: "AUTH-WATCH" | "AUTH-REVOKED" = "AUTH-WATCH",
): void {
  const expected = "an end-of-stream message with unauthenticated and CREDENTIAL_INVALID, and no frame";
  if (frames.length > 0) t.fail(requirement, `${what} received a frame`, expected, `frames: ${frames.length}`);
  if (!isCredentialInvalid(end))
    t.fail(requirement, `${what} was not refused in its stream`, expected, describeOutcome(end));
}

/** Whether a stream ended with CREDENTIAL_INVALID in its end-of-stream message, so with HTTP status 200. */
function isCredentialInvalid(end: StreamEnd | undefined): boolean {
  if (end?.kind !== "refusal") return false;
  const { status, code, reason } = end.refusal;
  return status === 200 && code === "unauthenticated" && reason === Reason.CREDENTIAL_INVALID;
}

function describeOutcome(end: StreamEnd | undefined): string {
  if (end === undefined) return "the Watch is still open";
  if (end.kind === "end") return "the Watch ended without an error";
  if (end.kind !== "refusal") return `the Watch ended without a Connect error: ${end.why}`;
  const { status, code, reason } = end.refusal;
  return `HTTP ${status}, ${code || "no Connect error"} ${Reason[reason]}`;
}
