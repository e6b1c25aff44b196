import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { restartWithAccounts } from "../../harness/inbox-record.js";

/** Durability: one crash between calls, and two. */
export const crashesBetweenCalls: readonly Case[] = [
  {
    // § DUR-NEW-EPOCH: A server that, after a restart, lacks any data that the DURABLE profile names MUST have given a
    // § new epoch to each inbox that is affected, before it serves a call on that inbox.
    id: "durable/crash-between-calls",
    title: "After each of two crashes between calls an inbox is unchanged or has a new epoch",
    requirements: ["DUR-NEW-EPOCH", "EPOCH-RENEWED"],
    needs: { restart: true },
    async run(t) {
      await crashBetweenCalls(t, "CORE");
      // The second crash must not lead to the same epoch as the first.
      await t.alice.sendMany(t.bob, 2);
      await restartWithAccounts(t);
      await t.bob.device("new phone").drain();
    },
  },
  {
    // § DUR-KEEP: After a crash of its processes at any moment, and a restart, a server MUST have every accepted
    // § message that was not acknowledged, with its seq, every acknowledgement of a successful Sync, the dedup records
    // § of accepted Sends within their windows, and the epochs.
    id: "durable/keeps-everything",
    title: "A server that declares DURABLE keeps epoch, seqs, acks and dedup records across a crash",
    requirements: ["DUR-KEEP"],
    needs: { restart: true },
    async run(t) {
      await crashBetweenCalls(t, "DURABLE");
    },
  },
];

/** Generates traffic, restarts the server, and checks all data that it may have lost. */
async function crashBetweenCalls(t: Context, profile: "CORE" | "DURABLE"): Promise<void> {
  const { bob, alice } = t;
  // The only data of an emptied inbox that can be lost is its numbering.
  await bob.sendMany(alice, 2);
  await alice.device("phone").drain();
  const sent = await alice.sendMany(bob, 5);
  const phone = bob.device("phone");
  // One by one, because a page may be smaller than asked for.
  await phone.fetch(1);
  await phone.fetch(1);
  const before = await phone.sync({ pageSize: 1 }); // acks the first two
  await restartWithAccounts(t);
  // Retries of accepted Sends: recognised under the old epoch, accepted as new messages under a new one.
  const [first, , , , last] = sent;
  if (first === undefined || last === undefined) throw new Error("five messages were sent");
  const page = await bob.device("probe").sync();
  if (profile === "DURABLE") {
    t.fields(
      page,
      { epoch: before.epoch },
      "DUR-KEEP",
      "a server that declares DURABLE has a different epoch after a crash",
    );
    t.fields(page, { ackedSeq: bob.base + 2 }, "DUR-KEEP", "a server that declares DURABLE lost an ack in a crash");
    t.page(page, bob.base + 3, sent.slice(2), "DUR-KEEP", "a server that declares DURABLE lost messages in a crash");
  }
  for (const { clientMessageId, payload } of [last, first]) await alice.send(bob, payload, { id: clientMessageId });
  await alice.send(bob, "afterwards");
  // A device from before the crash continues as a client must: under a new epoch from 0.
  const result = await phone.trySync();
  if (result.kind === "response") phone.store(result.value);
  await bob.device("new phone").drain();
}
