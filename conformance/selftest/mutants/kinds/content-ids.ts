import { Inbox, type NewMessage } from "../../../../reference-server/inbox.js";
import type { Service } from "../../../../reference-server/service.js";
import type { Mutant } from "../mutant.js";
import { javaHash } from "../send/retry.js";
import { forgetWhen, mapStoredIds } from "../send/shared.js";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Compares the ids of dedup records by a key. */
const compareIdsBy =
  (keyOf: (id: string) => string): NonNullable<Mutant["handler"]> =>
  (real, { dedup }: Service) => {
    const { find, add } = dedup;
    dedup.find = (senderId, id, now) => find.call(dedup, senderId, keyOf(id), now);
    dedup.add = (senderId, id, now, record) => add.call(dedup, senderId, keyOf(id), now, record);
    return real;
  };

/** Mutants that show only if ids vary. */
export const contentIds: readonly Mutant[] = [
  {
    name: "contents-uuid-in-lower-case",
    breaks: "SEND-BYTES",
    about: "stores ids that are UUIDs in lower case, as a column of type UUID does",
    seenIn: "weaviate/weaviate#2647",
    kind: "contents",
    inbox: mapStoredIds((id) => (UUID.test(id) ? id.toLowerCase() : id)),
  },
  {
    name: "contents-snowflake-rounded",
    breaks: "SEND-BYTES",
    about: "rounds ids that are integers above 2^53",
    seenIn: "webman-php/admin#96",
    kind: "contents",
    inbox: mapStoredIds((id) => (/^[1-9]\d{15,20}$/.test(id) ? String(BigInt(Number(id))) : id)),
  },
  {
    name: "contents-ids-without-trailing-space",
    breaks: "SEND-ACCEPT",
    about: "takes two ids for one that differ only in spaces at the end, as MySQL's PAD SPACE collations do",
    seenIn: "AmpersandTarski/Ampersand#263",
    kind: "contents",
    handler: compareIdsBy((id) => id.replace(/ +$/, "")),
  },
  {
    name: "contents-ids-by-a-short-hash",
    breaks: "SEND-ACCEPT",
    about: "takes two ids for one that have the same 32-bit hash, such as Aa and BB with Java's String.hashCode",
    seenIn: "JasperFx/marten#179",
    kind: "contents",
    handler: compareIdsBy((id) => javaHash(Array.from({ length: id.length }, (_, n) => id.charCodeAt(n)))),
  },
  {
    name: "contents-ids-as-numbers",
    breaks: "SEND-ACCEPT",
    about: "takes two ids for one that are equal as numbers, such as 7 and 007, as PHP's == does",
    kind: "contents",
    handler: compareIdsBy((id) => (/^\d+(\.\d+)?(e\d+)?$/i.test(id) ? String(Number(id)) : id)),
  },
  {
    name: "contents-retry-of-a-decomposed-id",
    breaks: "SEND-RETRY",
    about: "stores a retried Send again if its id is not in NFC, because the record was stored in NFC",
    kind: "contents",
    operations: forgetWhen(({ clientMessageId }) => clientMessageId !== clientMessageId.normalize("NFC")),
  },
  {
    name: "contents-ordered-by-snowflake",
    breaks: "SEND-ORDER",
    about:
      "puts a message before the previous one if both ids are numbers of 17 or more digits and its id is the lower",
    kind: "contents",
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        const stored = super.append(message);
        const previous = this.pending.get(stored.seq - 1);
        const isSnowflake = (id = "") => /^\d{17,20}$/.test(id);
        if (!isSnowflake(previous?.clientMessageId) || !isSnowflake(message.clientMessageId)) return stored;
        if (previous === undefined || BigInt(previous.clientMessageId) <= BigInt(message.clientMessageId))
          return stored;
        this.pending.set(stored.seq, { ...previous, seq: stored.seq });
        this.pending.set(previous.seq, { ...stored, seq: previous.seq });
        return stored;
      }
    },
  },
  {
    name: "contents-ids-as-dates",
    breaks: "SEND-BYTES",
    about: "takes ids that are points in time for dates, and delivers them in another format",
    seenIn: "JamesNK/Newtonsoft.Json#862",
    kind: "contents",
    inbox: mapStoredIds((id) =>
      /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/.test(id) ? new Date(id).toUTCString() : id,
    ),
  },
];
