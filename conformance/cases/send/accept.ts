import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { SentMessage } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectSameResponseOnRetry } from "../../harness/retries.js";
import { unique } from "../../harness/unique.js";

export const sendAccept: readonly Case[] = [
  {
    // § SEND-ACCEPT: A Send to which no row of the table of errors applies MUST be accepted.
    id: "send/each-is-accepted",
    title: "60 concurrent Sends are all accepted",
    requirements: ["SEND-ACCEPT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendAtOnce(bob, 60);
      const violation = "svr_seq does not count all of 60 accepted messages";
      t.fields(await bob.state(), { svrSeq: bob.base + sent.length }, "SEND-VISIBLE", violation);
    },
  },
  {
    // § SEND-VISIBLE: Once a Send has succeeded, every Sync of the recipient that begins later MUST report a `svr_seq`
    // § that covers its message, within the epoch in which it was accepted.
    id: "send/there-once-answered",
    title: "A Sync after the response to a Send counts and delivers the message",
    requirements: ["SEND-VISIBLE"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const phone = bob.device("phone");
      for (let n = 1; n <= 40; n += 1) {
        const sent = await alice.send(bob, `message ${n}`);
        const page = await phone.fetch();
        t.fields(page, { svrSeq: bob.base + n }, "SEND-VISIBLE", "svr_seq does not count an accepted message");
        t.page(page, bob.base + n, [sent], "SEND-VISIBLE", "a Sync did not deliver an accepted message");
      }
    },
  },
  {
    id: "send/none-of-many-is-lost",
    title: "150 messages, sent 15 at a time, are all delivered",
    requirements: ["SEND-VISIBLE"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const phone = bob.device("phone");
      const sent: SentMessage[] = [];
      for (let round = 1; round <= 10; round += 1) {
        sent.push(...(await alice.sendAtOnce(bob, 15)));
        const { svrSeq } = await phone.fetch();
        t.equal(
          { svrSeq },
          { svrSeq: bob.base + sent.length },
          "SEND-VISIBLE",
          "svr_seq does not count all accepted messages",
        );
      }
      await phone.drain();
      const ids = (list: readonly { clientMessageId: string }[]) => list.map((it) => it.clientMessageId).sort();
      t.equal(
        { clientMessageIds: ids(phone.stored) },
        { clientMessageIds: ids(sent) },
        "SEND-VISIBLE",
        "the delivered messages are not exactly the accepted ones",
      );
    },
  },
  {
    // § SEND-RECIPIENT: A Send whose `recipient_id` names no account MUST be refused with `not_found` and the reason
    // § RECIPIENT_UNKNOWN, if it is not a retry and no other refusal applies to it.
    id: "send/recipient-unknown",
    title: "A Send to a recipient that does not exist, is empty or is too long is refused and changes nothing",
    requirements: ["SEND-RECIPIENT", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const unknownId = `${[...bob.userId].slice(0, 10).join("")}-${unique()}`;
      const recipients = [
        unknownId,
        "",
        unknownId.padEnd(129, "x"),
        unknownId.padEnd(5000, "x"),
        `${bob.userId}\0${unique()}`,
        // The texts of an error have to be escaped.
        `${unknownId.slice(0, 40)}"\\\n\r\t\u0001'<&%s{}`,
        `${unknownId.slice(0, 40)}é漢😀\u2028`,
      ];
      await t.unchanged(bob, "ERR-UNCHANGED", "a refused Send", async () => {
        for (const userId of recipients) {
          // Twice: a refused Send must not leave a dedup record.
          for (const id of [t.newId()].flatMap((it) => [it, it])) {
            const result = await alice.trySend({ userId }, "hello", { id });
            t.refused(result, Reason.RECIPIENT_UNKNOWN, "SEND-RECIPIENT", `a Send to ${JSON.stringify(userId)}`);
          }
        }
      });
      const valid = await alice.send(bob);
      const violation = "the inbox does not hold exactly the accepted message";
      t.all(await bob.device().drain(), bob.base + 1, [valid], "SEND-RECIPIENT", violation);
    },
  },
  {
    id: "send/recipient-compared-as-bytes",
    title:
      "User ids that differ from the recipient's in case, width, space, escape, wildcard or invisible characters do not match",
    requirements: ["SEND-RECIPIENT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const id = bob.userId;
      const half = id.length >> 1;
      const swapped = id === id.toUpperCase() ? id.toLowerCase() : id.toUpperCase();
      const similar = [
        ...[`${id} `, ` ${id}`, `${id}\0`],
        ...[`./${id}`, `${id}/`], // for servers that store each inbox as a file
        id.replace(/[!-~]/, (character) => `%${character.charCodeAt(0).toString(16)}`),
        id.replace(/[!-~]/, (character) => String.fromCharCode(character.charCodeAt(0) + 0xfee0)), // in full width
        `\ufeff${id}`,
        ...["_", "%", "*", "?", "."].map((wildcard) => `${id.slice(0, half)}${wildcard}${id.slice(half + 1)}`),
        `${id.slice(0, half)}%`,
        `${id.slice(0, half)}\u200b${id.slice(half)}`,
      ].filter((it) => it !== id);
      await t.unchanged(bob, "SEND-RECIPIENT", "a Send to a user id similar to bob's", async () => {
        for (const userId of similar) {
          const what = `a Send to ${JSON.stringify(userId)}`;
          t.refused(await alice.trySend({ userId }), Reason.RECIPIENT_UNKNOWN, "SEND-RECIPIENT", what);
        }
        // This may be the user id of another account.
        if (swapped !== id) await alice.trySend({ userId: swapped });
      });
      const valid = await alice.send(bob);
      const violation = "the inbox does not hold exactly the accepted message";
      t.all(await bob.device().drain(), bob.base + 1, [valid], "SEND-RECIPIENT", violation);
    },
  },
  {
    id: "send/recipient-of-another-meaning",
    title: 'The user ids "me", "constructor" and "__proto__" have no special meaning',
    requirements: ["SEND-RECIPIENT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const names = ["me", "constructor", "__proto__"].filter((it) => it !== bob.userId && it !== alice.userId);
      await t.unchanged(alice, "SEND-RECIPIENT", "a Send to a user id that is a reserved word", async () => {
        for (const userId of names) {
          const result = await alice.trySend({ userId });
          if (result.kind === "response") continue;
          t.refused(result, Reason.RECIPIENT_UNKNOWN, "SEND-RECIPIENT", `a Send to ${JSON.stringify(userId)}`);
        }
      });
    },
  },
  {
    // § SEND-SELF: A Send to the sender's own account MUST be treated like one to any other.
    id: "send/to-oneself",
    title: "A Send to the sender's own account is treated like any other",
    requirements: ["SEND-SELF", "SEND-RETRY", "SEND-RETRY-LATER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const note = await alice.send(alice, "note to self");
      await t.blaming("SEND-SELF", async () => {
        const bobs = await bob.send(alice, "from bob");
        await alice.send(alice, "note to self", { id: note.clientMessageId });
        const other = await alice.trySend(alice, "another note", { id: note.clientMessageId });
        t.refused(
          other,
          Reason.CLIENT_MESSAGE_ID_REUSED,
          "SEND-ID-REUSED",
          "another message to oneself with a used id",
        );
        const last = await alice.send(alice, "");
        const got = await alice.device().drain();
        const violation = "the inbox does not hold the messages to oneself in order";
        t.all(got, alice.base + 1, [note, bobs, last], "SEQ-CONSECUTIVE", violation);
        const senders = got.map(({ senderId }) => senderId);
        t.equal(
          { senderIds: senders },
          { senderIds: [alice, bob, alice].map((it) => it.userId) },
          "AUTH-SENDER",
          "a message to oneself has the wrong sender_id",
        );
        const message = "messages to oneself were not acknowledged";
        t.fields(await alice.state(), { ackedSeq: alice.base + 3 }, "ACK-IMPLICIT", message);
      });
      await expectSameResponseOnRetry(t, alice, alice, note, "SEND-RETRY-LATER");
      const { svrSeq } = await alice.state();
      t.equal(
        { svrSeq },
        { svrSeq: alice.base + 3 },
        "SEND-RETRY-LATER",
        "a retry of an acknowledged message to oneself created a message",
      );
    },
  },
  {
    // § SEND-ORDER: If the Send of one message has succeeded before another message to the same recipient is first
    // § sent, the former message MUST have the lower seq, within an epoch.
    id: "send/order-over-senders",
    title: "Sends of two senders, each after the response to the one before, get seqs in that order",
    requirements: ["SEND-ORDER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: SentMessage[] = [];
      for (let n = 0; n < 20; n += 1) sent.push(await (n % 3 === 0 ? bob : alice).send(bob, `${n}`));
      t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-ORDER", "the seqs are not in the order of the Sends");
    },
  },
  {
    id: "send/order-with-sizes",
    title: "Consecutive Sends of large and small payloads get seqs in that order",
    requirements: ["SEND-ORDER"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const large = Math.min(t.info.maxPayloadBytes, 100_000);
      const sent: SentMessage[] = [];
      for (let n = 0; n < 16; n += 1) sent.push(await alice.send(bob, new Uint8Array(n % 2 === 0 ? large : 0)));
      t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-ORDER", "the seqs are not in the order of the Sends");
    },
  },
  {
    // § SEND-ACCEPTED-AT: A successful response MUST have `accepted_at`, and the message MUST be delivered with the
    // § same instant.
    id: "send/accepted-at",
    title: "The response to a Send has accepted_at, and each delivery of the message has the same",
    requirements: ["SEND-ACCEPTED-AT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 4);
      for (const { acceptedAt } of sent) {
        const violation = "the response to a Send has no accepted_at";
        t.that(acceptedAt !== undefined, "SEND-ACCEPTED-AT", violation, "accepted_at: a time", "accepted_at: absent");
        const { seconds, nanos } = acceptedAt;
        const valid = seconds >= -62_135_596_800n && seconds <= 253_402_300_799n && nanos >= 0 && nanos <= 999_999_999;
        const message = "accepted_at is not a valid timestamp";
        t.that(
          valid,
          "SEND-ACCEPTED-AT",
          message,
          "accepted_at: a year from 0001 to 9999, and 0 to 999999999 ns",
          `accepted_at: ${seconds} s ${nanos} ns`,
        );
      }
      const instants = (list: readonly { acceptedAt?: SentMessage["acceptedAt"] }[]) =>
        list.map(({ acceptedAt }) => `${acceptedAt?.seconds}.${acceptedAt?.nanos}`);
      for (let attempt = 0; attempt < 2; attempt += 1) {
        const { messages } = await bob.device().sync();
        const expected = instants(sent).slice(0, messages.length);
        const violation = "a message was delivered with an accepted_at other than that in the response to its Send";
        t.equal({ acceptedAt: instants(messages) }, { acceptedAt: expected }, "SEND-ACCEPTED-AT", violation);
      }
      const drained = await bob.device().drain();
      t.equal(
        { acceptedAt: instants(drained) },
        { acceptedAt: instants(sent) },
        "SEND-ACCEPTED-AT",
        "a message was delivered with an accepted_at other than that in the response to its Send",
      );
    },
  },
];
