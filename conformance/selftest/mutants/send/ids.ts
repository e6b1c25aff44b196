import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { Refusal, refuse } from "../../../../reference-server/errors.js";
import { wrapSend } from "../interceptors.js";
import type { Mutant } from "../mutant.js";
import { mapSend, mapStoredIds, mergeIds } from "./shared.js";

/** Keys that every JavaScript object inherits, so that a plain object used as a table contains them. */
const OBJECT_KEYS = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Mutants of the chapter "Send": ids and user ids that are not treated as opaque keys. */
export const sendIds: readonly Mutant[] = [
  {
    name: "send-id-as-number",
    breaks: "SEND-BYTES",
    about: "stores an id that looks like a number as a number, as a SQLite column of type STRING does",
    inbox: mapStoredIds((id) => (/^[+-]?\d{1,15}(\.\d+)?(e\d{1,2})?$/i.test(id) ? String(Number(id)) : id)),
  },
  {
    name: "send-id-escaped-for-html",
    breaks: "SEND-BYTES",
    about: "stores ids escaped for HTML",
    inbox: mapStoredIds((id) => id.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;")),
  },
  {
    name: "send-id-without-byte-order-mark",
    breaks: "SEND-BYTES",
    about: "drops U+FEFF at the beginning of an id, as text decoders do",
    operations: mapSend(({ clientMessageId }) => ({ clientMessageId: clientMessageId.replace(/^\ufeff/, "") })),
  },
  {
    name: "send-id-of-one-line-end",
    breaks: "SEND-BYTES",
    about: "normalises line endings in ids to \\n",
    inbox: mapStoredIds((id) => id.replace(/\r\n?/g, "\n")),
  },
  {
    name: "send-id-without-control-characters",
    breaks: "SEND-BYTES",
    about: "drops characters that XML does not allow from ids",
    inbox: mapStoredIds((id) => [...id].filter((c) => c >= " " || "\0\t\n\r".includes(c)).join("")),
  },
  {
    name: "send-id-without-invisible-characters",
    breaks: "SEND-BYTES",
    about: "drops zero-width characters from ids",
    inbox: mapStoredIds((id) => id.replace(/[\u00ad\u200b-\u200f\u2060-\u2064]/g, "")),
  },
  {
    name: "send-ids-of-any-width",
    breaks: "SEND-VISIBLE",
    about: "treats full-width letters in ids as equal to ASCII, as SQL Server's CS_AS collation does",
    operations: wrapSend(
      mergeIds((id) => id.replace(/[\uff01-\uff5e]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))),
    ),
  },
  {
    name: "send-id-with-u-fffd-refused",
    breaks: "SEND-SIZES",
    about: "refuses an id that contains U+FFFD as invalid UTF-8",
    operations: wrapSend((real) => (service, caller, request) => {
      if (request.clientMessageId.includes("\ufffd")) throw refuse(Reason.MALFORMED, "no UTF-8");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-id-that-each-object-has",
    breaks: "SEND-SIZES",
    about: "fails on the ids __proto__ and constructor, which every JavaScript object has as keys",
    operations: wrapSend((real) => (service, caller, request) => {
      if (OBJECT_KEYS.has(request.clientMessageId)) throw new Refusal("internal", "not a record");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-recipient-normalised",
    breaks: "SEND-RECIPIENT",
    about: "normalises user ids to NFKC before it looks them up",
    operations: mapSend(({ recipientId }) => ({ recipientId: recipientId.normalize("NFKC") })),
  },
  {
    name: "send-recipient-percent-decoded",
    breaks: "SEND-RECIPIENT",
    about: "percent-decodes user ids before it looks them up",
    operations: mapSend(({ recipientId }) => {
      try {
        return { recipientId: decodeURIComponent(recipientId) };
      } catch {
        return {};
      }
    }),
  },
  {
    name: "send-recipient-as-path",
    breaks: "SEND-RECIPIENT",
    about: "treats user ids as paths, so that ./bob is bob",
    operations: mapSend(({ recipientId }) => ({ recipientId: recipientId.replace(/^(\.\/)+|\/+$/g, "") })),
  },
  {
    name: "send-recipient-without-invisible-characters",
    breaks: "SEND-RECIPIENT",
    about: "ignores invisible characters in user ids",
    operations: mapSend(({ recipientId }) => ({
      recipientId: recipientId.replace(/[\ufeff\u00ad\u200b-\u200f]/g, ""),
    })),
  },
  {
    name: "send-recipient-that-each-object-has",
    breaks: "SEND-RECIPIENT",
    about: "fails on the recipient constructor, which every JavaScript object has as a key",
    operations: wrapSend((real) => (service, caller, request) => {
      if (OBJECT_KEYS.has(request.recipientId)) throw new Refusal("internal", "not an account");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-recipient-me",
    breaks: "SEND-RECIPIENT",
    about: "accepts `me` as the caller's own user id",
    operations: mapSend(({ recipientId }, caller) => ({
      recipientId: recipientId === "me" ? caller.account.userId : recipientId,
    })),
  },
];
