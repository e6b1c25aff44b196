import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Inconclusive } from "../../findings.js";
import type { Sent } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectSameAnswerOnRetry } from "../../harness/retries.js";

/** Beyond this no test fills a payload: it would be about the machine that runs the suite. */
const LARGEST_TRIED = 32 << 20;

/** What is sent: payloads and ids, their bytes and their bounds. */
export const sendContent: readonly Case[] = [
  {
    // § SEND-BYTES: The payload and the `client_message_id` of a message MUST be delivered byte for byte as they were
    // § sent.
    id: "send/all-byte-values",
    title: "payloads of all 256 byte values, of each sixteen of them, and of some alone arrive as they were sent",
    requirements: ["SEND-BYTES"],
    async run(t: Context) {
      const all = Uint8Array.from({ length: 256 }, (_, n) => n);
      // Whole, and in pieces: of what the server takes at most, and of sixteen.
      const most = Math.max(1, t.info.maxPayloadBytes);
      const whole = [all, Uint8Array.from(all).reverse()].flatMap((bytes) => pieces(bytes, most));
      // Those that mean something to text, to C strings or to a codec.
      const alone = [0x00, 0x0a, 0x0d, 0x1a, 0x20, 0x22, 0x5c, 0x7f, 0x80, 0xc2, 0xff].map((byte) =>
        Uint8Array.of(byte),
      );
      await delivers(t, [...whole, ...pieces(all, Math.min(16, most)), ...alone]);
    },
  },
  {
    id: "send/invalid-utf8",
    title: "payloads that are not UTF-8 arrive as they were sent",
    requirements: ["SEND-BYTES"],
    run: (t: Context) =>
      delivers(t, [
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
    title: "zeros, spaces, line ends, a byte order mark, JSON and base64 in payloads arrive as they were sent",
    requirements: ["SEND-BYTES"],
    run: (t: Context) =>
      delivers(
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
    title: "an empty payload is a message like any other",
    requirements: ["SEND-SIZES", "SEND-BYTES"],
    run: (t: Context) => t.blaming("SEND-SIZES", () => delivers(t, [new Uint8Array(0), new Uint8Array(1)])),
  },
  {
    id: "send/payload-of-the-maximum",
    title: "a payload of exactly max_payload_bytes, and one that is a byte shorter, are accepted and arrive whole",
    requirements: ["SEND-SIZES", "SEND-BYTES"],
    async run(t: Context) {
      const max = triable(t);
      await t.blaming("SEND-SIZES", () =>
        delivers(t, [pattern(Math.max(0, max - 1)), pattern(max), new Uint8Array(max)]),
      );
    },
  },
  {
    // § SEND-BYTES: The payload and the `client_message_id` of a message MUST be delivered byte for byte as they were
    // § sent.
    id: "send/payload-of-each-magnitude",
    title: "payloads of each power of two up to 65536 bytes, and of a byte less and more, arrive whole",
    requirements: ["SEND-BYTES", "SEND-SIZES"],
    async run(t: Context) {
      for (const by of [-1, 0, 1]) {
        const sizes = Array.from({ length: 17 }, (_, n) => 2 ** n + by);
        await delivers(t, sizes.filter((size) => size <= t.info.maxPayloadBytes).map(pattern), "SEND-SIZES");
      }
    },
  },
  {
    // § SEND-PAYLOAD-LIMIT: A Send whose payload is longer than `max_payload_bytes` MUST be refused with
    // § `invalid_argument` and the reason PAYLOAD_TOO_LARGE, or, if its body is longer than the server's bound for
    // § bodies, as HTTP-BODY-LIMIT says.
    id: "send/payload-over-the-maximum",
    title: "a payload of max_payload_bytes is accepted, one with a byte more is refused and changes nothing",
    requirements: ["SEND-PAYLOAD-LIMIT", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const max = triable(t);
      const fits = await alice.send(bob, new Uint8Array(max).fill(7));
      await t.unchanged(bob, "ERR-UNCHANGED", "a refused Send", async () => {
        const answered = await alice.trySend(bob, new Uint8Array(max + 1).fill(7));
        t.refused(answered, Reason.PAYLOAD_TOO_LARGE, "SEND-PAYLOAD-LIMIT", "a payload one byte too long");
      });
      t.all(await bob.device().drain(), bob.base + 1, [fits], "SEND-PAYLOAD-LIMIT", "something else arrived");
    },
  },
  {
    // § SEND-SIZES: Send MUST accept a payload of any length from 0 to `max_payload_bytes` bytes, and as
    // § `client_message_id` any UTF-8 of 1 to 64 bytes.
    id: "send/id-of-64-bytes",
    title:
      "ids of a few and of 64 bytes, in one, two, three and four bytes a character, are accepted and arrive as they were",
    requirements: ["SEND-SIZES", "SEND-BYTES", "SEND-RETRY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const ids = [
        ...["a", "é", "€", "😀"].map((character) => fill(t.newId(), character, 64)),
        `${t.newId()}${String.fromCharCode(t.random() * 26 + 65)}`,
      ];
      const sent: Sent[] = [];
      await t.blaming("SEND-SIZES", async () => {
        for (const id of ids) sent.push(await alice.send(bob, "hello", { id }));
      });
      for (const one of sent) await expectSameAnswerOnRetry(t, alice, bob, one, "SEND-RETRY");
      t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-BYTES", "an id did not arrive as it was sent");
    },
  },
  {
    id: "send/id-of-1-byte",
    title: "ids of one byte are accepted, and are as many ids",
    requirements: ["SEND-SIZES", "SEND-BYTES", "SEND-RETRY"],
    needs: { fresh: true },
    run: (t: Context) => wholeIds(t, ["0", "a", "A", " ", "\0", "\x7f", "/"]),
  },
  {
    id: "send/id-of-another-meaning",
    title:
      "ids that look like numbers, like a byte order mark, or like what each object of some languages has, are ids like any other",
    requirements: ["SEND-SIZES", "SEND-BYTES", "SEND-RETRY"],
    needs: { fresh: true },
    run: (t: Context) =>
      wholeIds(t, [
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
    title:
      "ids that differ in case, spaces, normal form, width, what nobody sees or at the end of 64 bytes only are different ids, and arrive as they were sent",
    requirements: ["SEND-BYTES", "SEND-VISIBLE", "SEND-SIZES", "SEND-RETRY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const stem = t.newId();
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
        "x\ufffd", // what a decoder puts in for what is no UTF-8
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
        "😁", // to a database of three bytes a character it is the same as the one above
        "€",
        "₤",
      ];
      const ids = [
        ...tails.map((tail) => stem + tail),
        ...["x", "y"].map((tail) => fill(stem, "a", 63) + tail),
        `\ufeff${stem}x`,
      ];
      const sent: Sent[] = [];
      await t.blaming("SEND-SIZES", async () => {
        for (const id of ids) sent.push(await alice.send(bob, "the same payload", { id }));
      });
      for (const one of sent) await expectSameAnswerOnRetry(t, alice, bob, one, "SEND-RETRY");
      t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-BYTES", "ids were changed, or taken for each other");
    },
  },
  {
    // § SEND-ID-LIMIT: A Send whose `client_message_id` is empty or longer than 64 bytes MUST be refused with
    // § `invalid_argument` and the reason CLIENT_MESSAGE_ID_INVALID.
    id: "send/id-too-long-or-empty",
    title: "ids of 0, 65 and many bytes are refused, also if they have at most 64 characters, and change nothing",
    requirements: ["SEND-ID-LIMIT", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const stem = t.newId();
      const ids = {
        "an empty id": "",
        "an id of 65 bytes": fill(stem, "a", 65),
        "an id of 65 bytes and 64 characters": `${fill(stem, "a", 63)}é`,
        "an id of 66 bytes and 22 characters": "€".repeat(22),
        "an id of 65 bytes in emoji": `${fill(stem, "😀", 64)}a`,
        "an id of 5000 bytes": fill(stem, "a", 5000),
      };
      const proper = await alice.send(bob, "proper", { id: fill(stem, "a", 64) });
      await t.unchanged(bob, "ERR-UNCHANGED", "a refused Send", async () => {
        for (const [what, id] of Object.entries(ids)) {
          const answered = await alice.trySend(bob, "hello", { id });
          t.refused(answered, Reason.CLIENT_MESSAGE_ID_INVALID, "SEND-ID-LIMIT", what);
        }
      });
      t.all(await bob.device().drain(), bob.base + 1, [proper], "SEND-ID-LIMIT", "something else arrived");
    },
  },
];

/** Sends bob a message under each of these ids, twice: they are taken as they are, and each is one. */
async function wholeIds(t: Context, ids: readonly string[]): Promise<void> {
  const { bob, alice } = t;
  const sent: Sent[] = [];
  await t.blaming("SEND-SIZES", async () => {
    for (const id of ids) sent.push(await alice.send(bob, "hello", { id }));
  });
  for (const one of sent) await expectSameAnswerOnRetry(t, alice, bob, one, "SEND-RETRY");
  t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-BYTES", "an id did not arrive as it was sent");
}

/** So many bytes, of which no two parts look the same. */
const pattern = (size: number) => new Uint8Array(size).map((_, n) => (n * 31 + (n >> 8)) & 0xff);

/** The declared maximum, if a test can fill it. */
function triable(t: Context): number {
  const { maxPayloadBytes } = t.info;
  if (maxPayloadBytes <= LARGEST_TRIED) return maxPayloadBytes;
  throw new Inconclusive(`max_payload_bytes is ${maxPayloadBytes}; the suite tries up to ${LARGEST_TRIED}`);
}

/** Sends bob these payloads at the same time, and expects each to be taken, and to arrive byte for byte. */
async function delivers(
  t: Context,
  payloads: readonly Uint8Array[],
  taken: "SEND-ACCEPT" | "SEND-SIZES" = "SEND-ACCEPT",
): Promise<void> {
  const { bob, alice } = t;
  const sent = await t.blaming(taken, () => Promise.all(payloads.map((payload) => alice.send(bob, payload))));
  const got = new Map((await bob.device().drain()).map((message) => [message.clientMessageId, message.payload]));
  for (const { clientMessageId, payload } of sent) {
    const arrived = got.get(clientMessageId);
    t.that(
      arrived !== undefined,
      "SEND-VISIBLE",
      "an accepted message is not there",
      clientMessageId,
      "no such message",
    );
    const same = Buffer.compare(arrived, payload) === 0;
    t.that(same, "SEND-BYTES", "a payload was changed on its way", excerpt(payload), excerpt(arrived));
  }
}

const pieces = (bytes: Uint8Array, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.slice(n * size, n * size + size));

const excerpt = (payload: Uint8Array) =>
  `${payload.length} bytes${payload.length === 0 ? "" : `: ${Buffer.from(payload.subarray(0, 32)).toString("hex")}`}`;

/** An id that begins with `stem` and has exactly `size` bytes, the rest being as many `character`s as fit. */
function fill(stem: string, character: string, size: number): string {
  const rest = size - Buffer.byteLength(stem);
  const width = Buffer.byteLength(character);
  return stem + "a".repeat(rest % width) + character.repeat(Math.floor(rest / width));
}
