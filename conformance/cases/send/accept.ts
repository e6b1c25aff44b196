import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Sent } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectSameAnswerOnRetry } from "../../harness/retries.js";

export const sendAccept: readonly Case[] = [
  {
    // § SEND-ACCEPT: A Send to which no row of the table of errors applies MUST be accepted.
    id: "send/each-is-accepted",
    title: "alice sends bob 60 messages over several connections; each is accepted",
    requirements: ["SEND-ACCEPT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendAtOnce(bob, 60);
      t.equal((await bob.state()).svrSeq, bob.base + sent.length, "SEND-VISIBLE", "not all of 60 are there");
    },
  },
  {
    // § SEND-VISIBLE: Once a Send was answered with success, every Sync of the recipient that begins later MUST report
    // § a `svr_seq` that covers its message, within the epoch in which it was accepted.
    id: "send/there-once-answered",
    title: "each time that alice's Send was answered, bob's next Sync counts the message and has it",
    requirements: ["SEND-VISIBLE"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const phone = bob.device("phone");
      for (let n = 1; n <= 40; n += 1) {
        const sent = await alice.send(bob, `message ${n}`);
        const page = await phone.fetch();
        t.equal(page.svrSeq, bob.base + n, "SEND-VISIBLE", "an accepted message is not counted yet");
        t.page(page, bob.base + n, [sent], "SEND-VISIBLE", "an accepted message is not there yet");
      }
    },
  },
  {
    id: "send/none-of-many-is-lost",
    title: "alice sends bob 150 messages, 15 at a time; when the last is answered all 150 are there",
    requirements: ["SEND-VISIBLE"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const phone = bob.device("phone");
      const sent: Sent[] = [];
      for (let round = 1; round <= 10; round += 1) {
        sent.push(...(await alice.sendAtOnce(bob, 15)));
        const { svrSeq } = await phone.fetch();
        t.equal(svrSeq, bob.base + sent.length, "SEND-VISIBLE", "accepted messages are not all counted");
      }
      await phone.drain();
      const ids = (list: readonly { clientMessageId: string }[]) => list.map((it) => it.clientMessageId).sort();
      t.equal(ids(phone.stored), ids(sent), "SEND-VISIBLE", "accepted messages are not all there");
    },
  },
  {
    // § SEND-RECIPIENT: A Send whose `recipient_id` names no account MUST be refused with `not_found` and the reason
    // § RECIPIENT_UNKNOWN, if it is no repetition and no other refusal applies to it.
    id: "send/recipient-unknown",
    title: "recipients that do not exist are refused, the empty one and too long ones too, and nobody gets anything",
    requirements: ["SEND-RECIPIENT", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const nobody = `${bob.userId.slice(0, 40)}-${t.newId()}`;
      const recipients = [nobody, "", nobody.padEnd(129, "x"), nobody.padEnd(5000, "x"), `${bob.userId}\0${t.newId()}`];
      await t.unchanged(bob, "ERR-UNCHANGED", "a refused Send", async () => {
        for (const userId of recipients) {
          // Twice: what was refused must not have become something that a repetition is answered from.
          for (const id of [t.newId()].flatMap((it) => [it, it])) {
            const answered = await alice.trySend({ userId }, "hello", { id });
            t.refused(answered, Reason.RECIPIENT_UNKNOWN, "SEND-RECIPIENT", `a Send to ${JSON.stringify(userId)}`);
          }
        }
      });
      const proper = await alice.send(bob);
      t.all(await bob.device().drain(), bob.base + 1, [proper], "SEND-RECIPIENT", "something else arrived");
    },
  },
  {
    id: "send/recipient-compared-as-bytes",
    title: "user ids that are bob's but for case, width, a space, an escape or what nobody sees do not reach bob",
    requirements: ["SEND-RECIPIENT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const id = bob.userId;
      const half = id.length >> 1;
      const swapped = id === id.toUpperCase() ? id.toLowerCase() : id.toUpperCase();
      const alike = [
        ...[`${id} `, ` ${id}`, `${id}\0`],
        ...[`./${id}`, `${id}/`], // to whom each inbox is a file
        id.replace(/[!-~]/, (character) => `%${character.charCodeAt(0).toString(16)}`),
        id.replace(/[!-~]/, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0)), // in full width
        `\ufeff${id}`,
        `${id.slice(0, half)}\u200b${id.slice(half)}`,
      ].filter((it) => it !== id);
      await t.unchanged(bob, "SEND-RECIPIENT", "a Send to a user id like bob's", async () => {
        for (const userId of alike) {
          const what = `a Send to ${JSON.stringify(userId)}`;
          t.refused(await alice.trySend({ userId }), Reason.RECIPIENT_UNKNOWN, "SEND-RECIPIENT", what);
        }
        // Somebody else may really be called so.
        if (swapped !== id) await alice.trySend({ userId: swapped });
      });
      const proper = await alice.send(bob);
      t.all(await bob.device().drain(), bob.base + 1, [proper], "SEND-RECIPIENT", "something else arrived");
    },
  },
  {
    id: "send/recipient-of-another-meaning",
    title:
      "alice sends to a me and to the names of what each object has: these are accounts only if somebody is called so",
    requirements: ["SEND-RECIPIENT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const names = ["me", "constructor", "__proto__"].filter((it) => it !== bob.userId && it !== alice.userId);
      await t.unchanged(alice, "SEND-RECIPIENT", "a Send to a name of another meaning", async () => {
        for (const userId of names) {
          const answered = await alice.trySend({ userId });
          if (answered.kind === "response") continue;
          t.refused(answered, Reason.RECIPIENT_UNKNOWN, "SEND-RECIPIENT", `a Send to ${JSON.stringify(userId)}`);
        }
      });
    },
  },
  {
    // § SEND-SELF: A Send to the sender's own account MUST be treated like one to any other.
    id: "send/to-oneself",
    title: "alice sends to herself while bob writes to her: all arrive like any others, and a repetition counts once",
    requirements: ["SEND-SELF", "SEND-RETRY", "SEND-RETRY-LATER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const note = await alice.send(alice, "note to self");
      await t.blaming("SEND-SELF", async () => {
        const word = await bob.send(alice, "from bob");
        await alice.send(alice, "note to self", { id: note.clientMessageId });
        const other = await alice.trySend(alice, "another note", { id: note.clientMessageId });
        t.refused(other, Reason.CLIENT_MESSAGE_ID_REUSED, "SEND-ID-REUSED", "another note under the same id");
        const last = await alice.send(alice, "");
        const got = await alice.device().drain();
        t.all(
          got,
          alice.base + 1,
          [note, word, last],
          "SEQ-CONSECUTIVE",
          "notes to oneself are not like other messages",
        );
        const senders = got.map(({ senderId }) => senderId);
        t.equal(
          senders,
          [alice, bob, alice].map((it) => it.userId),
          "AUTH-SENDER",
          "a note has another sender",
        );
        t.equal((await alice.state()).ackedSeq, alice.base + 3, "ACK-IMPLICIT", "notes to oneself were not acked");
      });
      await expectSameAnswerOnRetry(t, alice, alice, note, "SEND-RETRY-LATER");
      const { svrSeq } = await alice.state();
      t.equal(svrSeq, alice.base + 3, "SEND-RETRY-LATER", "a note that was acked counts once more when it is repeated");
    },
  },
  {
    // § SEND-ORDER: Of two messages to one recipient, if the first one's Send was answered with success before the
    // § other was first sent, the first one MUST have the lower seq, within an epoch.
    id: "send/order-over-senders",
    title: "alice and bob write to bob by turns, each waiting for the other's answer; the seqs are in that order",
    requirements: ["SEND-ORDER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: Sent[] = [];
      for (let n = 0; n < 20; n += 1) sent.push(await (n % 3 === 0 ? bob : alice).send(bob, `${n}`));
      t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-ORDER", "the seqs are not in the order of the Sends");
    },
  },
  {
    id: "send/order-with-sizes",
    title: "alice sends bob large and small messages one after the other; the small ones do not overtake",
    requirements: ["SEND-ORDER"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const large = Math.min(t.info.maxPayloadBytes, 100_000);
      const sent: Sent[] = [];
      for (let n = 0; n < 16; n += 1) sent.push(await alice.send(bob, new Uint8Array(n % 2 === 0 ? large : 0)));
      t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-ORDER", "the seqs are not in the order of the Sends");
    },
  },
  {
    // § SEND-ACCEPTED-AT: A successful answer MUST have `accepted_at`, and the message MUST be delivered with the same
    // § instant.
    id: "send/accepted-at",
    title: "each Send answers accepted_at, and each delivery of the message has the same instant",
    requirements: ["SEND-ACCEPTED-AT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 4);
      for (const { acceptedAt } of sent) {
        t.that(acceptedAt !== undefined, "SEND-ACCEPTED-AT", "Send answered no accepted_at", "an instant", "none");
        const { seconds, nanos } = acceptedAt;
        const valid = seconds >= -62_135_596_800n && seconds <= 253_402_300_799n && nanos >= 0 && nanos <= 999_999_999;
        t.that(valid, "SEND-ACCEPTED-AT", "accepted_at is no instant", "0001 to 9999", `${seconds} s ${nanos} ns`);
      }
      const instants = (list: readonly { acceptedAt?: Sent["acceptedAt"] }[]) =>
        list.map(({ acceptedAt }) => `${acceptedAt?.seconds}.${acceptedAt?.nanos}`);
      for (let attempt = 0; attempt < 2; attempt += 1) {
        const { messages } = await bob.device().sync();
        const expected = instants(sent).slice(0, messages.length);
        t.equal(instants(messages), expected, "SEND-ACCEPTED-AT", "a message has another instant than Send answered");
      }
      const drained = await bob.device().drain();
      t.equal(
        instants(drained),
        instants(sent),
        "SEND-ACCEPTED-AT",
        "a message has another instant than Send answered",
      );
    },
  },
];
