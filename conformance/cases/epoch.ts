import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";
import { expectSameAnswerOnRetry } from "../harness/retries.js";
import type { Reply } from "../rpc/client.js";

export const epoch: readonly Case[] = [
  {
    // § EPOCH-PRESENT: Every successful answer of Sync MUST have an `epoch` of 1 to 64 bytes, the inbox's current one,
    // § and so MUST every frame of a Watch.
    id: "epoch/present",
    title: "each answer of bob's inbox, new or not, empty or not, has an epoch of 1 to 64 bytes",
    requirements: ["EPOCH-PRESENT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const look = async (what: string) => {
        const size = Buffer.byteLength((await bob.device().sync()).epoch);
        t.that(
          size >= 1 && size <= 64,
          "EPOCH-PRESENT",
          `${what} has no valid epoch`,
          "1 to 64 bytes",
          `${size} bytes`,
        );
      };
      await look("an answer without messages");
      await alice.sendMany(bob, 2);
      await look("an answer with messages");
      await bob.device("phone").drain();
      await look("an answer of an emptied inbox");
    },
  },
  {
    // § EPOCH-STABLE: The epoch of an inbox MUST stay the same while its numbering goes on.
    id: "epoch/stable",
    title:
      "bob's epoch stays the same over Sends, acks, refusals, Watches and whatever happens to others, at each endpoint",
    requirements: ["EPOCH-STABLE"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const { epoch } = await bob.state();
      const same = async (after: string) => {
        for (let endpoint = 0; endpoint < t.session.transport.urls.length; endpoint += 1) {
          const answer = await bob.device().sync({}, { endpoint });
          t.equal(answer.epoch, epoch, "EPOCH-STABLE", `the epoch is another after ${after}`);
        }
      };
      await same("nothing");
      await alice.sendAtOnce(bob, 110);
      await same("many messages");
      await bob.device("phone").sync({ cliSeq: bob.base + 4 });
      await same("an ack");
      await bob.device("phone").trySync({ cliSeq: bob.base + 111 });
      await bob.device("phone").trySync({ epoch: "another" });
      await alice.trySend(bob, "", { id: "" });
      await same("refusals");
      await bob.send(alice);
      await alice.device().drain();
      await same("another inbox's traffic");
      const phone = bob.device("phone");
      await phone.drain();
      await same("everything was acked");
      // It is the one that a device may send with each Sync.
      await phone.sync({ epoch });
    },
  },
  {
    // § EPOCH-MISMATCH: A Sync whose `epoch` is not empty and not the inbox's current one MUST be refused with
    // § `failed_precondition` and the reason EPOCH_MISMATCH, whatever its `cli_seq`, and its `ErrorDetail` MUST hold
    // § the inbox's current `epoch` and `svr_seq`.
    id: "epoch/mismatch",
    title: "Syncs under another epoch are refused, with cli_seq 0, below, at and above svr_seq; they ack nothing",
    requirements: ["EPOCH-MISMATCH", "ACK-FAILED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 4);
      const { epoch } = await bob.state();
      await t.unchanged(bob, "ACK-FAILED", "a refused Sync", async () => {
        for (const cliSeq of [0, bob.base + 2, bob.base + 4, bob.base + 5, 0xffff_ffff]) {
          const answered = await bob.device().trySync({ cliSeq, epoch: "not-the-epoch" });
          tellsState(t, answered, { epoch, svrSeq: bob.base + 4 }, `a Sync with ${cliSeq} under another epoch`);
        }
      });
      const got = await bob.device().drain();
      t.all(got, bob.base + 1, sent, "ACK-FAILED", "after refused Syncs the unacked messages are not all there");
    },
  },
  {
    id: "epoch/compared-as-bytes",
    title:
      "epochs that differ from bob's in case, width, a space, a zero, their last character or their length only are other epochs",
    requirements: ["EPOCH-MISMATCH"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      const { epoch } = await bob.state();
      const swapped = epoch === epoch.toUpperCase() ? epoch.toLowerCase() : epoch.toUpperCase();
      const others = [
        `${epoch} `,
        ` ${epoch}`,
        `${epoch}\0`,
        `${epoch}x`,
        swapped,
        "0",
        "é",
        "x".repeat(64),
        "x".repeat(65),
      ];
      const far = [epoch.slice(0, -1), epoch.slice(1), "x".repeat(5000), `${epoch}${"x".repeat(64)}`];
      // What decodes to the same bytes in base64, or is the same to whoever folds characters.
      const alike = [...neighbours(epoch), `\ufeff${epoch}`, epoch.replace(/[0-9a-z]/i, fullWidth)];
      const valid = alike.filter((other) => Buffer.byteLength(other) <= 64);
      for (const other of [...others, ...far, ...valid]) {
        if (other === epoch || other === "") continue;
        const answered = await bob.device().trySync({ cliSeq: bob.base, epoch: other });
        tellsState(
          t,
          answered,
          { epoch, svrSeq: bob.base + 1 },
          `a Sync under the epoch ${JSON.stringify(other.slice(0, 80))}`,
        );
      }
      await bob.device().sync({ cliSeq: bob.base, epoch });
    },
  },
  {
    id: "epoch/of-another-inbox",
    title: "bob names alice's epoch: refused if it is another one than his, and answered if both share one",
    requirements: ["EPOCH-MISMATCH", "SYNC-ANSWER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const [his, hers] = [await bob.state(), await alice.state()];
      const answered = await bob.device().trySync({ cliSeq: his.svrSeq, epoch: hers.epoch });
      if (his.epoch === hers.epoch) t.accepted(answered, "SYNC-ANSWER");
      else tellsState(t, answered, his, "a Sync under another inbox's epoch");
      await bob.device().sync({ cliSeq: his.svrSeq, epoch: his.epoch });
    },
  },
  {
    // § EPOCH-UNCHECKED: A Sync with an empty `epoch` MUST NOT be refused for its epoch.
    id: "epoch/empty-is-not-checked",
    title: "a device that never had an answer names no epoch, and is answered whatever its cli_seq",
    requirements: ["EPOCH-UNCHECKED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 3);
      for (const cliSeq of [0, bob.base, bob.base + 2, bob.base + 3]) {
        const answered = await bob.device().trySync({ cliSeq, epoch: "" });
        await t.blaming("EPOCH-UNCHECKED", async () => t.accepted(answered, "SYNC-ANSWER"));
      }
    },
  },
  {
    id: "epoch/empty-after-a-loss",
    title: "bob's inbox lost its data; a device without an epoch is answered under the new one",
    requirements: ["EPOCH-UNCHECKED", "EPOCH-RENEWED"],
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 2);
      const before = await bob.state();
      await t.rotateEpoch(bob);
      const answered = await bob.device().trySync({ cliSeq: 0, epoch: "" });
      const after = await t.blaming("EPOCH-UNCHECKED", async () => t.accepted(answered, "SYNC-ANSWER"));
      t.that(after.epoch !== before.epoch, "EPOCH-RENEWED", "the epoch is the old one", "a new one", before.epoch);
    },
  },
  {
    // § EPOCH-RENEWED: When an inbox has lost an assigned seq, an accepted message that was not acknowledged, or an
    // § acknowledgement, or cannot rule it out, the server MUST give it an epoch that the inbox never had before.
    id: "epoch/never-used-before",
    title: "bob's inbox loses its data eight times; each time its epoch is one that it never had",
    requirements: ["EPOCH-RENEWED"],
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const seen: string[] = [(await bob.state()).epoch];
      for (let n = 1; n <= 8; n += 1) {
        if (n % 2 === 0) await alice.sendMany(bob, n / 2);
        await t.rotateEpoch(bob);
        const { epoch } = await bob.state();
        const isNew = !seen.includes(epoch);
        t.that(isNew, "EPOCH-RENEWED", `the epoch after loss ${n} was there before`, "a new epoch", epoch);
        seen.push(epoch);
      }
      const { epoch } = await alice.state();
      t.equal(epoch, (await alice.state()).epoch, "EPOCH-STABLE", "another inbox has lost its epoch as well");
    },
  },
  {
    // § EPOCH-RESTART: Under a new epoch an inbox MUST start with `svr_seq` and `acked_seq` 0 and number from 1, and a
    // § dedup record of an earlier epoch MUST NOT answer a repetition, unless its message was put into the new
    // § numbering: the repetition is accepted as a new message.
    id: "epoch/restarts-at-1",
    title: "after a loss bob's inbox has svr_seq 0 and acked_seq 0, and numbers from 1",
    requirements: ["EPOCH-RESTART"],
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 5);
      await bob.device("phone").sync({ cliSeq: bob.base + 3 });
      await t.rotateEpoch(bob);
      startsFromNothing(t, await bob.state());
      const sent = await alice.sendMany(bob, 3);
      t.all(await bob.device().drain(2), 1, sent, "EPOCH-RESTART", "the new numbering does not begin with 1");
    },
  },
  {
    id: "epoch/restarts-a-high-inbox",
    title: "after a loss an inbox that stood at 4294967295 has seqs again",
    requirements: ["EPOCH-RESTART", "SEQ-EXHAUSTED"],
    needs: { rotateEpoch: true, startSeq: 0xffff_ffff },
    async run(t: Context) {
      const { bob, alice } = t;
      t.refused(await alice.trySend(bob, ""), Reason.SEQ_EXHAUSTED, "SEQ-EXHAUSTED", "a Send without a seq");
      await t.rotateEpoch(bob);
      startsFromNothing(t, await bob.state());
      await t.blaming("EPOCH-RESTART", async () => {
        const sent = await alice.sendMany(bob, 2);
        t.all(await bob.device().drain(), 1, sent, "SEQ-CONSECUTIVE", "the new numbering does not begin with 1");
      });
    },
  },
  {
    // § EPOCH-MISMATCH: A Sync whose `epoch` is not empty and not the inbox's current one MUST be refused with
    // § `failed_precondition` and the reason EPOCH_MISMATCH, whatever its `cli_seq`, and its `ErrorDetail` MUST hold
    // § the inbox's current `epoch` and `svr_seq`.
    id: "epoch/old-one-is-refused",
    title: "after a loss Syncs under bob's old epoch are refused, with 0, with his last cli_seq and with 1",
    requirements: ["EPOCH-MISMATCH", "EPOCH-RENEWED"],
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 3);
      const phone = bob.device("phone");
      await phone.drain();
      await t.rotateEpoch(bob);
      const now = await bob.state();
      for (const cliSeq of [phone.cliSeq, 0, 1]) {
        tellsState(t, await phone.trySync({ cliSeq }), now, `a Sync with ${cliSeq} under the old epoch`);
      }
      const sent = await alice.send(bob, "under the new one");
      const page = await bob.device("phone").sync({ epoch: now.epoch });
      t.page(page, 1, [sent], "SYNC-ANSWER", "a device that begins again does not get what came");
    },
  },
  {
    id: "epoch/stale-device-caught-up-with",
    title: "after a loss the numbering passes a stale device's cli_seq; its Sync would look right, and is refused",
    requirements: ["EPOCH-MISMATCH", "ACK-FAILED"],
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 3);
      const stale = bob.device("stale phone");
      await stale.drain();
      await t.rotateEpoch(bob);
      const old = stale.cliSeq - bob.base;
      const sent = await alice.sendMany(bob, old + 3);
      const now = await bob.state();
      await t.unchanged(bob, "ACK-FAILED", "a stale device's Sync", async () => {
        for (const cliSeq of [stale.cliSeq, old, old - 1]) {
          tellsState(t, await stale.trySync({ cliSeq }), now, `a stale device's Sync with ${cliSeq}`);
        }
      });
      const got = await bob.device().drain();
      t.all(got, 1, sent, "ACK-FAILED", "a stale device acked what it never saw");
    },
  },
  {
    // § EPOCH-RESTART: Under a new epoch an inbox MUST start with `svr_seq` and `acked_seq` 0 and number from 1, and a
    // § dedup record of an earlier epoch MUST NOT answer a repetition, unless its message was put into the new
    // § numbering: the repetition is accepted as a new message.
    id: "epoch/old-record-is-void",
    title: "alice repeats a message that bob's inbox has lost, acked or not: it is accepted as a new one, with seq 1",
    requirements: ["EPOCH-RESTART", "SEND-RETRY"],
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const [acked, pending] = [await alice.send(bob, "was acked"), await alice.send(bob, "was pending")];
      await bob.device("phone").sync({ cliSeq: bob.base + 1 });
      await t.rotateEpoch(bob);
      await t.blaming("EPOCH-RESTART", async () => {
        const again = [];
        for (const { clientMessageId: id, payload } of [pending, acked])
          again.push(await alice.send(bob, payload, { id }));
        const page = await bob.device().sync();
        t.equal(page.svrSeq, 2, "SEND-VISIBLE", "a repetition was answered from a record whose message is lost");
        t.page(page, 1, again, "SEND-VISIBLE", "a lost message that was sent again is not there");
      });
      // The new record holds again.
      await alice.send(bob, pending.payload, { id: pending.clientMessageId });
      t.equal((await bob.state()).svrSeq, 2, "SEND-RETRY", "a repetition under the new epoch was stored once more");
    },
  },
  {
    // § EPOCH-STABLE: The epoch of an inbox MUST stay the same while its numbering goes on.
    id: "epoch/other-inboxes-stay",
    title: "bob's inbox loses its data; alice's messages, acks, epoch and the records of Sends to her stay",
    requirements: ["EPOCH-STABLE", "SEND-RETRY"],
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = [await bob.send(alice, "one"), await bob.send(alice, "two")];
      // Of what alice has sent, only that to bob is lost.
      await alice.send(bob, "to bob");
      const note = await alice.send(alice, "to herself");
      const before = await alice.device().sync({ cliSeq: alice.base + 1 });
      await t.rotateEpoch(bob);
      const after = await alice.device().sync({ epoch: before.epoch });
      t.equal(after.epoch, before.epoch, "EPOCH-STABLE", "the epoch of an inbox that lost nothing has changed");
      t.equal(after.ackedSeq, alice.base + 1, "SEQ-INDEPENDENT", "an ack of another inbox was lost");
      const left = [...sent.slice(1), note];
      t.page(after, alice.base + 2, left, "SEQ-INDEPENDENT", "a message of another inbox was lost");
      for (const one of sent) await expectSameAnswerOnRetry(t, bob, alice, one, "SEND-RETRY");
      await expectSameAnswerOnRetry(t, alice, alice, note, "SEND-RETRY");
      t.equal(
        (await alice.state()).svrSeq,
        alice.base + 3,
        "SEND-RETRY",
        "a repetition to another inbox was stored again",
      );
    },
  },
];

/** The same with another last character: the one before it and the one after it in Unicode. */
function neighbours(text: string): string[] {
  const characters = [...text];
  const last = characters.pop()?.codePointAt(0) ?? 0;
  const isCharacter = (code: number) => code > 0 && code < 0x11_0000 && (code < 0xd800 || code > 0xdfff);
  return [last - 1, last + 1].filter(isCharacter).map((code) => characters.join("") + String.fromCodePoint(code));
}

const fullWidth = (character: string) => String.fromCharCode(character.charCodeAt(0) + 0xfee0);

/** Expects the refusal of a Sync under another epoch, and that it tells where the inbox stands. */
function tellsState(
  t: Context,
  answered: Reply<SyncResponse>,
  { epoch, svrSeq }: Pick<SyncResponse, "epoch" | "svrSeq">,
  what: string,
): void {
  const { detail } = t.refused(answered, Reason.EPOCH_MISMATCH, "EPOCH-MISMATCH", what);
  const told = { epoch: detail?.epoch, svrSeq: detail?.svrSeq };
  t.equal(told, { epoch, svrSeq }, "EPOCH-MISMATCH", `the refusal of ${what} does not tell the current state`);
}

function startsFromNothing(t: Context, { svrSeq, ackedSeq, nextCliSeq, messages }: SyncResponse): void {
  t.equal(
    { svrSeq, ackedSeq, nextCliSeq, messages: messages.length },
    { svrSeq: 0, ackedSeq: 0, nextCliSeq: 0, messages: 0 },
    "EPOCH-RESTART",
    "an inbox under a new epoch does not start from nothing",
  );
}
