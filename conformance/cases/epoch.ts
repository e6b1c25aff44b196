import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";
import { expectSameResponseOnRetry } from "../harness/retries.js";
import type { DefiniteResult } from "../rpc/result.js";

export const epoch: readonly Case[] = [
  {
    // § EPOCH-PRESENT: Every successful response to Sync and every frame of a Watch MUST have an `epoch` of 1 to 64
    // § bytes, the inbox's current one.
    id: "epoch/present",
    title: "Each response to a Sync has an epoch of 1 to 64 bytes",
    requirements: ["EPOCH-PRESENT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const expectEpoch = async (what: string) => {
        const size = Buffer.byteLength((await bob.device().sync()).epoch);
        t.that(
          size >= 1 && size <= 64,
          "EPOCH-PRESENT",
          `${what} has an epoch of invalid length`,
          "epoch: 1 to 64 bytes",
          `epoch: ${size} bytes`,
        );
      };
      await expectEpoch("a response without messages");
      await alice.sendMany(bob, 2);
      await expectEpoch("a response with messages");
      await bob.device("phone").drain();
      await expectEpoch("a response for an emptied inbox");
    },
  },
  {
    // § EPOCH-STABLE: The epoch of an inbox MUST stay the same as long as its numbering continues.
    id: "epoch/stable",
    title: "Sends, acks, refusals and traffic of other inboxes do not change the epoch at any front end",
    requirements: ["EPOCH-STABLE"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const { epoch } = await bob.state();
      const expectSameEpoch = async (after: string) => {
        for (let endpoint = 0; endpoint < t.session.transport.urls.length; endpoint += 1) {
          const response = await bob.device().sync({}, { endpoint });
          t.fields(response, { epoch }, "EPOCH-STABLE", `the epoch has changed after ${after}`);
        }
      };
      await expectSameEpoch("a Sync");
      await alice.sendAtOnce(bob, 110);
      await expectSameEpoch("many messages");
      await bob.device("phone").sync({ cliSeq: bob.base + 4 });
      await expectSameEpoch("an ack");
      await bob.device("phone").trySync({ cliSeq: bob.base + 111 });
      await bob.device("phone").trySync({ epoch: "another" });
      await alice.trySend(bob, "", { id: "" });
      await expectSameEpoch("refusals");
      await bob.send(alice);
      await alice.device().drain();
      await expectSameEpoch("another inbox's traffic");
      const phone = bob.device("phone");
      await phone.drain();
      await expectSameEpoch("an ack of all messages");
      // A Sync with this epoch is still accepted.
      await phone.sync({ epoch });
    },
  },
  {
    // § EPOCH-MISMATCH: A Sync whose `epoch` is not empty and not the inbox's current one MUST be refused with
    // § `failed_precondition` and the reason EPOCH_MISMATCH, whatever its `cli_seq`, and its `ErrorDetail` MUST hold
    // § the inbox's current `epoch` and `svr_seq`.
    id: "epoch/mismatch",
    title: "A Sync with a wrong epoch is refused whatever its cli_seq, and acks nothing",
    requirements: ["EPOCH-MISMATCH", "ACK-FAILED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 4);
      const { epoch } = await bob.state();
      await t.unchanged(bob, "ACK-FAILED", "a refused Sync", async () => {
        for (const cliSeq of [0, bob.base + 2, bob.base + 4, bob.base + 5, 0xffff_ffff]) {
          const result = await bob.device().trySync({ cliSeq, epoch: "not-the-epoch" });
          expectMismatch(t, result, { epoch, svrSeq: bob.base + 4 }, `a Sync with cli_seq ${cliSeq} and a wrong epoch`);
        }
      });
      const got = await bob.device().drain();
      const violation = "after refused Syncs the delivered messages are not exactly the unacknowledged ones";
      t.all(got, bob.base + 1, sent, "ACK-FAILED", violation);
    },
  },
  {
    id: "epoch/compared-as-bytes",
    title: "An epoch that differs from the current one by a single character, case or length is refused",
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
      const characters = [...epoch];
      const otherLengths = [
        characters.slice(0, -1).join(""),
        characters.slice(1).join(""),
        "x".repeat(5000),
        `${epoch}${"x".repeat(64)}`,
      ];
      // Epochs that a server may treat as equal if it decodes base64 or folds characters.
      const alike = [...neighbours(epoch), `\ufeff${epoch}`, epoch.replace(/[0-9a-z]/i, fullWidth)];
      const valid = alike.filter((other) => Buffer.byteLength(other) <= 64);
      for (const other of [...others, ...otherLengths, ...valid]) {
        if (other === epoch || other === "") continue;
        const result = await bob.device().trySync({ cliSeq: bob.base, epoch: other });
        const what = `a Sync with the epoch ${JSON.stringify(other.slice(0, 80))}`;
        expectMismatch(t, result, { epoch, svrSeq: bob.base + 1 }, what);
      }
      await bob.device().sync({ cliSeq: bob.base, epoch });
    },
  },
  {
    id: "epoch/of-another-inbox",
    title: "A Sync with the epoch of another inbox is refused, unless both inboxes have the same epoch",
    requirements: ["EPOCH-MISMATCH", "SYNC-ANSWER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const [bobState, aliceState] = [await bob.state(), await alice.state()];
      const result = await bob.device().trySync({ cliSeq: bobState.svrSeq, epoch: aliceState.epoch });
      if (bobState.epoch === aliceState.epoch) t.accepted(result, "SYNC-ANSWER");
      else expectMismatch(t, result, bobState, "a Sync with another inbox's epoch");
      await bob.device().sync({ cliSeq: bobState.svrSeq, epoch: bobState.epoch });
    },
  },
  {
    // § EPOCH-UNCHECKED: A Sync with an empty `epoch` MUST NOT be refused for its epoch.
    id: "epoch/empty-is-not-checked",
    title: "A Sync with an empty epoch is accepted for any cli_seq up to svr_seq",
    requirements: ["EPOCH-UNCHECKED"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 3);
      for (const cliSeq of [0, bob.base, bob.base + 2, bob.base + 3]) {
        const result = await bob.device().trySync({ cliSeq, epoch: "" });
        await t.blaming("EPOCH-UNCHECKED", async () => t.accepted(result, "SYNC-ANSWER"));
      }
    },
  },
  {
    id: "epoch/empty-after-a-loss",
    title: "After data loss a Sync with an empty epoch is accepted under the new epoch",
    requirements: ["EPOCH-UNCHECKED", "EPOCH-RENEWED"],
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 2);
      const before = await bob.state();
      await t.rotateEpoch(bob);
      const result = await bob.device().trySync({ cliSeq: 0, epoch: "" });
      const after = await t.blaming("EPOCH-UNCHECKED", async () => t.accepted(result, "SYNC-ANSWER"));
      const violation = "an inbox kept its epoch although it lost its data";
      t.that(
        after.epoch !== before.epoch,
        "EPOCH-RENEWED",
        violation,
        `epoch: other than "${before.epoch}"`,
        `epoch: "${after.epoch}"`,
      );
    },
  },
  {
    // § EPOCH-RENEWED: When an inbox has lost an assigned seq, an accepted unacknowledged message or an
    // § acknowledgement, or the server cannot rule that out, the server MUST give the inbox an epoch that it never had
    // § before.
    id: "epoch/never-used-before",
    title: "After each of eight data losses the inbox has an epoch that it never had before",
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
        t.that(
          isNew,
          "EPOCH-RENEWED",
          `the epoch after data loss ${n} was used before`,
          "epoch: a new one",
          `epoch: "${epoch}"`,
        );
        seen.push(epoch);
      }
      const { epoch } = await alice.state();
      t.equal(
        { epoch },
        { epoch: (await alice.state()).epoch },
        "EPOCH-STABLE",
        "the epoch of another inbox is not stable",
      );
    },
  },
  {
    // § EPOCH-RESTART: Under a new epoch an inbox MUST start with `svr_seq` and `acked_seq` 0 and number from 1, and a
    // § retry of an earlier Send MUST NOT be recognised by a dedup record of an earlier epoch but be accepted as a new
    // § message, unless the record's message was moved into the new numbering.
    id: "epoch/restarts-at-1",
    title: "After data loss the inbox has svr_seq 0 and acked_seq 0, and numbers its messages from 1",
    requirements: ["EPOCH-RESTART"],
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 5);
      await bob.device("phone").sync({ cliSeq: bob.base + 3 });
      await t.rotateEpoch(bob);
      expectEmptyInbox(t, await bob.state());
      const sent = await alice.sendMany(bob, 3);
      const violation = "the messages under the new epoch are not numbered from 1";
      t.all(await bob.device().drain(2), 1, sent, "EPOCH-RESTART", violation);
    },
  },
  {
    id: "epoch/restarts-a-high-inbox",
    title: "After data loss an exhausted inbox numbers its messages from 1",
    requirements: ["EPOCH-RESTART", "SEQ-EXHAUSTED"],
    needs: { rotateEpoch: true, startSeq: 0xffff_ffff },
    async run(t: Context) {
      const { bob, alice } = t;
      t.refused(await alice.trySend(bob, ""), Reason.SEQ_EXHAUSTED, "SEQ-EXHAUSTED", "a Send to an exhausted inbox");
      await t.rotateEpoch(bob);
      expectEmptyInbox(t, await bob.state());
      await t.blaming("EPOCH-RESTART", async () => {
        const sent = await alice.sendMany(bob, 2);
        const violation = "the messages under the new epoch are not numbered from 1";
        t.all(await bob.device().drain(), 1, sent, "SEQ-CONSECUTIVE", violation);
      });
    },
  },
  {
    // § EPOCH-MISMATCH: A Sync whose `epoch` is not empty and not the inbox's current one MUST be refused with
    // § `failed_precondition` and the reason EPOCH_MISMATCH, whatever its `cli_seq`, and its `ErrorDetail` MUST hold
    // § the inbox's current `epoch` and `svr_seq`.
    id: "epoch/old-one-is-refused",
    title: "After data loss a Sync with the old epoch is refused whatever its cli_seq",
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
        expectMismatch(t, await phone.trySync({ cliSeq }), now, `a Sync with cli_seq ${cliSeq} and the old epoch`);
      }
      const sent = await alice.send(bob, "under the new epoch");
      const page = await bob.device("phone").sync({ epoch: now.epoch });
      const violation = "a device that restarts under the new epoch did not receive the new message";
      t.page(page, 1, [sent], "SYNC-ANSWER", violation);
    },
  },
  {
    id: "epoch/stale-device-caught-up-with",
    title: "A Sync with the old epoch is refused even if its cli_seq is valid under the new epoch",
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
      await t.unchanged(bob, "ACK-FAILED", "a Sync with the old epoch", async () => {
        for (const cliSeq of [stale.cliSeq, old, old - 1]) {
          expectMismatch(t, await stale.trySync({ cliSeq }), now, `a Sync with cli_seq ${cliSeq} and the old epoch`);
        }
      });
      const got = await bob.device().drain();
      const violation =
        "after refused Syncs with the old epoch the delivered messages are not exactly the unacknowledged ones";
      t.all(got, 1, sent, "ACK-FAILED", violation);
    },
  },
  {
    // § EPOCH-RESTART: Under a new epoch an inbox MUST start with `svr_seq` and `acked_seq` 0 and number from 1, and a
    // § retry of an earlier Send MUST NOT be recognised by a dedup record of an earlier epoch but be accepted as a new
    // § message, unless the record's message was moved into the new numbering.
    id: "epoch/old-record-is-void",
    title: "A retry of a Send whose message was lost is accepted as a new message",
    requirements: ["EPOCH-RESTART", "SEND-RETRY"],
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const [acked, pending] = [await alice.send(bob, "was acked"), await alice.send(bob, "was pending")];
      await bob.device("phone").sync({ cliSeq: bob.base + 1 });
      await t.rotateEpoch(bob);
      await t.blaming("EPOCH-RESTART", async () => {
        const retried = [];
        for (const { clientMessageId: id, payload } of [pending, acked])
          retried.push(await alice.send(bob, payload, { id }));
        const page = await bob.device().sync();
        t.fields(page, { svrSeq: 2 }, "SEND-VISIBLE", "a retry was recognised by a dedup record of an earlier epoch");
        t.page(page, 1, retried, "SEND-VISIBLE", "a lost message that was sent again was not delivered");
      });
      // Under the new epoch a retry is recognised again.
      await alice.send(bob, pending.payload, { id: pending.clientMessageId });
      t.fields(await bob.state(), { svrSeq: 2 }, "SEND-RETRY", "a retry under the new epoch created a message");
    },
  },
  {
    // § EPOCH-STABLE: The epoch of an inbox MUST stay the same as long as its numbering continues.
    id: "epoch/other-inboxes-stay",
    title: "Data loss of one inbox leaves epoch, messages, acks and dedup records of another unchanged",
    requirements: ["EPOCH-STABLE", "SEND-RETRY"],
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = [await bob.send(alice, "one"), await bob.send(alice, "two")];
      // Of the messages that alice has sent, only the one to bob is lost.
      await alice.send(bob, "to bob");
      const note = await alice.send(alice, "to herself");
      const before = await alice.device().sync({ cliSeq: alice.base + 1 });
      await t.rotateEpoch(bob);
      const after = await alice.device().sync({ epoch: before.epoch });
      t.fields(after, { epoch: before.epoch }, "EPOCH-STABLE", "the epoch of an inbox without data loss has changed");
      t.fields(after, { ackedSeq: alice.base + 1 }, "SEQ-INDEPENDENT", "an inbox without data loss lost an ack");
      const left = [...sent.slice(1), note];
      t.page(after, alice.base + 2, left, "SEQ-INDEPENDENT", "an inbox without data loss lost a message");
      for (const one of sent) await expectSameResponseOnRetry(t, bob, alice, one, "SEND-RETRY");
      await expectSameResponseOnRetry(t, alice, alice, note, "SEND-RETRY");
      const violation = "a retry to an inbox without data loss created a message";
      t.fields(await alice.state(), { svrSeq: alice.base + 3 }, "SEND-RETRY", violation);
    },
  },
];

/** Replaces the last character of a text by the previous and by the next one in Unicode. */
function neighbours(text: string): string[] {
  const characters = [...text];
  const last = characters.pop()?.codePointAt(0) ?? 0;
  const isCharacter = (code: number) => code > 0 && code < 0x11_0000 && (code < 0xd800 || code > 0xdfff);
  return [last - 1, last + 1].filter(isCharacter).map((code) => characters.join("") + String.fromCodePoint(code));
}

const fullWidth = (character: string) => String.fromCharCode(character.charCodeAt(0) + 0xfee0);

/** Expects a refusal with EPOCH_MISMATCH that holds the inbox's current epoch and svr_seq. */
function expectMismatch(
  t: Context,
  result: DefiniteResult<SyncResponse>,
  { epoch, svrSeq }: Pick<SyncResponse, "epoch" | "svrSeq">,
  what: string,
): void {
  const { detail } = t.refused(result, Reason.EPOCH_MISMATCH, "EPOCH-MISMATCH", what);
  const reported = { epoch: detail?.epoch, svrSeq: detail?.svrSeq };
  const violation = `the refusal of ${what} does not hold the inbox's current epoch and svr_seq`;
  t.equal(reported, { epoch, svrSeq }, "EPOCH-MISMATCH", violation);
}

function expectEmptyInbox(t: Context, { svrSeq, ackedSeq, nextCliSeq, messages }: SyncResponse): void {
  t.equal(
    { svrSeq, ackedSeq, nextCliSeq, messages: messages.length },
    { svrSeq: 0, ackedSeq: 0, nextCliSeq: 0, messages: 0 },
    "EPOCH-RESTART",
    "an inbox under a new epoch does not start at 0 without messages",
  );
}
