import { setTimeout as pause } from "node:timers/promises";
import { Device, type SentMessage, type TestAccount } from "../../harness/account.js";
import { expectExactly } from "../../harness/backlog.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { deviceWithOwnConnection } from "../../harness/own-connection.js";
import { expectStart } from "../../harness/volume.js";
import { expectFrameCovering, Watcher } from "../../harness/watcher.js";
import { describeRefusal } from "../../rpc/connect.js";
import type { Refusal } from "../../rpc/result.js";

/** Times without any traffic, in milliseconds: a bit more than usual time limits of 10, 30 and 60 seconds. */
const SILENCES_MS = [15_000, 35_000, 65_000];
/** Time for which an account makes no call, in milliseconds. */
const ABSENCE_MS = 70_000;

/** Cases about what is still true after a time without traffic. */
export const idle: readonly Case[] = [
  {
    // § SYNC-ANSWER: A Sync whose `epoch` is empty or the inbox's current one, and whose `cli_seq` is not above the
    // § inbox's `svr_seq`, MUST return a `SyncResponse`.
    id: "sync/idle-connections",
    title: "Calls succeed on connections that were idle for 15, 35 and 65 seconds, or on new ones if they were closed",
    requirements: ["SYNC-ANSWER", "SEND-ACCEPT", "SEND-VISIBLE", "HTTP-BINARY"],
    thorough: true,
    waits: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = (await Promise.all(SILENCES_MS.map((ms) => callAfterSilence(t, ms)))).flat();
      expectExactly(t, await bob.device("tablet").drain(), bob.base + 1, sent, "SEND-VISIBLE");
      await alice.send(bob);
    },
  },
  {
    // § WATCH-WAKE: Within 5 seconds after a Send has succeeded, every open Watch of the recipient whose reader keeps
    // § up MUST have received a frame whose `svr_seq` covers the message.
    id: "watch/silence",
    title: "Watches that were silent for 15, 35 and 65 seconds get a frame for the next message",
    requirements: ["WATCH-WAKE"],
    thorough: true,
    waits: true,
    needs: { accounts: 4 },
    async run(t: Context) {
      const { alice, bob, carol, dave } = t;
      await Promise.all(
        [bob, carol, dave].map((account, index) => wakeAfterSilence(t, alice, account, SILENCES_MS[index] as number)),
      );
    },
  },
  {
    // § ACK-REDELIVER: An unacknowledged message MUST be delivered again by every Sync whose page reaches its seq,
    // § however often, however long ago and to whichever device it was delivered before.
    id: "ack/absence",
    title: "An account that makes no call for 70 seconds keeps its epoch, its acks and its pending messages",
    requirements: ["ACK-REDELIVER", "DEV-LAGGING", "EPOCH-STABLE", "SYNC-BASE", "SEQ-MONOTONE"],
    thorough: true,
    waits: true,
    needs: { accounts: 3 },
    async run(t: Context) {
      const { bob, alice, carol } = t;
      const sent = await alice.sendMany(bob, 5);
      const { epoch } = await bob.device("phone").sync({ cliSeq: bob.base + 3 });
      // An inbox in which nothing is pending keeps its numbers too.
      await alice.sendMany(carol, 3);
      await carol.device("phone").drain();
      const before = await carol.state();
      await pause(ABSENCE_MS, undefined, { signal: t.signal });
      // The device that has been away for longest is the first to come back.
      const page = await t.blaming("EPOCH-STABLE", () =>
        bob.device("old device").sync({ cliSeq: bob.base + 1, epoch }),
      );
      const state = { epoch: page.epoch, ackedSeq: page.ackedSeq, svrSeq: page.svrSeq };
      t.equal({ epoch: state.epoch }, { epoch }, "EPOCH-STABLE", "the epoch has changed while an account made no call");
      const wrongAck = "an ack was lost while an account made no call";
      t.equal({ ackedSeq: state.ackedSeq }, { ackedSeq: bob.base + 3 }, "SYNC-BASE", wrongAck);
      const violation = "the pending messages are not delivered after an account made no call for 70 seconds";
      t.page(page, bob.base + 4, sent.slice(3), "ACK-REDELIVER", violation);
      const after = await carol.state();
      t.equal(
        { epoch: after.epoch },
        { epoch: before.epoch },
        "EPOCH-STABLE",
        "an empty inbox that made no call has another epoch",
      );
      t.fields(
        after,
        { svrSeq: before.svrSeq, ackedSeq: before.ackedSeq },
        "SEQ-MONOTONE",
        "an empty inbox that made no call has lost its numbers",
      );
      const first = await alice.send(carol, t.filler("after the absence"));
      t.all(
        await carol.device("phone").drain(),
        before.svrSeq + 1,
        [first],
        "SEQ-MONOTONE",
        "the numbering of an empty inbox starts again",
      );
      const next = await alice.send(bob, t.filler("after the absence"));
      t.all(await bob.device("phone").drain(), bob.base + 4, [...sent.slice(3), next], "ACK-REDELIVER", violation);
    },
  },
];

/** Makes calls on a connection of a sender and one of a device, which are then idle. Returns the messages. */
async function callAfterSilence(t: Context, ms: number): Promise<SentMessage[]> {
  const { bob, alice } = t;
  const phone = deviceWithOwnConnection(t, bob, `phone that is idle for ${ms / 1000} s`);
  const sender = deviceWithOwnConnection(t, alice, `phone that is idle for ${ms / 1000} s`);
  const send = async (text: string, by: TestAccount | Device = sender): Promise<SentMessage> => {
    const message = { clientMessageId: t.newId(), payload: t.filler(text) };
    const result =
      by instanceof Device
        ? await by.client.send({ ...message, recipientId: bob.userId })
        : await by.trySend(bob, message.payload, { id: message.clientMessageId });
    if (result.kind === "refusal") await expectRefusedElsewhere(t, message, result.refusal, ms);
    return { ...message, acceptedAt: t.accepted(result, "SEND-ACCEPT").acceptedAt };
  };
  const before = await send("before");
  await phone.sync();
  await pause(ms, undefined, { signal: t.signal });
  // On another connection: the idle one must not show an old state.
  const meanwhile = await send("meanwhile", alice);
  const page = await phone.sync();
  const violation = `on a connection that was idle for ${ms / 1000} seconds, a page does not begin with the first message`;
  expectStart(t, page, bob.base + 1, "SYNC-RANGE", violation);
  return [before, meanwhile, await send("after")];
}

/** Blames the connection if a Send that was refused on an idle one is accepted on another. */
async function expectRefusedElsewhere(
  t: Context,
  { clientMessageId, payload }: { clientMessageId: string; payload: Uint8Array },
  refusal: Refusal,
  ms: number,
): Promise<void> {
  const { client } = deviceWithOwnConnection(t, t.alice, "new connection");
  const elsewhere = await client.send({ clientMessageId, payload, recipientId: t.bob.userId });
  if (elsewhere.kind !== "response") return;
  const requirement = t.session.codec === "json" ? "HTTP-JSON" : "HTTP-BINARY";
  const violation = `a Send is refused on a connection that was idle for ${ms / 1000} seconds, and accepted on another`;
  t.fail(requirement, violation, "it is accepted", describeRefusal(refusal));
}

/** Expects a Watch that was silent to get a frame for each of two messages. */
async function wakeAfterSilence(t: Context, from: TestAccount, account: TestAccount, ms: number): Promise<void> {
  const watcher = new Watcher(t, account, {}, `watcher that is silent for ${ms / 1000} s`);
  await watcher.expectFirstFrame();
  await watcher.keepOpen(ms);
  for (let n = 1; n <= 2; n += 1) {
    await from.send(account, t.filler(`message ${n}`));
    const violation = `a Watch that was silent for ${ms / 1000} seconds got no frame for message ${n} after that`;
    await expectFrameCovering(watcher, account.base + n, violation);
  }
}
