import { setTimeout as pause } from "node:timers/promises";
import type { WatchResponse } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { describeEnd, expectFrameCovering, FRAME_MS, Watcher } from "../../harness/watcher.js";
import type { StreamEnd } from "../../rpc/watch.js";

/**
 * Long Watches, which are opened one after the other, and the messages that they get. Each is open for longer than 30
 * seconds, a usual write timeout.
 */
const LONG_WATCHES = 3;
const MESSAGES = 10;
const APART_MS = 4000;

/** How long heartbeats are awaited, in milliseconds, and the number of them that is enough. */
const HEARTBEATS_MS = 80_000;
const HEARTBEATS = 20;

/** Watch: long Watches, and the end of a Watch. */
export const watchEnds: readonly Case[] = [
  {
    // § WATCH-END: A Watch that the server ends while the connection works MUST end with the end-of-stream message.
    id: "watch/ends-with-a-message",
    title: "A Watch that the server ends after a revocation ends with the end-of-stream message",
    requirements: ["WATCH-END", "AUTH-REVOKED-WATCH", "HTTP-STREAM"],
    needs: { accounts: 4, revokeToken: true },
    async run(t: Context) {
      // The network may break a connection, or all of them at once, but not one at each revocation.
      for (const account of t.accounts) {
        const end = await endByRevocation(t, account);
        if (end?.kind !== "broken") return;
      }
      const violation = `the connection of a Watch was closed at each of ${t.accounts.length} revocations`;
      t.fail("WATCH-END", violation, "an end-of-stream message", "the end of the response without one");
    },
  },
  {
    // § WATCH-HEARTBEAT: A server SHOULD send a frame on an open Watch at least every 30 seconds, repeating the last
    // § one if nothing has changed.
    id: "watch/heartbeat",
    title: "An idle Watch gets a frame at least every 30 seconds for more than a minute, each equal to the first",
    requirements: ["WATCH-HEARTBEAT"],
    thorough: true,
    waits: true,
    async run(t: Context) {
      const { bob } = t;
      const watcher = new Watcher(t, bob);
      const first = await watcher.expectFirstFrame();
      const state = { epoch: first.epoch, svrSeq: first.svrSeq };
      const seen = new Set([first]);
      const started = performance.now();
      // A server may let its heartbeats come less and less often.
      while (seen.size <= HEARTBEATS && performance.now() - started < HEARTBEATS_MS) {
        const isNext = (frame: WatchResponse) => !seen.has(frame);
        const what = `an idle Watch got no frame after the first ${seen.size}`;
        const next = await watcher.expectFrame(isNext, "WATCH-HEARTBEAT", what, { ms: 31_000 });
        seen.add(next);
        const violation = "a further frame of an idle Watch differs from the first";
        t.equal({ epoch: next.epoch, svrSeq: next.svrSeq }, state, "WATCH-PRIVATE", violation);
      }
    },
  },
  {
    // § WATCH-END: A Watch that the server ends while the connection works MUST end with the end-of-stream message.
    id: "watch/a-long-one",
    title: "Watches that are open for more than 30 seconds get a frame for each message",
    requirements: ["WATCH-END", "WATCH-MONOTONE", "WATCH-WAKE"],
    thorough: true,
    waits: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const watchers: Watcher[] = [];
      const seenBroken = new Map<Watcher, number>();
      const expectMessage = async (watcher: Watcher, n: number, violation: string) => {
        // The judge checks that svr_seq has not decreased.
        await expectFrameCovering(watcher, bob.base + n, violation);
        if (watcher.broken > 0 && !seenBroken.has(watcher)) seenBroken.set(watcher, n);
      };
      // The traffic keeps the Watches from being idle, so that a cut is due to their age and not to an idle timeout.
      for (let n = 1; n <= MESSAGES; n += 1) {
        if (n <= LONG_WATCHES) {
          const watcher = new Watcher(t, bob, {}, `watcher ${n}`);
          await watcher.expectFirstFrame();
          watchers.push(watcher);
        }
        await alice.send(bob, t.filler(`message ${n}`));
        for (const watcher of watchers) await expectMessage(watcher, n, `a Watch got no frame for message ${n}`);
        await pause(APART_MS, undefined, { signal: t.signal });
      }
      await alice.send(bob, t.filler("the last one"));
      for (const watcher of watchers)
        await expectMessage(watcher, MESSAGES + 1, "a long Watch got no frame for the last message");
      // A network breaks one connection, or all of them at once; a time limit for responses breaks each at the same age.
      const brokeOneByOne = new Set(seenBroken.values()).size === LONG_WATCHES;
      const violation = `the connection of each of ${LONG_WATCHES} long Watches was closed without an end-of-stream message`;
      const ages = [...seenBroken.values()].map((n, index) => `${((n - index - 1) * APART_MS) / 1000} s`);
      t.that(!brokeOneByOne, "WATCH-END", violation, "Watches that stay open", `closed after about ${ages.join(", ")}`);
    },
  },
];

/** Revokes the credential of an open Watch, and checks how the Watch ends. Returns its end. */
async function endByRevocation(t: Context, account: TestAccount): Promise<StreamEnd | undefined> {
  const watcher = new Watcher(t, account);
  await watcher.expectFirstFrame();
  await t.revokeToken(account);
  const ended = await watcher.waitForEnd(FRAME_MS);
  const violation = "a Watch did not end after its credential was revoked";
  t.that(
    ended,
    "AUTH-REVOKED-WATCH",
    violation,
    `the end of the Watch within ${FRAME_MS} ms`,
    "the Watch is still open",
  );
  const { end } = watcher;
  if (end?.kind === "broken") return end;
  const error = end?.kind === "refusal" || end?.kind === "retryable" ? end.refusal : undefined;
  const isOrderly = end?.kind === "end" || error?.status === 200;
  const actual = end === undefined ? "nothing" : describeEnd(end);
  const rule = end?.kind === "malformed" ? "HTTP-STREAM" : "WATCH-END";
  t.that(isOrderly, rule, "a Watch ended without the end-of-stream message", "the end-of-stream message", actual);
  await watcher.expectClosed();
  return end;
}
