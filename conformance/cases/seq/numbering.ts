import type { SentMessage } from "../../harness/account.js";
import { expectExactly } from "../../harness/backlog.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";

export const seqNumbering: readonly Case[] = [
  {
    // § SEQ-START: The first message of a new inbox MUST get the seq 1, and the seq 0 MUST NOT be assigned.
    id: "seq/first-is-1",
    title: "The first two messages of a new inbox get the seqs 1 and 2",
    requirements: ["SEQ-START"],
    needs: { fresh: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const empty = await bob.state();
      const zeros = { svrSeq: empty.svrSeq, ackedSeq: empty.ackedSeq, nextCliSeq: empty.nextCliSeq };
      const violation = "a new inbox does not have svr_seq, acked_seq and next_cli_seq 0";
      t.equal(zeros, { svrSeq: 0, ackedSeq: 0, nextCliSeq: 0 }, "SEQ-START", violation);
      const sent = await alice.sendMany(bob, 2);
      t.all(await bob.device().drain(), 1, sent, "SEQ-START", "the messages of a new inbox are not numbered from 1");
    },
  },
  {
    // § SEQ-CONSECUTIVE: Each accepted message MUST get the seq that follows the highest one assigned before in its
    // § recipient's inbox, and nothing but an accepted message may use up a seq.
    id: "seq/consecutive",
    title: "25 consecutive Sends get 25 consecutive seqs",
    requirements: ["SEQ-CONSECUTIVE", "SEND-ORDER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 25);
      const violation = "svr_seq did not rise by 25 after 25 messages";
      t.fields(await bob.state(), { svrSeq: bob.base + 25 }, "SEQ-CONSECUTIVE", violation);
      const got = await bob.device().drain();
      t.all(got, bob.base + 1, sent, "SEQ-CONSECUTIVE", "25 consecutive messages do not have consecutive seqs");
    },
  },
  {
    id: "seq/nothing-else-takes-one",
    title: "Refused Sends, a retry, Syncs and refused Syncs use up no seq",
    requirements: ["SEQ-CONSECUTIVE", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const first = await alice.send(bob, "first");
      const tooLong = new Uint8Array(Math.min(t.info.maxPayloadBytes, 1 << 20) + 1);
      await t.unchanged(bob, "SEQ-CONSECUTIVE", "a refused Send or a retry", async () => {
        await alice.trySend(bob, "no id", { id: "" });
        await alice.trySend(bob, "a long id", { id: "x".repeat(65) });
        if (tooLong.length > t.info.maxPayloadBytes) await alice.trySend(bob, tooLong);
        await alice.trySend({ userId: `${bob.userId}-nobody` });
        await alice.trySend(bob, "other content", { id: first.clientMessageId });
        await alice.trySend(bob, "no credential", { token: null });
        await alice.send(bob, "first", { id: first.clientMessageId });
      });
      await t.unchanged(bob, "SEQ-CONSECUTIVE", "a Sync", async () => {
        await bob.device("phone").sync();
        await bob.device("phone").trySync({ cliSeq: bob.base + 2 });
        await bob.device("phone").trySync({ epoch: "another" });
      });
      const second = await alice.send(bob, "second");
      const got = await bob.device().drain();
      const violation = "a call other than an accepted Send used up a seq";
      t.all(got, bob.base + 1, [first, second], "SEQ-CONSECUTIVE", violation);
    },
  },
  {
    // § SEQ-PARALLEL: When k messages to one inbox are accepted, in parallel or not, and no others, they MUST have
    // § exactly the k seqs that follow the former `svr_seq`.
    id: "seq/fifty-at-once",
    title: "50 concurrent Sends get exactly the next 50 seqs",
    requirements: ["SEQ-PARALLEL"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      await expectExactlyIn(t, await alice.sendAtOnce(bob, 50));
    },
  },
  {
    id: "seq/two-senders-at-once",
    title: "Concurrent Sends of two senders get exactly the next seqs while earlier messages are acked",
    requirements: ["SEQ-PARALLEL", "SEQ-CONSECUTIVE"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: SentMessage[] = [];
      const phone = bob.device("phone");
      for (let round = 0; round < 3; round += 1) {
        const [byAlice, byBob] = await Promise.all([alice.sendAtOnce(bob, 15), bob.sendAtOnce(bob, 15), phone.fetch()]);
        sent.push(...byAlice, ...byBob);
      }
      await phone.drain();
      expectExactly(t, phone.stored, bob.base + 1, sent, "SEQ-PARALLEL");
    },
  },
  {
    // § SEQ-CONTIGUOUS: When a response or a frame reports a `svr_seq`, each unacknowledged message up to it MUST be
    // § available to every Sync that begins afterwards; in particular, no message may be visible before the one with
    // § the preceding seq.
    id: "seq/mixed-sizes-at-once",
    title: "With concurrent Sends of different sizes, no message is visible before the one with the preceding seq",
    requirements: ["SEQ-CONTIGUOUS", "SEQ-PARALLEL"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const large = Math.min(t.info.maxPayloadBytes, 60_000);
      const phone = bob.device("phone");
      let sending = true;
      const sends = Promise.all(
        Array.from({ length: 40 }, (_, n) => alice.send(bob, new Uint8Array(n % 2 === 0 ? large : 1).fill(n))),
      ).finally(() => {
        sending = false;
      });
      // A violation shows in a page that is read while other messages are written; the judge checks each page.
      const reads = (async () => {
        while (sending) await phone.fetch(5);
      })();
      const [sent] = await Promise.all([sends, reads]);
      await phone.drain();
      expectExactly(t, phone.stored, bob.base + 1, sent, "SEQ-PARALLEL");
    },
  },
  {
    id: "seq/seen-while-it-comes",
    title: "While messages arrive, each message up to svr_seq is available",
    requirements: ["SEQ-CONTIGUOUS", "SYNC-LINEARIZABLE"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      let sending = true;
      const sends = Promise.all([alice, bob].map((sender) => sender.sendMany(bob, 40))).finally(() => {
        sending = false;
      });
      const reads = ["phone", "tablet", "laptop"].map(async (name) => {
        const device = bob.device(name);
        while (sending) {
          const previous = (await device.sync({ pageSize: 1 })).svrSeq;
          const { messages, svrSeq } = await device.sync();
          const seqs = messages.map((message) => message.seq - bob.base);
          t.equal(
            { seqs },
            { seqs: seqs.map((_, n) => n + 1) },
            "SEQ-CONTIGUOUS",
            `a page in an inbox with svr_seq ${svrSeq} has a gap`,
          );
          const isAvailable = messages.length > 0 || svrSeq === bob.base;
          const violation = "a message that svr_seq counts is not available";
          t.that(
            isAvailable,
            "SEQ-CONTIGUOUS",
            violation,
            `messages: at least message ${bob.base + 1}`,
            "messages: none",
          );
          t.that(
            svrSeq >= previous,
            "SEQ-MONOTONE",
            "svr_seq decreased",
            `svr_seq: at least ${previous}`,
            `svr_seq: ${svrSeq}`,
          );
        }
      });
      const [sent] = await Promise.all([sends, ...reads]);
      await expectExactlyIn(t, sent.flat());
    },
  },
  {
    // § SEQ-INDEPENDENT: A message to one inbox MUST NOT change the numbering of any other.
    id: "seq/independent",
    title: "Alternating Sends to two inboxes are numbered in each inbox independently",
    requirements: ["SEQ-INDEPENDENT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const toBob: SentMessage[] = [];
      const toHerself: SentMessage[] = [];
      for (let n = 0; n < 6; n += 1) {
        toBob.push(await alice.send(bob, `to bob ${n}`));
        if (n % 2 === 0) toHerself.push(await alice.send(alice, `note ${n}`));
      }
      for (const [account, sent] of [
        [bob, toBob],
        [alice, toHerself],
      ] as const) {
        const got = await account.device().drain();
        const violation = `the seqs of ${account.name}'s inbox are not consecutive`;
        // Where the numbering starts is not the subject here, but whether the other inbox changes it.
        t.all(got, got[0]?.seq ?? account.base + 1, sent, "SEQ-INDEPENDENT", violation);
      }
    },
  },
  {
    // § SEQ-MONOTONE: Within an epoch `svr_seq` MUST NOT fall: the response to a call that begins after another
    // § response was received MUST NOT report a lower one.
    id: "seq/stays-when-all-is-acked",
    title: "svr_seq does not change when all messages are acked, and the next message gets the next seq",
    requirements: ["SEQ-MONOTONE", "SEQ-CONSECUTIVE"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 3);
      const phone = bob.device("phone");
      await phone.drain();
      for (const device of [phone, bob.device("tablet"), bob.device("laptop")]) {
        const { svrSeq } = await device.sync();
        t.equal(
          { svrSeq },
          { svrSeq: bob.base + 3 },
          "SEQ-MONOTONE",
          "svr_seq changed when all messages were acknowledged",
        );
      }
      const next = await alice.send(bob, "the next");
      const violation = "the next message of an emptied inbox did not get the next seq";
      t.page(await phone.sync(), bob.base + 4, [next], "SEQ-CONSECUTIVE", violation);
    },
  },
  {
    // § SEQ-IMMUTABLE: Within an epoch a seq MUST always name the same message: the same sender, `client_message_id`,
    // § payload and `accepted_at`.
    id: "seq/names-one-message",
    title: "Each seq identifies the same message in every page, before and after acks",
    requirements: ["SEQ-IMMUTABLE"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendAtOnce(bob, 8);
      const firstSeen = new Map<number, string>();
      for (const acked of [0, 0, 1, 3, 4, 6]) {
        const page = await bob.device().sync({ cliSeq: bob.base + acked });
        for (const { seq, senderId, clientMessageId, payload, acceptedAt } of page.messages) {
          const { seconds, nanos } = acceptedAt ?? { seconds: "", nanos: "" };
          const now = [senderId, clientMessageId, Buffer.from(payload).toString("hex"), seconds, nanos].join(" ");
          t.equal(
            { message: now },
            { message: firstSeen.get(seq) ?? now },
            "SEQ-IMMUTABLE",
            `seq ${seq} identifies a different message than before`,
          );
          firstSeen.set(seq, now);
        }
      }
      t.that(firstSeen.size > 0, "PAGE-PROGRESS", "no page holds a message", "messages: at least 1", "messages: none");
    },
  },
];

/** Expects exactly these messages in bob's inbox, in any order. */
async function expectExactlyIn(t: Context, sent: readonly SentMessage[]): Promise<void> {
  const { svrSeq } = await t.bob.state();
  const violation = `svr_seq did not rise by ${sent.length} after ${sent.length} messages`;
  t.equal({ svrSeq }, { svrSeq: t.bob.base + sent.length }, "SEQ-PARALLEL", violation);
  expectExactly(t, await t.bob.device().drain(), t.bob.base + 1, sent, "SEQ-PARALLEL");
}
