import { setTimeout as pause } from "node:timers/promises";
import type { TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectFrameCovering, Watcher } from "../../harness/watcher.js";

/** How long the traffic lasts, and the time between two messages, in milliseconds. */
const DURATION_MS = 70_000;
const BETWEEN_MS = 200;
/** Number of messages after which the recipient acknowledges. */
const BETWEEN_ACKS = 20;
/** Number of messages to others between two messages to the watched inbox. */
const BETWEEN_OWN = 40;

/** Cases about Watches while messages are sent without a pause. */
export const steadyTraffic: readonly Case[] = [
  {
    // § WATCH-WAKE: Within 5 seconds after a Send has succeeded, every open Watch of the recipient whose reader keeps
    // § up MUST have received a frame whose `svr_seq` covers the message.
    id: "watch/steady-traffic",
    title: "While messages come every 200 ms or faster for 70 seconds, a Watch gets a frame for each within 5 seconds",
    requirements: ["WATCH-WAKE"],
    thorough: true,
    waits: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      let count = 0;
      let isOver = false;
      const phone = bob.device("phone");
      // Several senders, so that the messages also come without a pause if a single Send is slow.
      const senders = [alice, bob, alice].map((sender) =>
        every(t, BETWEEN_MS, DURATION_MS, async () => {
          await sender.send(bob, t.filler(`message ${count + 1}`));
          count += 1;
          if (count % BETWEEN_ACKS === 0) await phone.drain();
        }),
      );
      const traffic = Promise.all(senders).finally(() => {
        isOver = true;
      });
      // The traffic goes on while a frame is due: a server must not wait for a pause.
      const frames = (async () => {
        for (let seen = 0; !isOver || seen < count; ) {
          if (seen < count) {
            seen = count;
            const violation = `with a message every ${BETWEEN_MS} ms, a Watch got no frame for message ${seen}`;
            await expectFrameCovering(watcher, bob.base + seen, violation);
          }
          await pause(BETWEEN_MS / 2, undefined, { signal: t.signal });
        }
      })();
      await Promise.all([traffic, frames]);
    },
  },
  {
    id: "watch/steady-traffic-elsewhere",
    title: "While another inbox gets a message every 200 ms for 70 seconds, a Watch gets a frame for each of its own",
    requirements: ["WATCH-WAKE", "WATCH-PRIVATE"],
    thorough: true,
    waits: true,
    needs: { accounts: 3 },
    async run(t: Context) {
      const { bob, alice, carol } = t;
      const watchers = new Map<TestAccount, Watcher>();
      for (const account of [bob, carol]) {
        const watcher = new Watcher(t, account, {}, `${account.name}'s watcher`);
        await watcher.expectFirstFrame();
        watchers.set(account, watcher);
      }
      const phone = carol.device("phone");
      let count = 0;
      let own = 0;
      let expected = Promise.resolve();
      await every(t, BETWEEN_MS, DURATION_MS, async () => {
        await alice.send(carol, t.filler(`message ${count + 1}`));
        count += 1;
        if (count % BETWEEN_ACKS === 0) await phone.drain();
        if (count % BETWEEN_OWN !== 0) return;
        await expected;
        own += 1;
        await alice.send(bob, t.filler(`message ${own} to bob`));
        // The traffic goes on meanwhile.
        expected = expectOwn(watchers.get(bob) as Watcher, bob.base + own);
        expected.catch(() => {}); // awaited before the next one
      });
      await expected;
    },
  },
];

async function expectOwn(watcher: Watcher, svrSeq: number): Promise<void> {
  const violation = "a Watch got no frame for a message, while another inbox gets messages all the time";
  await expectFrameCovering(watcher, svrSeq, violation);
}

/** Calls `act` again and again for a time, with a pause after each call. */
export async function every(
  { signal }: Context,
  betweenMs: number,
  durationMs: number,
  act: (elapsedMs: number) => Promise<void>,
): Promise<void> {
  const started = performance.now();
  for (;;) {
    const elapsed = performance.now() - started;
    if (elapsed > durationMs) return;
    await act(elapsed);
    await pause(betweenMs, undefined, { signal });
  }
}
