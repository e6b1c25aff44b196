import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { SentMessage } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectInfo, expectWatch, waysOf } from "../../harness/each-way.js";
import { InboxRecord } from "../../harness/inbox-record.js";
import { Load } from "../../harness/load.js";
import { expectSameAcceptedAt, expectSameResponseOnRetry } from "../../harness/retries.js";
import { Watcher } from "../../harness/watcher.js";

/** Data losses while calls are made. */
const LOSSES = 2;

/** Mixtures: a data loss, and each kind of call after it and during it. */
export const losses: readonly Case[] = [
  {
    // § EPOCH-RESTART: Under a new epoch an inbox MUST start with `svr_seq` and `acked_seq` 0 and number from 1, and a
    // § retry of an earlier Send MUST NOT be recognised by a dedup record of an earlier epoch but be accepted as a new
    // § message, unless the record's message was moved into the new numbering.
    id: "epoch/each-call-after-a-loss",
    title: "After data loss each kind of call is answered under the new epoch, in each codec at each front end",
    requirements: ["EPOCH-RESTART", "EPOCH-MISMATCH", "ACK-AHEAD", "SEND-RETRY", "SEND-ID-REUSED"],
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const ways = waysOf(t);
      const lost: SentMessage[] = [];
      for (const way of ways) {
        lost.push(await alice.send(bob, t.filler("acknowledged"), way));
        await bob.device("phone").drain();
      }
      lost.push(await alice.send(bob, t.filler("pending")));
      // The inbox of the recipient loses nothing.
      const kept = await bob.send(alice, t.filler("from bob"));
      const old = await bob.state();
      await t.rotateEpoch(bob);
      const { epoch } = await bob.state();
      const present: SentMessage[] = [];
      for (const [index, way] of ways.entries()) {
        const next = ways[(index + 1) % ways.length] ?? way;
        await expectWatch(t, bob, way, { epoch, svrSeq: present.length });
        await expectInfo(t, way, bob.token);
        const device = bob.device("phone");
        const mismatch = await device.trySync({ cliSeq: old.ackedSeq, epoch: old.epoch }, way);
        const { detail } = t.refused(mismatch, Reason.EPOCH_MISMATCH, "EPOCH-MISMATCH", "a Sync with the old epoch");
        const reported = { epoch: detail?.epoch, svrSeq: detail?.svrSeq };
        const violation = "the refusal of a Sync with the old epoch does not hold the new epoch and svr_seq";
        t.equal(reported, { epoch, svrSeq: present.length }, "EPOCH-MISMATCH", violation);
        const ahead = await device.trySync({ cliSeq: present.length + 1 }, way);
        t.refused(ahead, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a Sync with a cli_seq above svr_seq of the new epoch");
        await expectSameResponseOnRetry(t, bob, alice, kept, "SEND-RETRY");
        const other = kept.payload.length === 0 ? Buffer.from("x") : new Uint8Array();
        const reused = await bob.trySend(alice, other, { id: kept.clientMessageId, ...way });
        t.refused(
          reused,
          Reason.CLIENT_MESSAGE_ID_REUSED,
          "SEND-ID-REUSED",
          "a Send with a used id and another payload",
        );

        const { clientMessageId: id, payload } = lost[index] as SentMessage;
        const again = await t.blaming("EPOCH-RESTART", () => alice.send(bob, payload, { id, ...way }));
        present.push(again);
        const retry = await alice.send(bob, payload, { id, ...next });
        expectSameAcceptedAt(t, retry, again, "SEND-RETRY");
        present.push(await alice.send(bob, t.filler("new"), way));
        const page = await device.sync({ cliSeq: Math.max(0, present.length - 2), epoch }, next);
        t.fields(
          page,
          { svrSeq: present.length },
          "EPOCH-RESTART",
          "svr_seq does not count what was sent since the loss",
        );
        const message = "a Sync under the new epoch does not return what was sent since the loss";
        t.page(page, present.length - 1, present.slice(-2), "EPOCH-RESTART", message);
      }
    },
  },
  {
    // § EPOCH-STABLE: The epoch of an inbox MUST stay the same as long as its numbering continues.
    id: "epoch/loss-during-traffic",
    title: `After ${LOSSES} data losses during Sends, Syncs and Watches the inbox works, and another one has lost nothing`,
    requirements: ["EPOCH-STABLE", "EPOCH-RENEWED", "SEND-VISIBLE", "WATCH-EPOCH"],
    bulk: true,
    needs: { accounts: 3, rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice, carol } = t;
      const watchers = [new Watcher(t, bob, {}, "watcher"), new Watcher(t, alice, {}, "watcher")] as const;
      for (const watcher of watchers) await watcher.expectFirstFrame();
      const other = await alice.state();
      for (let loss = 1; loss <= LOSSES; loss += 1) {
        const load = new Load(t);
        load.send(alice, bob);
        load.send(carol, bob);
        load.fetch(bob.device(`phone at loss ${loss}`));
        load.send(bob, alice);
        load.sendThenSync(carol, alice, alice.device(`phone at loss ${loss}`));
        await load.continues();
        await t.rotateEpoch(bob);
        await load.continues();
        await load.stop();
        // Retries of what was lost, and of what was sent since: the judge knows which is which.
        for (const { from, to, sent } of load.sends.slice(-12))
          await from.trySend(to, sent.payload, { id: sent.clientMessageId });
        await bob.device("another phone").drain();
      }
      const inbox = await InboxRecord.of(t, bob);
      await inbox.receive(carol, [t.filler("afterwards")]);
      await watchers[0].expectFrame(
        (frame) => frame.epoch === inbox.epoch && frame.svrSeq >= inbox.svrSeq,
        "WATCH-EPOCH",
        "a Watch that was open during data losses got no frame for a message under the new epoch",
      );
      const state = await alice.state();
      const what = "data losses of one inbox changed the epoch of another";
      t.fields(state, { epoch: other.epoch }, "EPOCH-STABLE", what);
      const sent = await carol.send(alice, t.filler("afterwards"));
      const messages = await alice.device("another phone").drain();
      const isThere = messages.at(-1)?.clientMessageId === sent.clientMessageId;
      const violation = "an inbox that lost nothing does not deliver the last message";
      t.that(isThere, "SEND-VISIBLE", violation, `message ${sent.clientMessageId}`, `${messages.length} messages`);
    },
  },
];
