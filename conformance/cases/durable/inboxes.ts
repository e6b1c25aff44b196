import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { InboxRecord, restartWithAccounts } from "../../harness/inbox-record.js";

/** Crashes in a row of the thorough case. */
const CRASHES = 10;

/** Durability: several inboxes, and several crashes in a row. */
export const crashesOfInboxes: readonly Case[] = [
  {
    // § DUR-NEW-EPOCH: A server that, after a restart, lacks any data that the DURABLE profile names MUST have given a
    // § new epoch to each inbox that is affected, before it serves a call on that inbox.
    id: "durable/four-inboxes",
    title: "Over four crashes, two of them without a call before, each of four inboxes is as it was or has a new epoch",
    requirements: ["DUR-NEW-EPOCH", "EPOCH-RENEWED"],
    bulk: true,
    needs: { accounts: 4, restart: true },
    async run(t) {
      const inboxes = await recordsOf(t);
      // Bob's inbox gets nothing: only its epoch can change.
      await exchange(t, inboxes, [0, 3, 4, 3], [0, 3, 2, 0]);
      await restartWithAccounts(t);
      await compare(inboxes);
      // Nothing happens before these two: what the server does at a start must not depend on what it did before.
      await t.restart();
      await restartWithAccounts(t);
      await compare(inboxes);
      await exchange(t, inboxes, [2, 0, 3, 1], [1, 0, 1, 1]);
      await restartWithAccounts(t);
      await compare(inboxes);
      for (const inbox of inboxes) await inbox.expectAll();
    },
  },
  {
    id: "durable/ten-crashes",
    title: `Over ${CRASHES} crashes in a row, with a few messages before each, four inboxes are as they were or have new epochs`,
    requirements: ["DUR-NEW-EPOCH", "EPOCH-RENEWED"],
    bulk: true,
    thorough: true,
    needs: { accounts: 4, restart: true },
    async run(t) {
      const inboxes = await recordsOf(t);
      for (let crash = 1; crash <= CRASHES; crash += 1) {
        const counts = inboxes.map((_, index) => (crash + index) % 3);
        await exchange(t, inboxes, counts, [0, 0, 0, 0]);
        // All but one of the messages that are pending, in two of the inboxes.
        const acked = inboxes.map(({ pending }, index) => (index % 2 === 0 ? 0 : Math.max(0, pending.length - 1)));
        await exchange(t, inboxes, [0, 0, 0, 0], acked);
        await restartWithAccounts(t);
        await compare(inboxes);
      }
      for (const inbox of inboxes) await inbox.expectAll();
    },
  },
];

const recordsOf = (t: Context) => Promise.all(t.accounts.map((account) => InboxRecord.of(t, account)));

/** Sends as many messages to each inbox, each inbox from another sender, and acknowledges as many of them. */
async function exchange(
  t: Context,
  inboxes: readonly InboxRecord[],
  counts: readonly number[],
  acked: readonly number[],
): Promise<void> {
  for (const [index, inbox] of inboxes.entries()) {
    const from = t.accounts[(index + 1) % t.accounts.length] as Context["bob"];
    const payloads = Array.from({ length: counts[index] ?? 0 }, (_, n) => t.filler(`message ${n + 1}`));
    await inbox.receive(from, payloads);
    const count = Math.min(acked[index] ?? 0, inbox.pending.length);
    if (count > 0) await inbox.ack(count);
  }
}

/** Compares all inboxes, and then retries the first and the last Send to each. */
async function compare(inboxes: readonly InboxRecord[]): Promise<void> {
  const kept: boolean[] = [];
  // All of them before the first retry, which changes an inbox that has a new epoch.
  for (const inbox of inboxes) kept.push(await inbox.expectKeptOrRenewed());
  for (const [index, inbox] of inboxes.entries())
    await inbox.expectRetries(kept[index] ?? false, (messages) =>
      messages.filter((_, n) => n === 0 || n === messages.length - 1),
    );
}
