import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { SentMessage } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectSameResponseOnRetry } from "../../harness/retries.js";
import { unique } from "../../harness/unique.js";

/** Send: the bytes and the bounds of payloads and ids. */
export const sendContent: readonly Case[] = [
  {
    // § SEND-BYTES: The payload and the `client_message_id` of a message MUST be delivered byte for byte as they were
    // § sent.
    id: "send/all-byte-values",
    title: "Payloads with all byte values are delivered byte for byte",
    requirements: ["SEND-BYTES"],
    async run(t: Context) {
      const all = Uint8Array.from({ length: 256 }, (_, n) => n);
      // In pieces of the maximum size, and of 16 bytes.
      const most = Math.max(1, t.info.maxPayloadBytes);
      const pairs = [all, Uint8Array.from(all).reverse()].flatMap((bytes) => pieces(bytes, most));
      // Bytes with a special meaning in text, in C strings or in a codec.
      const single = [0x00, 0x0a, 0x0d, 0x1a, 0x20, 0x22, 0x5c, 0x7f, 0x80, 0xc2, 0xff].map((byte) =>
        Uint8Array.of(byte),
      );
      await expectDelivered(t, [...pairs, ...pieces(all, Math.min(16, most)), ...single]);
    },
  },
  {
    id: "send/invalid-utf8",
    title: "Payloads that are not UTF-8 are delivered byte for byte",
    requirements: ["SEND-BYTES"],
    run: (t: Context) =>
      expectDelivered(t, [
        Uint8Array.of(0xff),
        Uint8Array.of(0xc3, 0x28), // a lead byte without its second
        Uint8Array.of(0xc0, 0x80), // an overlong zero
        Uint8Array.of(0xed, 0xa0, 0x80), // half a surrogate pair
        Uint8Array.of(0xf8, 0x88, 0x80, 0x80, 0x80),
        Uint8Array.of(0x61, 0xe2, 0x82), // ends within a character
      ]),
  },
  {
    id: "send/nothing-trimmed",
    title: "Payloads with zeros, spaces, line ends, a byte order mark, JSON or base64 are delivered byte for byte",
    requirements: ["SEND-BYTES"],
    run: (t: Context) =>
      expectDelivered(
        t,
        [
          "\0",
          "\0\0a\0\0",
          "a\0b",
          "  a  ",
          "\r\n",
          "a\r\nb\n\r",
          "\ufeffa",
          '{"a":1}',
          "null",
          "aGVsbG8=",
          "%41+%2B",
        ].map((text) => Buffer.from(text)),
      ),
  },
  {
    // § SEND-SIZES: Send MUST accept a payload of any length from 0 to `max_payload_bytes` bytes, and as
    // § `client_message_id` any UTF-8 of 1 to 64 bytes.
    id: "send/payload-of-0-bytes",
    title: "An empty payload is accepted and delivered",
    requirements: ["SEND-SIZES", "SEND-BYTES"],
    run: (t: Context) => t.blaming("SEND-SIZES", () => expectDelivered(t, [new Uint8Array(0), new Uint8Array(1)])),
  },
  {
    id: "send/payload-of-the-maximum",
    title: "A payload of max_payload_bytes is accepted and delivered byte for byte",
    requirements: ["SEND-SIZES", "SEND-BYTES"],
    async run(t: Context) {
      const max = t.maxPayloadBytes;
      await t.blaming("SEND-SIZES", () =>
        expectDelivered(t, [pattern(Math.max(0, max - 1)), pattern(max), new Uint8Array(max)]),
      );
    },
  },
  {
    // § SEND-BYTES: The payload and the `client_message_id` of a message MUST be delivered byte for byte as they were
    // § sent.
    id: "send/payload-of-each-magnitude",
    title: "Payloads around each power of two up to 65536 bytes are delivered byte for byte",
    requirements: ["SEND-BYTES", "SEND-SIZES"],
    async run(t: Context) {
      for (const by of [-1, 0, 1]) {
        const sizes = Array.from({ length: 17 }, (_, n) => 2 ** n + by);
        await expectDelivered(t, sizes.filter((size) => size <= t.info.maxPayloadBytes).map(pattern), "SEND-SIZES");
      }
    },
  },
  {
    // § SEND-PAYLOAD-LIMIT: A Send whose payload is longer than `max_payload_bytes` MUST be refused with
    // § `invalid_argument` and the reason PAYLOAD_TOO_LARGE, or, if its body is longer than the server's bound for
    // § bodies, as HTTP-BODY-LIMIT says.
    id: "send/payload-over-the-maximum",
    title: "A payload one byte above max_payload_bytes is refused and changes nothing",
    requirements: ["SEND-PAYLOAD-LIMIT", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const max = t.maxPayloadBytes;
      const fits = await alice.send(bob, new Uint8Array(max).fill(7));
      await t.unchanged(bob, "ERR-UNCHANGED", "a refused Send", async () => {
        const result = await alice.trySend(bob, new Uint8Array(max + 1).fill(7));
        t.refused(
          result,
          Reason.PAYLOAD_TOO_LARGE,
          "SEND-PAYLOAD-LIMIT",
          "a Send with a payload of one byte above max_payload_bytes",
        );
      });
      const violation = "the inbox does not hold exactly the accepted message";
      t.all(await bob.device().drain(), bob.base + 1, [fits], "SEND-PAYLOAD-LIMIT", violation);
    },
  },
  {
    // § SEND-SIZES: Send MUST accept a payload of any length from 0 to `max_payload_bytes` bytes, and as
    // § `client_message_id` any UTF-8 of 1 to 64 bytes.
    id: "send/id-of-64-bytes",
    title: "Ids of up to 64 bytes, with characters of one to four bytes, are accepted and delivered byte for byte",
    requirements: ["SEND-SIZES", "SEND-BYTES", "SEND-RETRY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const ids = [
        ...["a", "é", "€", "😀"].map((character) => padId(unique(), character, 64)),
        `${unique()}${String.fromCharCode(t.random() * 26 + 65)}`,
      ];
      const sent: SentMessage[] = [];
      await t.blaming("SEND-SIZES", async () => {
        for (const id of ids) sent.push(await alice.send(bob, "hello", { id }));
      });
      for (const one of sent) await expectSameResponseOnRetry(t, alice, bob, one, "SEND-RETRY");
      t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-BYTES", "an id was not delivered as it was sent");
    },
  },
  {
    id: "send/id-of-1-byte",
    title: "Ids of one byte are accepted and distinguished",
    requirements: ["SEND-SIZES", "SEND-BYTES", "SEND-RETRY"],
    needs: { fresh: true },
    run: (t: Context) => expectDistinctIds(t, ["0", "a", "A", " ", "\0", "\x7f", "/"]),
  },
  {
    id: "send/id-of-another-meaning",
    title: "Ids that look like numbers, null or object properties have no special meaning",
    requirements: ["SEND-SIZES", "SEND-BYTES", "SEND-RETRY"],
    needs: { fresh: true },
    run: (t: Context) =>
      expectDistinctIds(t, [
        "007",
        "7",
        "1e3",
        "1000",
        "1.0",
        "1",
        "null",
        "__proto__",
        "constructor",
        "toString",
        "\ufeff",
        "x\r",
      ]),
  },
  {
    // § SEND-BYTES: The payload and the `client_message_id` of a message MUST be delivered byte for byte as they were
    // § sent.
    id: "send/ids-compared-as-bytes",
    title: "Ids that differ in any byte are different ids and are delivered byte for byte",
    requirements: ["SEND-BYTES", "SEND-VISIBLE", "SEND-SIZES", "SEND-RETRY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const stem = unique();
      const tails = [
        "x",
        "X",
        "x ",
        " x",
        "x\0",
        "x\n",
        "x\r\n",
        "x\x01",
        "x\u00ad",
        "x\u200b",
        "x\ufffd", // the replacement character of decoders
        "\uff58",
        "x<&>",
        "\u00e9",
        "e\u0301",
        "\ufeffx",
        "\u0130",
        "'x",
        '"x',
        "\\x",
        "%78",
        "x%",
        "😀",
        "😁", // equal to the one above in a database with characters of at most three bytes
        "€",
        "₤",
      ];
      const ids = [
        ...tails.map((tail) => stem + tail),
        ...["x", "y"].map((tail) => padId(stem, "a", 63) + tail),
        `\ufeff${stem}x`,
      ];
      const sent: SentMessage[] = [];
      await t.blaming("SEND-SIZES", async () => {
        for (const id of ids) sent.push(await alice.send(bob, "the same payload", { id }));
      });
      for (const one of sent) await expectSameResponseOnRetry(t, alice, bob, one, "SEND-RETRY");
      t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-BYTES", "ids were changed, or treated as equal");
    },
  },
  {
    // § SEND-ID-LIMIT: A Send whose `client_message_id` is empty or longer than 64 bytes MUST be refused with
    // § `invalid_argument` and the reason CLIENT_MESSAGE_ID_INVALID.
    id: "send/id-too-long-or-empty",
    title: "An empty id, or one of more than 64 bytes, is refused and changes nothing",
    requirements: ["SEND-ID-LIMIT", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const stem = unique();
      const ids = {
        "a Send with an empty id": "",
        "a Send with an id of 65 bytes": padId(stem, "a", 65),
        "a Send with an id of 65 bytes and 64 characters": `${padId(stem, "a", 63)}é`,
        "a Send with an id of 66 bytes and 22 characters": "€".repeat(22),
        "a Send with an id of 65 bytes in emoji": `${padId(stem, "😀", 64)}a`,
        "a Send with an id of 5000 bytes": padId(stem, "a", 5000),
      };
      const valid = await alice.send(bob, "valid", { id: padId(stem, "a", 64) });
      await t.unchanged(bob, "ERR-UNCHANGED", "a refused Send", async () => {
        for (const [what, id] of Object.entries(ids)) {
          const result = await alice.trySend(bob, "hello", { id });
          t.refused(result, Reason.CLIENT_MESSAGE_ID_INVALID, "SEND-ID-LIMIT", what);
        }
      });
      const violation = "the inbox does not hold exactly the accepted message";
      t.all(await bob.device().drain(), bob.base + 1, [valid], "SEND-ID-LIMIT", violation);
    },
  },
];

/** Sends bob a message with each of these ids, and a retry of each. Expects each to be accepted and delivered once. */
async function expectDistinctIds(t: Context, ids: readonly string[]): Promise<void> {
  const { bob, alice } = t;
  const sent: SentMessage[] = [];
  await t.blaming("SEND-SIZES", async () => {
    for (const id of ids) sent.push(await alice.send(bob, "hello", { id }));
  });
  for (const one of sent) await expectSameResponseOnRetry(t, alice, bob, one, "SEND-RETRY");
  t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-BYTES", "an id was not delivered as it was sent");
}

/** A payload of this size without repeated parts. */
const pattern = (size: number) => new Uint8Array(size).map((_, n) => (n * 31 + (n >> 8)) & 0xff);

/** Sends bob these payloads at the same time. Expects each to be accepted and delivered byte for byte. */
export async function expectDelivered(
  t: Context,
  payloads: readonly Uint8Array[],
  requirement: "SEND-ACCEPT" | "SEND-SIZES" = "SEND-ACCEPT",
): Promise<void> {
  const { bob, alice } = t;
  const sent = await t.blaming(requirement, () => Promise.all(payloads.map((payload) => alice.send(bob, payload))));
  const got = new Map((await bob.device().drain()).map((message) => [message.clientMessageId, message.payload]));
  for (const { clientMessageId, payload } of sent) {
    const arrived = got.get(clientMessageId);
    const violation = "an accepted message was not delivered";
    t.that(
      arrived !== undefined,
      "SEND-VISIBLE",
      violation,
      `message ${clientMessageId}: delivered`,
      `message ${clientMessageId}: in no page`,
    );
    const same = Buffer.compare(arrived, payload) === 0;
    t.that(same, "SEND-BYTES", "a payload was not delivered byte for byte", excerpt(payload), excerpt(arrived));
  }
}

const pieces = (bytes: Uint8Array, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.slice(n * size, n * size + size));

const excerpt = (payload: Uint8Array) =>
  `payload: ${payload.length} bytes${payload.length === 0 ? "" : `: ${Buffer.from(payload.subarray(0, 32)).toString("hex")}`}`;

/** An id of exactly `size` bytes that begins with `stem` and is padded with `character`. */
function padId(stem: string, character: string, size: number): string {
  const rest = size - Buffer.byteLength(stem);
  const width = Buffer.byteLength(character);
  return stem + "a".repeat(rest % width) + character.repeat(Math.floor(rest / width));
}
