import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { rawAttempt } from "../../harness/raw-calls.js";
import { expectSameResponseOnRetry } from "../../harness/retries.js";
import { Watcher } from "../../harness/watcher.js";

/** Rounds of Watches. All rounds together open more than 256 Watches, a usual limit. */
const ROUNDS = 26;
/** Watches that each round opens and cancels. */
const AT_ONCE = 10;
/** Malformed Watches of each round, which the server refuses. */
const REFUSED = 2;
/** Deadline for the first frame of each Watch, in milliseconds. */
const OPEN_MS = 15_000;

/** Watch: Watches that are opened and cancelled many times, as on an unstable network. */
export const watchReopen: readonly Case[] = [
  {
    // § WATCH-ALL: A server MUST let an account have 20 Watches open at once, and each of them MUST get the frames that
    // § this chapter promises.
    id: "watch/opened-often",
    title: `After ${ROUNDS * AT_ONCE} cancelled and ${ROUNDS * REFUSED} refused Watches the next Watch gets its frames`,
    requirements: ["WATCH-ALL", "WATCH-FIRST", "SEND-RETRY-LATER"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      // A server at its limit that has not noticed a cancelled Watch yet may respond with a retryable error.
      const expectOpen = (watcher: Watcher) =>
        watcher.expectFrame(() => true, "WATCH-FIRST", "a Watch got no first frame", { ms: OPEN_MS });
      const note = await bob.send(alice, "before the Watches");
      await t.blaming("WATCH-ALL", async () => {
        for (let round = 1; round <= ROUNDS; round += 1) {
          const watchers = Array.from({ length: AT_ONCE }, (_, n) => new Watcher(t, bob, {}, `watcher ${n + 1}`));
          // A server that counts a Watch before it parses the envelope must subtract it when it refuses the request.
          const refused = Array.from({ length: REFUSED }, () => rawAttempt(t, { rpc: "Watch", by: bob }));
          await Promise.all([...watchers.map(expectOpen), ...refused]);
          for (const watcher of watchers) watcher.cancel();
          // Many servers notice a closed connection only when they write to it.
          if (round % 2 === 0) await alice.send(bob, `after round ${round}`);
        }
        const last = new Watcher(t, bob);
        const { svrSeq: before } = await expectOpen(last);
        await alice.send(bob);
        const what = `a Watch got no frame for a message after ${ROUNDS * AT_ONCE} cancelled Watches`;
        await last.expectFrame(({ svrSeq }) => svrSeq > before, "WATCH-WAKE", what);
      });
      // Dedup records must not be discarded together with the state of a connection.
      await expectSameResponseOnRetry(t, bob, alice, note, "SEND-RETRY-LATER");
    },
  },
];
