import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { Refusal, refuse } from "../../../../reference-server/errors.js";
import { wrapSend } from "../interceptors.js";
import type { Mutant } from "../mutant.js";
import { mapSend, mapStoredIds, mergeIds } from "./parts.js";

/** What each object has in JavaScript, and is thus found in one that serves as a table. */
const OBJECT_KEYS = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Faults of the chapter "Send": ids and user ids that are taken for more than opaque keys. */
export const sendIds: readonly Mutant[] = [
  {
    name: "send-id-as-number",
    breaks: "SEND-BYTES",
    about: "a SQLite column of type STRING: an id that looks like a number is stored as that number",
    inbox: mapStoredIds((id) => (/^[+-]?\d{1,15}(\.\d+)?(e\d{1,2})?$/i.test(id) ? String(Number(id)) : id)),
  },
  {
    name: "send-id-escaped-for-html",
    breaks: "SEND-BYTES",
    about: "ids are escaped for HTML",
    inbox: mapStoredIds((id) => id.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;")),
  },
  {
    name: "send-id-without-byte-order-mark",
    breaks: "SEND-BYTES",
    about: "a text decoder drops U+FEFF at the beginning of an id",
    operations: mapSend(({ clientMessageId }) => ({ clientMessageId: clientMessageId.replace(/^\ufeff/, "") })),
  },
  {
    name: "send-id-of-one-line-end",
    breaks: "SEND-BYTES",
    about: "line ends in ids become \\n",
    inbox: mapStoredIds((id) => id.replace(/\r\n?/g, "\n")),
  },
  {
    name: "send-id-without-control-characters",
    breaks: "SEND-BYTES",
    about: "characters that XML cannot hold are dropped from ids",
    inbox: mapStoredIds((id) => [...id].filter((c) => c >= " " || "\0\t\n\r".includes(c)).join("")),
  },
  {
    name: "send-id-without-invisible-characters",
    breaks: "SEND-BYTES",
    about: "a sanitiser drops zero-width characters from ids",
    inbox: mapStoredIds((id) => id.replace(/[\u00ad\u200b-\u200f\u2060-\u2064]/g, "")),
  },
  {
    name: "send-ids-of-any-width",
    breaks: "SEND-VISIBLE",
    about: "SQL Server's CS_AS collation: full width letters are the same as the others",
    operations: wrapSend(
      mergeIds((id) => id.replace(/[\uff01-\uff5e]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))),
    ),
  },
  {
    name: "send-id-with-u-fffd-refused",
    breaks: "SEND-SIZES",
    about: "an id with U+FFFD is taken for one that was no UTF-8",
    operations: wrapSend((real) => (service, caller, request) => {
      if (request.clientMessageId.includes("\ufffd")) throw refuse(Reason.MALFORMED, "no UTF-8");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-id-that-each-object-has",
    breaks: "SEND-SIZES",
    about: "records are members of a plain object: the id __proto__ or constructor is found there before it is used",
    operations: wrapSend((real) => (service, caller, request) => {
      if (OBJECT_KEYS.has(request.clientMessageId)) throw new Refusal("internal", "not a record");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-recipient-normalised",
    breaks: "SEND-RECIPIENT",
    about: "user ids are brought to NFKC before they are looked up",
    operations: mapSend(({ recipientId }) => ({ recipientId: recipientId.normalize("NFKC") })),
  },
  {
    name: "send-recipient-percent-decoded",
    breaks: "SEND-RECIPIENT",
    about: "user ids are percent-decoded before they are looked up",
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
    about: "inboxes are files: ./bob is bob",
    operations: mapSend(({ recipientId }) => ({ recipientId: recipientId.replace(/^(\.\/)+|\/+$/g, "") })),
  },
  {
    name: "send-recipient-without-invisible-characters",
    breaks: "SEND-RECIPIENT",
    about: "characters that nobody sees are ignored in user ids",
    operations: mapSend(({ recipientId }) => ({
      recipientId: recipientId.replace(/[\ufeff\u00ad\u200b-\u200f]/g, ""),
    })),
  },
  {
    name: "send-recipient-that-each-object-has",
    breaks: "SEND-RECIPIENT",
    about: "accounts are members of a plain object: constructor is one of them",
    operations: wrapSend((real) => (service, caller, request) => {
      if (OBJECT_KEYS.has(request.recipientId)) throw new Refusal("internal", "not an account");
      return real(service, caller, request);
    }),
  },
  {
    name: "send-recipient-me",
    breaks: "SEND-RECIPIENT",
    about: "me is a name for the caller's own account",
    operations: mapSend(({ recipientId }, caller) => ({
      recipientId: recipientId === "me" ? caller.account.userId : recipientId,
    })),
  },
];
