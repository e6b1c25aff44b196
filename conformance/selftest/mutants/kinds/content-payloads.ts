import { isUtf8 } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../../proto/gen/seqsync/v1/error_pb.js";
import { SendResponseSchema } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { digest } from "../../../../reference-server/dedup.js";
import { refuse } from "../../../../reference-server/errors.js";
import { Inbox, type NewMessage } from "../../../../reference-server/inbox.js";
import { wrapSend } from "../interceptors.js";
import type { InboxClass, Mutant } from "../mutant.js";
import { findRecord } from "../send/shared.js";

/** Changes payloads when they are stored. */
const mapStoredPayloads = (change: (payload: Buffer) => Uint8Array): InboxClass =>
  class extends Inbox {
    override append(message: NewMessage) {
      return super.append({ ...message, payload: new Uint8Array(change(Buffer.from(message.payload))) });
    }
  };

/** Changes payloads that are text when they are stored. */
const mapStoredText = (change: (text: string) => string) =>
  mapStoredPayloads((payload) => (isUtf8(payload) ? Buffer.from(change(payload.toString())) : payload));

/** Changes the text of payloads that are JSON objects or arrays. */
const mapStoredJson = (change: (text: string) => string) =>
  mapStoredText((text) => {
    try {
      return typeof JSON.parse(text) === "object" ? change(text) : text;
    } catch {
      return text;
    }
  });

/** What rules against attacks look for in requests to websites. */
const ATTACKS = /<script|\bunion\s+select\b|\bdrop\s+table\b|'\s*or\s+'?1'?\s*=\s*'?1/i;

/** Mutants that show only if payloads vary. */
export const contentPayloads: readonly Mutant[] = [
  {
    name: "contents-emoji-dropped",
    breaks: "SEND-BYTES",
    about: "drops characters of four bytes from payloads that are text",
    seenIn: "processone/ejabberd#1172",
    kind: "contents",
    inbox: mapStoredText((text) => text.replace(/[\u{10000}-\u{10ffff}]/gu, "")),
  },
  {
    name: "contents-normalised",
    breaks: "SEND-BYTES",
    about: "normalises payloads that are text to NFC",
    seenIn: "FreeFeed/freefeed-server#399",
    kind: "contents",
    inbox: mapStoredText((text) => text.normalize("NFC")),
  },
  {
    name: "contents-json-written-anew",
    breaks: "SEND-BYTES",
    about: "parses payloads that are JSON, and writes them without white space, as a column of type JSON does",
    kind: "contents",
    inbox: mapStoredJson((text) => JSON.stringify(JSON.parse(text))),
  },
  {
    name: "contents-json-dates",
    breaks: "SEND-BYTES",
    about: "writes dates in payloads that are JSON with milliseconds",
    seenIn: "JamesNK/Newtonsoft.Json#862",
    kind: "contents",
    inbox: mapStoredJson((text) => text.replace(/"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z"/g, '"$1.000Z"')),
  },
  {
    name: "contents-base64-decoded",
    breaks: "SEND-BYTES",
    about: "decodes payloads that are base64 with padding",
    seenIn: "unum-cloud/UCall#33",
    kind: "contents",
    inbox: mapStoredPayloads((payload) => {
      const text = payload.toString("latin1");
      return text.length % 4 === 0 && /^[A-Za-z0-9+/]+={1,2}$/.test(text) ? Buffer.from(text, "base64") : payload;
    }),
  },
  {
    name: "contents-gzip-unpacked",
    breaks: "SEND-BYTES",
    about: "unpacks payloads that are gzip files",
    seenIn: "Pagefind/pagefind#27",
    kind: "contents",
    inbox: mapStoredPayloads((payload) => {
      if (payload[0] !== 0x1f || payload[1] !== 0x8b) return payload;
      try {
        return gunzipSync(payload, { maxOutputLength: 1 << 20 });
      } catch {
        return payload;
      }
    }),
  },
  {
    name: "contents-dots-doubled",
    breaks: "SEND-BYTES",
    about: "doubles a dot at the beginning of a line of text, as mail servers do in transit",
    seenIn: "aio-libs/aiosmtpd#561",
    kind: "contents",
    inbox: mapStoredText((text) => text.replace(/^\./gm, "..")),
  },
  {
    name: "contents-byte-order-mark-dropped",
    breaks: "SEND-BYTES",
    about: "drops a byte order mark at the beginning of a payload that is text",
    seenIn: "pillarjs/iconv-lite#415",
    kind: "contents",
    inbox: mapStoredText((text) => text.replace(/^\ufeff/, "")),
  },
  {
    name: "contents-text-ends-at-nul",
    breaks: "SEND-BYTES",
    about: "ends payloads that are text at the first U+0000",
    kind: "contents",
    inbox: mapStoredText((text) => text.replace(/(?<=[^\0])\0.*$/s, "")),
  },
  {
    name: "contents-number-without-its-zeros",
    breaks: "SEND-BYTES",
    about: "drops leading zeros of payloads that are decimal numbers",
    kind: "contents",
    inbox: mapStoredText((text) => (/^0\d+$/.test(text) ? text.replace(/^0+(?=\d)/, "") : text)),
  },
  {
    name: "contents-escape-byte-halved",
    breaks: "SEND-BYTES",
    about: "takes two bytes 0xff for one, as Telnet does",
    kind: "contents",
    inbox: mapStoredPayloads((payload) =>
      Buffer.from(payload.toString("latin1").replaceAll("\xff\xff", "\xff"), "latin1"),
    ),
  },
  {
    name: "contents-attack-refused",
    breaks: "SEND-ACCEPT",
    about: "refuses a payload that looks like an attack on a website or a database as malformed",
    seenIn: "coreruleset/coreruleset#1881",
    kind: "contents",
    operations: wrapSend((real) => (service, caller, request) => {
      if (ATTACKS.test(Buffer.from(request.payload).toString("latin1")))
        throw refuse(Reason.MALFORMED, "the request was blocked");
      return real(service, caller, request);
    }),
  },
  {
    name: "contents-line-end-is-a-heartbeat",
    breaks: "SEND-VISIBLE",
    about: "takes a payload that is only a line end for a heartbeat, and drops it",
    seenIn: "jasonrbriggs/stomp.py#94",
    kind: "contents",
    operations: wrapSend((real) => (service, caller, request) => {
      const isHeartbeat = /^\r?\n$/.test(Buffer.from(request.payload).toString("latin1"));
      const isKnown = service.accounts.get(request.recipientId) !== undefined;
      const isNew = findRecord(service, caller, request.clientMessageId) === undefined;
      return isHeartbeat && isKnown && isNew
        ? create(SendResponseSchema, { acceptedAt: timestampFromMs(service.options.now()) })
        : real(service, caller, request);
    }),
  },
  {
    name: "contents-full-block-stored-twice",
    breaks: "SEQ-CONSECUTIVE",
    about: "stores a message twice if the length of its payload is a power of two from 128 to 32768 bytes",
    kind: "contents",
    inbox: class extends Inbox {
      override append(message: NewMessage) {
        const { length } = message.payload;
        const isFullBlock = length >= 128 && length <= 32_768 && (length & (length - 1)) === 0;
        const hasRoom = this.pending.size + 1 < this.limits.maxBacklog && this.svrSeq < 0xffff_fffe;
        if (isFullBlock && hasRoom) super.append(message);
        return super.append(message);
      }
    },
  },
  {
    name: "contents-shared-with-their-sender",
    breaks: "AUTH-SENDER",
    about: "stores equal payloads of 1 KiB or more once, together with their sender",
    kind: "contents",
    operations: wrapSend((real) => {
      const senders = new Map<string, string>();
      return (service, caller, request) => {
        const inbox = service.accounts.get(request.recipientId)?.inbox;
        const before = inbox?.svrSeq;
        const response = real(service, caller, request);
        const stored = inbox?.pending.get(inbox.svrSeq);
        if (stored === undefined || stored.seq === before || request.payload.length < 1024) return response;
        const key = digest(request.payload);
        senders.set(key, senders.get(key) ?? stored.senderId);
        stored.senderId = senders.get(key) ?? stored.senderId;
        return response;
      };
    }),
  },
  {
    name: "contents-bytes-of-a-database",
    breaks: "SEND-BYTES",
    about: "stores payloads as text literals of a database, so that one of \\x and hex digits is delivered decoded",
    seenIn: "cockroachdb/cockroach#17693",
    kind: "contents",
    inbox: mapStoredPayloads((payload) => {
      const [, digits] = /^\\x((?:[0-9a-f]{2})+)$/i.exec(payload.toString("latin1")) ?? [];
      return digits === undefined ? payload : Buffer.from(digits, "hex");
    }),
  },
];
