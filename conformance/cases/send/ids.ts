import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Sent, TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectSameAnswerOnRetry } from "../../harness/retries.js";

const MAX_SEQ = 0xffff_ffff;

/** An id that is used again: for something else, by somebody else, or after a refusal. */
export const sendIds: readonly Case[] = [
  {
    // § SEND-ID-REUSED: Within the dedup window of an accepted Send, another Send of the same sender with the same
    // § `client_message_id`, but another recipient or payload, MUST be refused with `already_exists` and the reason
    // § CLIENT_MESSAGE_ID_REUSED, or for another reason that applies to it as well.
    id: "send/id-reused-for-other-content",
    title: "alice uses an id again for another payload, another recipient and both; refused, and the first one stands",
    requirements: ["SEND-ID-REUSED", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const first = await alice.send(bob, "the message");
      const empty = await alice.send(bob, "");
      const size = Math.min(t.info.maxPayloadBytes, 1 << 16);
      const long = await alice.send(bob, new Uint8Array(size));
      const noText = await alice.send(bob, Uint8Array.of(0xff));
      const letters = await alice.send(bob, "Aa");
      // Whoever compares the beginning or the length only: another last byte, one in the middle, one after 300.
      const variants = [size - 1, size >> 1, 300].filter((at) => at < size);
      const others: [Sent, TestAccount, string | Uint8Array][] = [
        ...variants.map((at): [Sent, TestAccount, Uint8Array] => [long, bob, new Uint8Array(size).fill(1, at, at + 1)]),
        [first, bob, "the massage"], // as long as the first
        [first, bob, "the message "],
        [first, bob, "The message"],
        [first, bob, ""],
        [first, alice, "the message"],
        [first, alice, "another message"],
        [empty, bob, "\0"],
        [noText, bob, Uint8Array.of(0xfe)], // as text, both are U+FFFD
        [letters, bob, "BB"], // of the same hash in Java
      ];
      const refuseAll = async () => {
        for (const [{ clientMessageId: id }, to, payload] of others) {
          const content =
            typeof payload === "string" ? JSON.stringify(payload) : `${payload.length} bytes, one of them another,`;
          const what = `an id used again for ${content} to ${to.name}`;
          const answered = await alice.trySend(to, payload, { id });
          t.refused(answered, Reason.CLIENT_MESSAGE_ID_REUSED, "SEND-ID-REUSED", what);
        }
      };
      const unchanged = (act: () => Promise<void>) =>
        t.unchanged(alice, "ERR-UNCHANGED", "a refused Send", () =>
          t.unchanged(bob, "ERR-UNCHANGED", "a refused Send", act),
        );
      await unchanged(refuseAll);
      const phone = bob.device();
      t.all(
        await phone.drain(),
        bob.base + 1,
        [first, empty, long, noText, letters],
        "SEND-ID-REUSED",
        "the first content does not stand",
      );
      await unchanged(refuseAll);
      await expectSameAnswerOnRetry(t, alice, bob, first, "SEND-RETRY");
    },
  },
  {
    id: "send/id-reused-at-once",
    title: "alice uses one id for two payloads at the same moment; one is accepted, the other refused",
    requirements: ["SEND-ID-REUSED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const won: string[] = [];
      for (let n = 0; n < 8; n += 1) {
        const id = t.newId();
        const payloads = [`heads ${n}`, `tails ${n}`, `edge ${n}`];
        const answers = await Promise.all(payloads.map((payload) => alice.trySend(bob, payload, { id })));
        for (const answered of answers) {
          if (answered.kind === "response") continue;
          t.refused(answered, Reason.CLIENT_MESSAGE_ID_REUSED, "SEND-ID-REUSED", "another payload under a used id");
        }
        const winners = payloads.filter((_, index) => answers[index]?.kind === "response");
        t.equal(
          winners.length,
          1,
          "SEND-ID-REUSED",
          "of different payloads under one id, not exactly one was accepted",
        );
        won.push(...winners);
      }
      const got = (await bob.device().drain()).map(({ payload }) => Buffer.from(payload).toString());
      t.equal(got, won, "SEND-ID-REUSED", "not the payloads that were accepted have arrived");
    },
  },
  {
    // § SEND-ID-SCOPE: The same `client_message_id` used by two senders MUST be taken as two ids.
    id: "send/id-of-another-sender",
    title:
      "alice and bob send to bob, and to each other, under one id, with the same payload and with others: each sender's counts",
    requirements: ["SEND-ID-SCOPE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const [same, other] = [t.newId(), t.newId()];
      const sent: Sent[] = [];
      await t.blaming("SEND-ID-SCOPE", async () => {
        for (const sender of [alice, bob]) {
          sent.push(await sender.send(bob, "the same words", { id: same }));
          sent.push(await sender.send(bob, `words of ${sender.name}`, { id: other }));
        }
        for (const [index, one] of sent.entries()) {
          await expectSameAnswerOnRetry(t, index < 2 ? alice : bob, bob, one, "SEND-RETRY");
        }
        // Nor are the two who write to each other one sender.
        const back: Sent[] = [];
        for (const answer of ["hello", "hello yourself"]) {
          const id = t.newId();
          sent.push(await alice.send(bob, "hello", { id }));
          back.push(await bob.send(alice, answer, { id }));
        }
        t.all(await alice.device().drain(), alice.base + 1, back, "SEND-ID-SCOPE", "an answer got in a message's way");
        t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-ID-SCOPE", "senders got in each other's way");
      });
    },
  },
  {
    // § SEND-ID-FREE: After a refused Send its `client_message_id` MUST still be free for a Send that is accepted,
    // § unless it was in use before.
    id: "send/id-free-after-refusal",
    title: "an id whose Send was refused, for its payload, its recipient or its credential, is then used properly",
    requirements: ["SEND-ID-FREE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const tooLong = new Uint8Array(Math.min(t.info.maxPayloadBytes, 1 << 20) + 1);
      const isTooLong = tooLong.length > t.info.maxPayloadBytes;
      const nobody = { userId: `${bob.userId.slice(0, 40)}-${t.newId()}` };
      const refusals: ((id: string) => Promise<{ kind: string }>)[] = [
        (id) => alice.trySend(nobody, "hello", { id }),
        (id) => alice.trySend(nobody, "other words", { id }),
        (id) => alice.trySend(bob, "hello", { id, token: null }),
        (id) => alice.trySend(bob, "hello", { id, token: `${alice.token}x` }),
        ...(isTooLong ? [(id: string) => alice.trySend(bob, tooLong, { id })] : []),
      ];
      const sent: Sent[] = [];
      for (const refuse of refusals) {
        const id = t.newId();
        for (const attempt of ["", " again"]) {
          const { kind } = await refuse(id);
          t.that(kind === "refusal", "SEND-RECIPIENT", `a Send was not refused${attempt}`, "a refusal", "accepted");
        }
        await t.blaming("SEND-ID-FREE", async () => {
          sent.push(await alice.send(bob, "hello", { id }));
        });
      }
      await t.blaming("SEND-ID-FREE", async () => {
        for (const one of sent) await expectSameAnswerOnRetry(t, alice, bob, one, "SEND-RETRY");
        t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-VISIBLE", "not each of them is there once");
      });
    },
  },
  {
    id: "send/id-free-after-exhausted",
    title: "an id whose Send was refused since bob's inbox has no seq left is then used for alice",
    requirements: ["SEND-ID-FREE"],
    needs: { startSeq: MAX_SEQ },
    async run(t: Context) {
      const { bob, alice } = t;
      const id = t.newId();
      for (let attempt = 0; attempt < 2; attempt += 1) {
        t.refused(
          await alice.trySend(bob, "hello", { id }),
          Reason.SEQ_EXHAUSTED,
          "SEQ-EXHAUSTED",
          "a Send without seq",
        );
      }
      await t.blaming("SEND-ID-FREE", async () => {
        const sent = await alice.send(alice, "hello", { id });
        t.all(await alice.device().drain(), alice.base + 1, [sent], "SEND-VISIBLE", "it is not there");
      });
    },
  },
  {
    // § ERR-UNCHANGED: A refused call MUST change nothing: no seq is used up, nothing is delivered or acknowledged, and
    // § the `client_message_id` of a refused Send stays as free or as used as it was.
    id: "send/id-in-use-stays-in-use",
    title: "refused Sends under a used id do not free it: the first Send's repetition is still recognised",
    requirements: ["ERR-UNCHANGED", "SEND-RETRY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const first = await alice.send(bob, "the message");
      const id = first.clientMessageId;
      await alice.trySend(bob, "other words", { id });
      await alice.trySend({ userId: `${bob.userId}-${t.newId()}` }, "the message", { id });
      await alice.trySend(bob, "the message", { id, token: null });
      await t.blaming("ERR-UNCHANGED", () => expectSameAnswerOnRetry(t, alice, bob, first, "SEND-RETRY"));
      const marker = await alice.send(bob, "the end");
      const got = await bob.device().drain();
      t.all(got, bob.base + 1, [first, marker], "ERR-UNCHANGED", "a refused Send freed an id that was in use");
    },
  },
];
