import type { Sent } from "../../harness/account.js";
import { expectExactly } from "../../harness/backlog.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";

export const seqNumbering: readonly Case[] = [
  {
    // § SEQ-START: The first message of a new inbox MUST get the seq 1, and the seq 0 MUST NOT be assigned.
    id: "seq/first-is-1",
    title: "the first two messages of bob's new inbox have the seqs 1 and 2",
    requirements: ["SEQ-START"],
    needs: { fresh: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const empty = await bob.state();
      const zeros = { svrSeq: empty.svrSeq, ackedSeq: empty.ackedSeq, nextCliSeq: empty.nextCliSeq };
      t.equal(zeros, { svrSeq: 0, ackedSeq: 0, nextCliSeq: 0 }, "SEQ-START", "a new inbox does not stand at 0");
      const sent = await alice.sendMany(bob, 2);
      t.all(await bob.device().drain(), 1, sent, "SEQ-START", "a new inbox does not begin at 1");
    },
  },
  {
    // § SEQ-CONSECUTIVE: Each accepted message MUST get the seq that follows the highest one assigned before in its
    // § recipient's inbox, and nothing but an accepted message may use up a seq.
    id: "seq/consecutive",
    title: "alice sends bob 25 messages one after the other; they have the 25 seqs that follow",
    requirements: ["SEQ-CONSECUTIVE", "SEND-ORDER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 25);
      t.equal((await bob.state()).svrSeq, bob.base + 25, "SEQ-CONSECUTIVE", "25 messages did not take 25 seqs");
      const got = await bob.device().drain();
      t.all(got, bob.base + 1, sent, "SEQ-CONSECUTIVE", "messages sent one after the other are not numbered like that");
    },
  },
  {
    id: "seq/nothing-else-takes-one",
    title: "refused Sends, a repetition, Syncs and refused Syncs come between two messages; their seqs are neighbours",
    requirements: ["SEQ-CONSECUTIVE", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const first = await alice.send(bob, "first");
      const tooLong = new Uint8Array(t.info.maxPayloadBytes + 1);
      await t.unchanged(bob, "SEQ-CONSECUTIVE", "a refused Send or a repetition", async () => {
        await alice.trySend(bob, "no id", { id: "" });
        await alice.trySend(bob, "a long id", { id: "x".repeat(65) });
        if (tooLong.length <= 1 << 20) await alice.trySend(bob, tooLong);
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
      t.all(got, bob.base + 1, [first, second], "SEQ-CONSECUTIVE", "something else than a message took a seq");
    },
  },
  {
    // § SEQ-PARALLEL: When k messages to one inbox are accepted, in parallel or not, and no others, they MUST have
    // § exactly the k seqs that follow the former `svr_seq`.
    id: "seq/fifty-at-once",
    title: "alice sends bob 50 messages at the same time; they have exactly the 50 seqs that follow",
    requirements: ["SEQ-PARALLEL"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      await exactly(t, await alice.sendAtOnce(bob, 50));
    },
  },
  {
    id: "seq/two-senders-at-once",
    title:
      "alice and bob himself send to bob at the same time, three times over, while what came before is being acked",
    requirements: ["SEQ-PARALLEL", "SEQ-CONSECUTIVE"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: Sent[] = [];
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
    // § SEQ-CONTIGUOUS: When an answer or a frame reports a `svr_seq`, each message up to it that is not acknowledged
    // § MUST be there to fetch for every Sync that begins afterwards; in particular no message may be visible before
    // § the one with the seq below it.
    id: "seq/mixed-sizes-at-once",
    title:
      "alice sends bob large and small messages at the same time, and the small ones do not overtake their numbers",
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
      // What a phone is shown while the others are still being written is what goes wrong here; the judge looks at each page.
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
    title: "bob's devices look on without acking while alice and bob write; whatever svr_seq counts is there",
    requirements: ["SEQ-CONTIGUOUS", "SYNC-LINEARIZABLE"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      let sending = true;
      const sends = Promise.all([alice, bob].map((sender) => sender.sendMany(bob, 40))).finally(() => {
        sending = false;
      });
      const looks = ["phone", "tablet", "laptop"].map(async (name) => {
        const device = bob.device(name);
        while (sending) {
          const counted = (await device.sync({ pageSize: 1 })).svrSeq;
          const { messages, svrSeq } = await device.sync();
          const seqs = messages.map((message) => message.seq - bob.base);
          t.equal(
            seqs,
            seqs.map((_, n) => n + 1),
            "SEQ-CONTIGUOUS",
            `svr_seq is ${svrSeq}, and a message below it is not there`,
          );
          const shows = messages.length > 0 || svrSeq === bob.base;
          t.that(shows, "SEQ-CONTIGUOUS", "what is counted is not there", `message ${bob.base + 1}`, "no message");
          t.that(svrSeq >= counted, "SEQ-MONOTONE", "svr_seq fell", `at least ${counted}`, String(svrSeq));
        }
      });
      const [sent] = await Promise.all([sends, ...looks]);
      await exactly(t, sent.flat());
    },
  },
  {
    // § SEQ-INDEPENDENT: A message to one inbox MUST NOT change the numbering of any other.
    id: "seq/independent",
    title: "alice writes to bob and to herself by turns; each inbox counts its own messages only",
    requirements: ["SEQ-INDEPENDENT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const toBob: Sent[] = [];
      const toHerself: Sent[] = [];
      for (let n = 0; n < 6; n += 1) {
        toBob.push(await alice.send(bob, `to bob ${n}`));
        if (n % 2 === 0) toHerself.push(await alice.send(alice, `note ${n}`));
      }
      for (const [party, sent] of [
        [bob, toBob],
        [alice, toHerself],
      ] as const) {
        const got = await party.device().drain();
        t.all(got, party.base + 1, sent, "SEQ-INDEPENDENT", `${party.name}'s seqs depend on another inbox`);
      }
    },
  },
  {
    // § SEQ-MONOTONE: Within an epoch `svr_seq` MUST NOT fall: an answer to a call that begins after another answer was
    // § received MUST NOT report a lower one.
    id: "seq/stays-when-all-is-acked",
    title: "bob acks everything; svr_seq stays where it is, and the next message gets the next seq",
    requirements: ["SEQ-MONOTONE", "SEQ-CONSECUTIVE"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 3);
      const phone = bob.device("phone");
      await phone.drain();
      for (const device of [phone, bob.device("tablet"), bob.device("laptop")]) {
        const { svrSeq } = await device.sync();
        t.equal(svrSeq, bob.base + 3, "SEQ-MONOTONE", "svr_seq changed when the inbox was emptied");
      }
      const next = await alice.send(bob, "the next");
      t.page(await phone.sync(), bob.base + 4, [next], "SEQ-CONSECUTIVE", "an emptied inbox counts from elsewhere");
    },
  },
  {
    // § SEQ-IMMUTABLE: Within an epoch a seq MUST always name the same message: the same sender, `client_message_id`,
    // § payload and `accepted_at`.
    id: "seq/names-one-message",
    title:
      "bob's devices get 8 messages again and again, before and after acks; each seq is the same message each time",
    requirements: ["SEQ-IMMUTABLE"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendAtOnce(bob, 8);
      const known = new Map<number, string>();
      for (const acked of [0, 0, 1, 3, 4, 6]) {
        const page = await bob.device().sync({ cliSeq: bob.base + acked });
        for (const { seq, senderId, clientMessageId, payload, acceptedAt } of page.messages) {
          const { seconds, nanos } = acceptedAt ?? { seconds: "", nanos: "" };
          const now = [senderId, clientMessageId, Buffer.from(payload).toString("hex"), seconds, nanos].join(" ");
          t.equal(now, known.get(seq) ?? now, "SEQ-IMMUTABLE", `seq ${seq} names another message than before`);
          known.set(seq, now);
        }
      }
      t.that(known.size > 0, "PAGE-PROGRESS", "nothing came", "messages", "none");
    },
  },
];

/** Bob's inbox must hold exactly these messages after its base, in whatever order they came in. */
async function exactly(t: Context, sent: readonly Sent[]): Promise<void> {
  const { svrSeq } = await t.bob.state();
  t.equal(svrSeq, t.bob.base + sent.length, "SEQ-PARALLEL", `${sent.length} messages did not take ${sent.length} seqs`);
  expectExactly(t, await t.bob.device().drain(), t.bob.base + 1, sent, "SEQ-PARALLEL");
}
