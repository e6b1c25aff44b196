import { CORPUS } from "../../contents/corpus.js";
import { Digest } from "../../contents/digest.js";
import { SIMILAR_IDS } from "../../contents/similar-ids.js";
import type { SentMessage } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectSameResponseOnRetry } from "../../harness/retries.js";
import { unique } from "../../harness/unique.js";
import { expectDelivered } from "./content.js";

/** Messages that are sent before they are fetched: few, because an inbox may have room for few. */
const AT_ONCE = 8;

/** Send: the whole corpus of payloads, and ids that some stores take for one, side by side. */
export const sendCorpus: readonly Case[] = [
  {
    // § SEND-BYTES: The payload and the `client_message_id` of a message MUST be delivered byte for byte as they were
    // § sent.
    id: "send/corpus",
    title: "Texts in many scripts, numbers, markup, compressed data and other formats are delivered byte for byte",
    requirements: ["SEND-BYTES", "SEND-ACCEPT"],
    bulk: true,
    async run(t: Context) {
      const payloads = CORPUS.map(({ bytes }) => bytes).filter(({ length }) => length <= t.info.maxPayloadBytes);
      for (const batch of batches(payloads, AT_ONCE)) await expectDelivered(t, batch);
    },
  },
  {
    id: "send/look-alike-ids",
    title:
      "Ids that some stores take for one, by case, blanks, normalisation, numbers, prefixes or hashes, are different",
    requirements: ["SEND-BYTES", "SEND-VISIBLE", "SEND-SIZES", "SEND-RETRY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const phone = bob.device();
      const stem = unique();
      let seq = bob.base;
      const families = Object.entries(SIMILAR_IDS);
      for (const batch of batches(families, Math.floor(AT_ONCE / 2))) {
        // The ids of one family one after the other, as the second of them may be taken for a retry; families side by side.
        const perFamily = await Promise.all(
          batch.map(async ([family, idsOf]) => {
            const sent: SentMessage[] = [];
            for (const id of idsOf(new Digest(`${stem} ${family}`)))
              sent.push(await t.blaming("SEND-SIZES", () => alice.send(bob, t.filler("hello"), { id })));
            return sent;
          }),
        );
        const got = await phone.drain();
        // Families arrive in any order among each other.
        const places = new Map(got.map(({ clientMessageId }, place) => [clientMessageId, place]));
        const placeOf = ({ clientMessageId }: SentMessage) => places.get(clientMessageId) ?? got.length;
        const sent = perFamily.flat().sort((a, b) => placeOf(a) - placeOf(b));
        const names = batch.map(([family]) => family).join("; ");
        const violation = `ids were changed, or treated as equal: ${names}`;
        // A store that takes two ids for one treats the second Send as a retry, and has no message for it.
        const requirement = got.length < sent.length ? "SEND-VISIBLE" : "SEND-BYTES";
        t.all(got, seq + 1, sent, requirement, violation);
        seq += sent.length;
        // The record of the first id is still there, although similar ones came later.
        const firsts = perFamily.flatMap((family) => family.slice(0, 1));
        await Promise.all(firsts.map((one) => expectSameResponseOnRetry(t, alice, bob, one, "SEND-RETRY")));
      }
      t.all(await phone.drain(), seq + 1, [], "SEND-RETRY", "a retry of a Send with a similar id created a message");
    },
  },
];

/** Splits a list into parts of at most `size`. */
const batches = <T>(list: readonly T[], size: number) =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, n) => list.slice(n * size, (n + 1) * size));
