import { setTimeout as pause } from "node:timers/promises";
import type { WatchResponse } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { describeEnd, expectFrameCovering, FRAME_MS, Watcher } from "../../harness/watcher.js";

/** Messages of a long Watch and the pause after each: together longer than the usual write timeout of 30 seconds. */
const MESSAGES = 4;
const APART_MS = 8000;

/** Watch: long Watches, and the end of a Watch. */
export const watchEnds: readonly Case[] = [
  {
    // § WATCH-END: A Watch that the server ends while the connection works MUST end with the end-of-stream message.
    id: "watch/ends-with-a-message",
    title: "A Watch that the server ends after a revocation ends with the end-of-stream message",
    requirements: ["WATCH-END", "AUTH-REVOKED-WATCH", "HTTP-STREAM"],
    needs: { revokeToken: true },
    async run(t: Context) {
      const watcher = new Watcher(t, t.bob);
      await watcher.expectFirstFrame();
      await t.revokeToken(t.bob);
      const ended = await watcher.waitForEnd(FRAME_MS);
      const violation = "a Watch did not end after its credential was revoked";
      t.that(ended, "AUTH-REVOKED-WATCH", violation, `its end within ${FRAME_MS} ms`, "the Watch is still open");
      const { end } = watcher;
      const error = end?.kind === "refusal" || end?.kind === "retryable" ? end.refusal : undefined;
      const isOrderly = end?.kind === "end" || error?.status === 200;
      const actual = end === undefined ? "nothing" : describeEnd(end);
      const rule = end?.kind === "malformed" ? "HTTP-STREAM" : "WATCH-END";
      t.that(isOrderly, rule, "a Watch ended without the end-of-stream message", "the end-of-stream message", actual);
      await watcher.expectClosed();
    },
  },
  {
    // § WATCH-HEARTBEAT: A server SHOULD send a frame on an open Watch at least every 30 seconds, repeating the last
    // § one if nothing has changed.
    id: "watch/heartbeat",
    title: "An idle Watch gets a second frame within 30 seconds, equal to the first",
    requirements: ["WATCH-HEARTBEAT"],
    slow: true,
    async run(t: Context) {
      const { bob } = t;
      const watcher = new Watcher(t, bob);
      const first = await watcher.expectFirstFrame();
      const isAnother = (frame: WatchResponse) => frame !== first;
      const { epoch, svrSeq } = await watcher.expectFrame(
        isAnother,
        "WATCH-HEARTBEAT",
        "an idle Watch got no second frame",
        {
          ms: 31_000,
        },
      );
      const repeated = { epoch: first.epoch, svrSeq: first.svrSeq };
      t.equal({ epoch, svrSeq }, repeated, "WATCH-PRIVATE", "the second frame of an idle Watch differs from the first");
    },
  },
  {
    // § WATCH-END: A Watch that the server ends while the connection works MUST end with the end-of-stream message.
    id: "watch/a-long-one",
    title: "A Watch that is open for more than 30 seconds gets a frame for each message",
    requirements: ["WATCH-END", "WATCH-MONOTONE", "WATCH-WAKE"],
    slow: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      // The traffic keeps the Watch from being idle, so that a cut is due to its age and not to an idle timeout.
      for (let n = 1; n <= MESSAGES; n += 1) {
        await alice.send(bob, `message ${n}`);
        await expectFrameCovering(watcher, bob.base + n, `a Watch got no frame for message ${n}`);
        await pause(APART_MS, undefined, { signal: t.signal });
      }
      // The judge checks that svr_seq has not decreased.
      await alice.send(bob, "the last one");
      await expectFrameCovering(watcher, bob.base + MESSAGES + 1, "a long Watch got no frame for the last message");
    },
  },
];
