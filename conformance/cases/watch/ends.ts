import { setTimeout as pause } from "node:timers/promises";
import type { WatchResponse } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { describeEnd, expectFrameCovering, FRAME_MS, Watcher } from "../../harness/watcher.js";

/** So many messages, this far apart: longer than the 30 seconds that many HTTP servers give an answer. */
const MESSAGES = 4;
const APART_MS = 8000;

/** Watches that last, and how they end. */
export const watchEnds: readonly Case[] = [
  {
    // § WATCH-END: A Watch that the server ends while the connection works MUST end with the end-of-stream message.
    id: "watch/ends-with-a-message",
    title: "bob's credential is revoked while he watches; the stream ends with the end-of-stream message, and is over",
    requirements: ["WATCH-END", "AUTH-REVOKED-WATCH", "HTTP-STREAM"],
    needs: { revokeToken: true },
    async run(t: Context) {
      const watcher = new Watcher(t, t.bob);
      await watcher.expectFirstFrame();
      await t.revokeToken(t.bob);
      const ended = await watcher.ended(FRAME_MS);
      t.that(ended, "AUTH-REVOKED-WATCH", "the Watch goes on", `its end within ${FRAME_MS} ms`, "it is open");
      const { end } = watcher;
      const inOrder = end?.kind === "end" || (end?.kind === "refusal" && end.refusal.status === 200);
      const actual = end === undefined ? "nothing" : describeEnd(end);
      const rule = end?.kind === "malformed" ? "HTTP-STREAM" : "WATCH-END";
      t.that(inOrder, rule, "the Watch ended without the end-of-stream message", "that message", actual);
      await watcher.expectClosed();
    },
  },
  {
    // § WATCH-HEARTBEAT: A server SHOULD send a frame on an open Watch at least every 30 seconds, repeating the last
    // § one if nothing has changed.
    id: "watch/heartbeat",
    title: "nothing happens; bob's Watch has a second frame within 30 seconds, the same as the first",
    requirements: ["WATCH-HEARTBEAT"],
    slow: true,
    async run(t: Context) {
      const { bob } = t;
      const watcher = new Watcher(t, bob);
      const first = await watcher.expectFirstFrame();
      const isAnother = (frame: WatchResponse) => frame !== first;
      const { epoch, svrSeq } = await watcher.expectFrame(isAnother, "WATCH-HEARTBEAT", "an open Watch is silent", {
        ms: 31_000,
      });
      const repeated = { epoch: first.epoch, svrSeq: first.svrSeq };
      t.equal({ epoch, svrSeq }, repeated, "WATCH-PRIVATE", "a frame tells something else though nothing has happened");
    },
  },
  {
    // § WATCH-END: A Watch that the server ends while the connection works MUST end with the end-of-stream message.
    id: "watch/a-long-one",
    title: "bob's Watch is open for more than half a minute in which alice sends messages; it is woken by each",
    requirements: ["WATCH-END", "WATCH-MONOTONE", "WATCH-WAKE"],
    slow: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      // What is cut here is not cut for being silent, as a proxy may do: it is cut for its age.
      for (let n = 1; n <= MESSAGES; n += 1) {
        await alice.send(bob, `message ${n}`);
        await expectFrameCovering(watcher, bob.base + n, `message ${n} has woken nobody`);
        await pause(APART_MS, undefined, { signal: t.signal });
      }
      // That a frame between two of them has not fallen is for the judge.
      await alice.send(bob, "the last one");
      await expectFrameCovering(watcher, bob.base + MESSAGES + 1, "the last message has woken nobody");
    },
  },
];
