import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { rawAttempt } from "../../harness/raw-calls.js";
import { expectSameAnswerOnRetry } from "../../harness/retries.js";
import { Watcher } from "../../harness/watcher.js";

/** How many Watches are opened and left: more than 256, a usual bound on what one account may have open. */
const ROUNDS = 26;
const AT_ONCE = 10;
/** So many more in each round are refused. */
const REFUSED = 2;
/** How long each may take to be opened, in milliseconds. */
const PATIENCE_MS = 15_000;

/** Watches that are opened and left, as phones do that go in and out of a tunnel. */
export const watchOften: readonly Case[] = [
  {
    // § WATCH-ALL: A server MUST let an account have 20 Watches open at once, and each of them MUST get the frames that
    // § this chapter promises.
    id: "watch/opened-often",
    title: `bob opens ${ROUNDS * AT_ONCE} Watches, ${AT_ONCE} at a time, and leaves each, and ${ROUNDS * REFUSED} are refused; the next one is opened and woken as the first was`,
    requirements: ["WATCH-ALL", "WATCH-FIRST", "SEND-RETRY-LATER"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      // Who has not noticed yet that a Watch is gone, and is full, may ask to wait.
      const opened = (watcher: Watcher) =>
        watcher.expectFrame(() => true, "WATCH-FIRST", "a Watch got no first frame", { ms: PATIENCE_MS });
      const note = await bob.send(alice, "before he watches");
      await t.blaming("WATCH-ALL", async () => {
        for (let round = 1; round <= ROUNDS; round += 1) {
          const watchers = Array.from({ length: AT_ONCE }, (_, n) => new Watcher(t, bob, {}, `watcher ${n + 1}`));
          // What takes a place before it has looked at the envelope has to give it back.
          const refused = Array.from({ length: REFUSED }, () => rawAttempt(t, { rpc: "Watch", by: bob }));
          await Promise.all([...watchers.map(opened), ...refused]);
          for (const watcher of watchers) watcher.cancel();
          // Many servers notice that somebody is gone when they write to him.
          if (round % 2 === 0) await alice.send(bob, `after round ${round}`);
        }
        const last = new Watcher(t, bob);
        const { svrSeq: before } = await opened(last);
        await alice.send(bob);
        const what = `after ${ROUNDS * AT_ONCE} Watches that are gone the next one was not woken`;
        await last.expectFrame(({ svrSeq }) => svrSeq > before, "WATCH-WAKE", what);
      });
      // What is kept with a connection goes with it, and ids are not.
      await expectSameAnswerOnRetry(t, bob, alice, note, "SEND-RETRY-LATER");
    },
  },
];
