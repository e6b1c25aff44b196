import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { SyncResponse } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { Device, TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { crashRequirement, requireSurvivingAccounts } from "../../harness/inbox-record.js";
import { Load, type LoadedSend } from "../../harness/load.js";

/** Number of the last Sends of each pair of accounts that are retried after the crash. */
const RETRIES = 6;

/** Durability: crashes while calls are made. */
export const crashesUnderLoad: readonly Case[] = [
  {
    // § DUR-NEW-EPOCH: A server that, after a restart, lacks any data that the DURABLE profile names MUST have given a
    // § new epoch to each inbox that is affected, before it serves a call on that inbox.
    id: "durable/crash-during-traffic",
    title: "After a crash during ten Sends and three Syncs, and retries of the Sends, data loss implies a new epoch",
    requirements: ["DUR-NEW-EPOCH"],
    needs: { restart: true },
    async run(t) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 3);
      const phone = bob.device("phone");
      await phone.fetch(2);
      const ids = Array.from({ length: 10 }, () => t.newId());
      // Some of these get no response: their outcome is indeterminate, which the judge allows for.
      const pending = Promise.allSettled([
        ...ids.map((id) => alice.trySend(bob, `during ${id}`, { id })),
        ...[1, 2, 3].map(() => phone.trySync()),
      ]);
      await t.restart();
      await pending;
      await requireSurvivingAccounts(t);
      for (const id of ids) await alice.trySend(bob, `during ${id}`, { id });
      await alice.send(bob, "afterwards");
      await bob.device("new phone").drain(3);
    },
  },
  {
    id: "durable/answers-until-the-crash",
    title: "After each of two crashes in the middle of calls, each answered Send and ack is there, or the epoch is new",
    requirements: ["DUR-NEW-EPOCH", "SEND-ID-REUSED"],
    bulk: true,
    needs: { accounts: 4, restart: true },
    async run(t) {
      const { bob, alice, carol, dave } = t;
      for (const crash of ["first", "second"]) {
        const before = new Map<TestAccount, string>();
        for (const account of [bob, carol, dave]) before.set(account, (await account.state()).epoch);
        const [bobs, daves] = [bob.device(`phone at the ${crash} crash`), dave.device(`phone at the ${crash} crash`)];
        const readers = new Map([
          [bob, bobs],
          [dave, daves],
        ]);
        const load = new Load(t);
        load.send(alice, bob);
        load.send(carol, bob);
        load.send(bob, carol);
        load.fetch(bobs);
        load.sendThenSync(bob, dave, daves);
        load.sendToBoth(alice, [carol, dave]);
        await load.continues();
        await t.restart();
        await load.stop();
        await requireSurvivingAccounts(t);
        const kept = new Set<TestAccount>();
        for (const [account, epoch] of before) {
          const state = await account.state();
          if (state.epoch !== epoch) continue;
          kept.add(account);
          expectAcked(t, account, load.acked.get(readers.get(account) as Device) ?? 0, state);
        }
        await retryLast(t, load, kept);
        await expectOneOfEachPair(t, load, kept);
        // Under a new epoch, the judge knows what must be there.
        for (const account of before.keys()) {
          const device = account.device("new phone");
          const fetched = await device.drain();
          const stored = [...(readers.get(account)?.stored ?? []), ...fetched];
          if (kept.has(account)) expectAnswered(t, account, load, new Set(stored.map((it) => it.clientMessageId)));
        }
      }
    },
  },
];

/** Expects an inbox that kept its epoch to have kept what its device acknowledged. */
function expectAcked(t: Context, { name }: TestAccount, acked: number, { ackedSeq }: SyncResponse): void {
  t.that(
    ackedSeq >= acked,
    crashRequirement(t),
    `after a crash ${name}'s inbox has its epoch, but lacks an ack`,
    `acked_seq: at least ${acked}`,
    `acked_seq: ${ackedSeq}`,
  );
}

/** Retries the last Sends of each kind, answered or not, as their clients do after a crash. */
async function retryLast(t: Context, { sends, pairs }: Load, kept: ReadonlySet<TestAccount>): Promise<void> {
  const inPairs = new Set(pairs.flat());
  const byKind = new Map<string, LoadedSend[]>();
  for (const send of sends) {
    const kind = `${send.from.name} to ${send.to.name}`;
    if (!inPairs.has(send)) byKind.set(kind, [...(byKind.get(kind) ?? []), send]);
  }
  for (const ofKind of byKind.values())
    for (const send of ofKind.slice(-RETRIES)) await retry(t, send, kept.has(send.to));
}

/** Retries a Send, and expects it to be recognised if it was answered and the recipient's inbox kept its epoch. */
async function retry(t: Context, send: LoadedSend, wasKept: boolean): Promise<void> {
  const { from, to, sent } = send;
  const result = await from.trySend(to, sent.payload, { id: sent.clientMessageId });
  const wasAnswered = sent.acceptedAt !== undefined && wasKept;
  if (!wasAnswered && result.kind === "refusal" && result.refusal.reason === Reason.BACKLOG_FULL) return;
  const blamed = wasAnswered ? crashRequirement(t) : "SEND-ACCEPT";
  const { acceptedAt } = await t.blaming(blamed, async () => t.accepted(result, "SEND-ACCEPT"));
  const time = (at: typeof acceptedAt) => `accepted_at: ${at?.seconds} s ${at?.nanos} ns`;
  const what = "a Send that was answered before a crash is not recognised after it";
  if (wasAnswered) t.equal(time(acceptedAt), time(sent.acceptedAt), blamed, what);
  sent.acceptedAt = acceptedAt;
}

/** Retries the last pairs of Sends with one id to two recipients, and expects that at most one of each is accepted. */
async function expectOneOfEachPair(t: Context, { pairs }: Load, kept: ReadonlySet<TestAccount>): Promise<void> {
  // Without its record, which a new epoch makes void, an id may be used again.
  for (const pair of pairs.slice(-RETRIES).filter((it) => it.every(({ to }) => kept.has(to)))) {
    let accepted = 0;
    for (const send of pair) {
      const { from, to, sent } = send;
      if (sent.acceptedAt !== undefined) await retry(t, send, true);
      else {
        const result = await from.trySend(to, sent.payload, { id: sent.clientMessageId });
        if (result.kind === "response") sent.acceptedAt = result.value.acceptedAt;
      }
      if (sent.acceptedAt !== undefined) accepted += 1;
    }
    const what = "of two Sends with the same id to two recipients, made at once before a crash, both are accepted";
    t.that(accepted < 2, "SEND-ID-REUSED", what, "accepted: at most 1", `accepted: ${accepted}`);
  }
}

/** Expects each answered message to be among those that were delivered. */
function expectAnswered(t: Context, to: TestAccount, { sends }: Load, delivered: ReadonlySet<string>): void {
  const missing = sends.find(
    (it) => it.to === to && it.sent.acceptedAt !== undefined && !delivered.has(it.sent.clientMessageId),
  );
  const id = missing?.sent.clientMessageId;
  const what = `after a crash ${to.name}'s inbox has its epoch, but lacks a message whose Send was answered`;
  t.that(missing === undefined, crashRequirement(t), what, `message ${id}: delivered`, `message ${id}: in no page`);
}
