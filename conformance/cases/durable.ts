import { Inconclusive } from "../findings.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";

/**
 * Crashes. Whether a server may lose what it had, its profile says; that it must not lose it in silence holds for all. The judge
 * knows both: these cases bring the traffic before, during and after.
 */
export const durable: readonly Case[] = [
  {
    // § DUR-NEW-EPOCH: A server that, after a restart, lacks any of what the DURABLE profile names MUST have given a
    // § new epoch to each inbox that is affected, before it answers a call on it.
    id: "durable/crash-between-calls",
    title:
      "bob has acked 2 of 5 when the server is killed, and again later; each time all is as it was, or the epoch is new",
    requirements: ["DUR-NEW-EPOCH", "EPOCH-RENEWED"],
    needs: { restart: true },
    async run(t) {
      await crash(t, "CORE");
      // An epoch that was made for the first crash must not come again with the second.
      await t.alice.sendMany(t.bob, 2);
      await t.restart();
      await credentialsSurvived(t);
      await t.bob.device("new phone").drain();
    },
  },
  {
    // § DUR-KEEP: After a crash of its processes at any moment, and a restart, a server MUST have every accepted
    // § message that was not acknowledged, with its seq, every acknowledgement that was answered, the dedup records of
    // § accepted Sends within their windows, and the epochs.
    id: "durable/keeps-everything",
    title:
      "the same, with a server that declares DURABLE: epoch, seqs, acks and dedup records are there after the crash",
    requirements: ["DUR-KEEP"],
    needs: { restart: true },
    async run(t) {
      await crash(t, "DURABLE");
    },
  },
  {
    // § DUR-NEW-EPOCH: A server that, after a restart, lacks any of what the DURABLE profile names MUST have given a
    // § new epoch to each inbox that is affected, before it answers a call on it.
    id: "durable/crash-during-traffic",
    title: "the server is killed while ten Sends and three Syncs are under way; the Sends are repeated afterwards",
    requirements: ["DUR-NEW-EPOCH"],
    needs: { restart: true },
    async run(t) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 3);
      const phone = bob.device("phone");
      await phone.fetch(2);
      const ids = Array.from({ length: 10 }, () => t.newId());
      // Whatever becomes of these: without an answer their outcome is unknown, which the judge allows for.
      const underWay = Promise.allSettled([
        ...ids.map((id) => alice.trySend(bob, `during ${id}`, { id })),
        ...[1, 2, 3].map(() => phone.trySync()),
      ]);
      await t.restart();
      await underWay;
      await credentialsSurvived(t);
      for (const id of ids) await alice.trySend(bob, `during ${id}`, { id });
      await alice.send(bob, "afterwards");
      await bob.device("new phone").drain(3);
    },
  },
];

/** Traffic, a crash, and a look at all that may have been lost in it. */
async function crash(t: Context, promise: "CORE" | "DURABLE"): Promise<void> {
  const { bob, alice } = t;
  // Of an inbox that was emptied nothing but its numbers is left to lose.
  await bob.sendMany(alice, 2);
  await alice.device("phone").drain();
  const sent = await alice.sendMany(bob, 5);
  const phone = bob.device("phone");
  await phone.fetch(2);
  const before = await phone.sync({ pageSize: 1 }); // acks the first two
  await t.restart();
  await credentialsSurvived(t);
  // Repetitions of what was accepted: under the old epoch they are recognised, under a new one they come in anew.
  const [first, , , , last] = sent;
  if (first === undefined || last === undefined) throw new Error("five messages were sent");
  const page = await bob.device("probe").sync();
  if (promise === "DURABLE") {
    t.equal(page.epoch, before.epoch, "DUR-KEEP", "a durable server has another epoch after a crash");
    t.equal(page.ackedSeq, bob.base + 2, "DUR-KEEP", "a durable server lost an ack in a crash");
    t.page(page, bob.base + 3, sent.slice(2), "DUR-KEEP", "a durable server lost messages in a crash");
  }
  for (const { clientMessageId, payload } of [last, first]) await alice.send(bob, payload, { id: clientMessageId });
  await alice.send(bob, "afterwards");
  // A device that was there before goes on as a client must: under a new epoch from 0.
  const answered = await phone.trySync();
  if (answered.kind === "response") phone.store(answered.value);
  await bob.device("new phone").drain();
}

/** Accounts of a fixture may be gone with the process that made them: then nothing can be told. */
async function credentialsSurvived({ bob, alice }: Context): Promise<void> {
  for (const party of [bob, alice]) {
    const answered = await party.device("probe").trySync({ pageSize: 1 });
    if (answered.kind === "refusal" && answered.refusal.code === "unauthenticated")
      throw new Inconclusive(
        "the accounts did not survive the restart; use --accounts with some that the server knows after it",
      );
  }
}
