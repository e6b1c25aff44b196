import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { SentMessage, TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectSameResponseOnRetry } from "../../harness/retries.js";
import { unique } from "../../harness/unique.js";

const MAX_SEQ = 0xffff_ffff;

/** Send: an id that is used again with other content, by another sender, or after a refusal. */
export const sendIds: readonly Case[] = [
  {
    // § SEND-ID-REUSED: Within the dedup window of an accepted Send, another Send of the same sender with the same
    // § `client_message_id`, but another recipient or payload, MUST be refused with `already_exists` and the reason
    // § CLIENT_MESSAGE_ID_REUSED, or for another reason that applies to it as well.
    id: "send/id-reused-for-other-content",
    title: "A used id with a different payload or recipient is refused, and the first message is unchanged",
    requirements: ["SEND-ID-REUSED", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const first = await alice.send(bob, "the message");
      const empty = await alice.send(bob, "");
      const size = Math.min(t.info.maxPayloadBytes, 1 << 16);
      const long = await alice.send(bob, new Uint8Array(size));
      const noText = await alice.send(bob, Uint8Array.of(0xff));
      const letters = await alice.send(bob, "Aa");
      // For servers that compare only a prefix or the length: differences in the last byte, the middle and byte 300.
      const variants = [size - 1, size >> 1, 300].filter((at) => at < size);
      const reused: [SentMessage, TestAccount, string | Uint8Array][] = [
        ...variants.map((at): [SentMessage, TestAccount, Uint8Array] => [
          long,
          bob,
          new Uint8Array(size).fill(1, at, at + 1),
        ]),
        [first, bob, "the massage"], // the same length
        [first, bob, "the message "],
        [first, bob, "The message"],
        [first, bob, ""],
        [first, alice, "the message"],
        [first, alice, "another message"],
        [empty, bob, "\0"],
        [noText, bob, Uint8Array.of(0xfe)], // as text, both are U+FFFD
        [letters, bob, "BB"], // the same String.hashCode in Java
      ];
      const refuseAll = async () => {
        for (const [{ clientMessageId: id }, to, payload] of reused) {
          const content = typeof payload === "string" ? JSON.stringify(payload) : `${payload.length} other bytes`;
          const what = `a Send with a used id and ${content} to ${to.name}`;
          const result = await alice.trySend(to, payload, { id });
          t.refused(result, Reason.CLIENT_MESSAGE_ID_REUSED, "SEND-ID-REUSED", what);
        }
      };
      const unchanged = (act: () => Promise<void>) =>
        t.unchanged(alice, "ERR-UNCHANGED", "a refused Send", () =>
          t.unchanged(bob, "ERR-UNCHANGED", "a refused Send", act),
        );
      await unchanged(refuseAll);
      const phone = bob.device();
      const violation = "the inbox does not hold the first message of each id";
      t.all(await phone.drain(), bob.base + 1, [first, empty, long, noText, letters], "SEND-ID-REUSED", violation);
      await unchanged(refuseAll);
      await expectSameResponseOnRetry(t, alice, bob, first, "SEND-RETRY");
    },
  },
  {
    id: "send/id-reused-at-once",
    title: "Of concurrent Sends with one id and different payloads exactly one is accepted",
    requirements: ["SEND-ID-REUSED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const accepted: string[] = [];
      for (let n = 0; n < 8; n += 1) {
        const id = t.newId();
        const payloads = [`heads ${n}`, `tails ${n}`, `edge ${n}`];
        const results = await Promise.all(payloads.map((payload) => alice.trySend(bob, payload, { id })));
        for (const result of results) {
          if (result.kind === "response") continue;
          t.refused(
            result,
            Reason.CLIENT_MESSAGE_ID_REUSED,
            "SEND-ID-REUSED",
            "a Send with a used id and a different payload",
          );
        }
        const winners = payloads.filter((_, index) => results[index]?.kind === "response");
        t.equal(
          { accepted: winners.length },
          { accepted: 1 },
          "SEND-ID-REUSED",
          "the number of accepted Sends with one id and different payloads is not 1",
        );
        accepted.push(...winners);
      }
      const got = (await bob.device().drain()).map(({ payload }) => Buffer.from(payload).toString());
      t.equal(
        { payloads: got },
        { payloads: accepted },
        "SEND-ID-REUSED",
        "the delivered payloads are not exactly the accepted ones",
      );
    },
  },
  {
    // § SEND-ID-SCOPE: The same `client_message_id` used by two senders MUST be treated as two ids.
    id: "send/id-of-another-sender",
    title: "One id used by two senders counts as two ids",
    requirements: ["SEND-ID-SCOPE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const [same, other] = [t.newId(), t.newId()];
      const sent: SentMessage[] = [];
      await t.blaming("SEND-ID-SCOPE", async () => {
        for (const sender of [alice, bob]) {
          sent.push(await sender.send(bob, "the same payload", { id: same }));
          sent.push(await sender.send(bob, `payload of ${sender.name}`, { id: other }));
        }
        for (const [index, one] of sent.entries()) {
          await expectSameResponseOnRetry(t, index < 2 ? alice : bob, bob, one, "SEND-RETRY");
        }
        // Two accounts that send to each other are two senders as well.
        const back: SentMessage[] = [];
        for (const response of ["hello", "hello yourself"]) {
          const id = t.newId();
          sent.push(await alice.send(bob, "hello", { id }));
          back.push(await bob.send(alice, response, { id }));
        }
        const violation = "the inbox of the first sender does not hold a message for each id";
        t.all(await alice.device().drain(), alice.base + 1, back, "SEND-ID-SCOPE", violation);
        const message = "the inbox does not hold a message for each sender and id";
        t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-ID-SCOPE", message);
      });
    },
  },
  {
    // § SEND-ID-FREE: After a refused Send its `client_message_id` MUST still be free for a Send that is accepted,
    // § unless it was in use before.
    id: "send/id-free-after-refusal",
    title: "The id of a refused Send is accepted in a later valid Send",
    requirements: ["SEND-ID-FREE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const tooLong = new Uint8Array(Math.min(t.info.maxPayloadBytes, 1 << 20) + 1);
      const isTooLong = tooLong.length > t.info.maxPayloadBytes;
      const unknownUser = { userId: `${[...bob.userId].slice(0, 10).join("")}-${unique()}` };
      const refusals: ((id: string) => Promise<{ kind: string }>)[] = [
        (id) => alice.trySend(unknownUser, "hello", { id }),
        (id) => alice.trySend(unknownUser, "other words", { id }),
        (id) => alice.trySend(bob, "hello", { id, token: null }),
        (id) => alice.trySend(bob, "hello", { id, token: `${alice.token}x` }),
        ...(isTooLong ? [(id: string) => alice.trySend(bob, tooLong, { id })] : []),
      ];
      const sent: SentMessage[] = [];
      for (const refuse of refusals) {
        const id = t.newId();
        for (const attempt of ["", " again"]) {
          const { kind } = await refuse(id);
          const violation = `an invalid Send was accepted${attempt}`;
          t.that(kind === "refusal", "SEND-RECIPIENT", violation, "a refusal", "it was accepted");
        }
        await t.blaming("SEND-ID-FREE", async () => {
          sent.push(await alice.send(bob, "hello", { id }));
        });
      }
      await t.blaming("SEND-ID-FREE", async () => {
        for (const one of sent) await expectSameResponseOnRetry(t, alice, bob, one, "SEND-RETRY");
        const violation = "the inbox does not hold each accepted message exactly once";
        t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-VISIBLE", violation);
      });
    },
  },
  {
    id: "send/id-free-after-exhausted",
    title: "The id of a Send that was refused as SEQ_EXHAUSTED is accepted in a Send to another inbox",
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
          "a Send to an exhausted inbox",
        );
      }
      await t.blaming("SEND-ID-FREE", async () => {
        const sent = await alice.send(alice, "hello", { id });
        t.all(await alice.device().drain(), alice.base + 1, [sent], "SEND-VISIBLE", "the message was not delivered");
      });
    },
  },
  {
    // § ERR-UNCHANGED: A refused call MUST change nothing: no seq is used up, nothing is delivered or acknowledged, and
    // § the `client_message_id` of a refused Send stays as free or as used as it was.
    id: "send/id-in-use-stays-in-use",
    title: "Refused Sends with a used id do not free it: a retry of the first Send is still recognised",
    requirements: ["ERR-UNCHANGED", "SEND-RETRY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const first = await alice.send(bob, "the message");
      const id = first.clientMessageId;
      await alice.trySend(bob, "other words", { id });
      await alice.trySend({ userId: `${bob.userId}-${unique()}` }, "the message", { id });
      await alice.trySend(bob, "the message", { id, token: null });
      await t.blaming("ERR-UNCHANGED", () => expectSameResponseOnRetry(t, alice, bob, first, "SEND-RETRY"));
      const marker = await alice.send(bob, "the end");
      const got = await bob.device().drain();
      const violation = "the inbox does not hold exactly the accepted messages after refused Sends with a used id";
      t.all(got, bob.base + 1, [first, marker], "ERR-UNCHANGED", violation);
    },
  },
];
