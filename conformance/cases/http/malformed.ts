import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import {
  answered,
  broken,
  describeAnswer,
  METHOD,
  type RawCall,
  rawCall,
  sendOf,
  syncOf,
  varint,
} from "../../harness/raw-calls.js";
import { hasShape } from "../errors/rows.js";

/** What makes a body undecodable, by what is wrong with it: bytes that follow valid fields. */
const ENDS_EARLY = {
  "a string that is shorter than its length": "12 05 61",
  "a payload that is shorter than its length": "1a 05 61",
  "a length beyond all memory": "7a ff ff ff ff 07 61",
  "a varint that goes on": "18 80",
  "a tag without a value": "18",
  "a tag that goes on": "80",
  "half of eight bytes": "79 00 00 00 00",
  "half of four bytes": "7d 00 00",
};
const FIELD_ZERO = { "a varint field 0": "00 00", "a length-delimited field 0": "02 01 61" };
const WIRE_TYPES = { "wire type 6": "7e 01", "wire type 7": "7f 01", "wire type 7 of field 1": "0f 01" };
/** Not the value of an unknown field: common decoders skip that without counting its bytes. */
const LONG_VARINT = {
  "a tag of eleven bytes": "f8 ff ff ff ff ff ff ff ff ff 01 01",
  "a length of eleven bytes": "7a 81 80 80 80 80 80 80 80 80 80 00 61",
};
const LONG_CURSORS = ["08 81 80 80 80 80 80 80 80 80 80 00", "18 ff ff ff ff ff ff ff ff ff ff 01"];
/** Texts that are not UTF-8. */
const NO_TEXT = ["ff fe", "61 80", "c3 28", "e2 82", "f8 88 80 80 80", "c0 80", "ed a0 80", "e0 80 80", "f4 90 80 80"];

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

/** HTTP binding: binary bodies that do not decode, and fields that a server does not know. */
export const httpMalformed: readonly Case[] = [
  malformed("ends-early", "that end within a field", ENDS_EARLY),
  malformed("field-zero", "with a field number 0", FIELD_ZERO),
  malformed("wire-types", "with wire types that there are not", WIRE_TYPES),
  malformed("long-varint", "with a tag or a length of more than ten bytes", LONG_VARINT),
  {
    // § HTTP-MALFORMED: A binary body that does not decode, because it ends within a field, has a tag with field number
    // § 0 or wire type 6 or 7, has a tag, a length or a known field whose varint is longer than ten bytes, or has a
    // § known string field that is not UTF-8, MUST be refused with `invalid_argument`.
    id: "http/malformed-long-cursor",
    title: "a cli_seq and a page_size of eleven bytes are refused, and nothing is acked",
    requirements: ["HTTP-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "proto",
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const ack = syncOf(t, bob, { cliSeq: bob.base + 1 });
      await t.unchanged(bob, "HTTP-MALFORMED", "a Sync with a varint of eleven bytes", async () => {
        for (const bytes of LONG_CURSORS) {
          const body = Buffer.concat([ack.body, hex(bytes)]);
          await isRefused(t, { ...ack, body }, "a Sync with a varint of eleven bytes");
        }
      });
      await bob.device().sync({ cliSeq: bob.base + 1 });
    },
  },
  {
    id: "http/malformed-not-utf-8",
    title: "an epoch, a recipient and an id that are not UTF-8 are refused and change nothing",
    requirements: ["HTTP-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "proto",
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const cursor = Buffer.from([8, 0]);
      await t.unchanged(bob, "HTTP-MALFORMED", "a call with a string that is not UTF-8", async () => {
        for (const text of NO_TEXT.map(hex)) {
          const what = `that is not UTF-8 (${text.toString("hex")})`;
          const epoch = Buffer.concat([cursor, stringField(2, text)]);
          await isRefused(t, { rpc: "Sync", by: bob, body: epoch }, `a Sync with an epoch ${what}`);
          const recipient = stringField(1, Buffer.concat([Buffer.from(bob.userId), text]));
          const id = stringField(2, Buffer.from(t.newId()));
          await isRefused(t, { rpc: "Send", by: alice, body: Buffer.concat([recipient, id]) }, `a recipient ${what}`);
          const right = stringField(1, Buffer.from(bob.userId));
          const wrongId = stringField(2, Buffer.concat([Buffer.from(t.newId()), text]));
          await isRefused(t, { rpc: "Send", by: alice, body: Buffer.concat([right, wrongId]) }, `an id ${what}`);
        }
      });
    },
  },
  {
    // § HTTP-MALFORMED-REASON: A refusal of a body that does not decode SHOULD carry the reason MALFORMED.
    id: "http/malformed-has-its-reason",
    title: "the refusals of a Send and a Sync that do not decode say MALFORMED",
    requirements: ["HTTP-MALFORMED-REASON"],
    async run(t) {
      const { bob, alice } = t;
      for (const call of [sendOf(t, alice, bob), syncOf(t, bob)]) {
        const answer = await rawCall(t, "HTTP-MALFORMED", { ...call, body: broken(t, call.body) });
        const { code, reason = Reason.UNSPECIFIED } = answer.refusal ?? {};
        const rule = t.session.codec === "proto" ? "HTTP-MALFORMED" : "HTTP-JSON-MALFORMED";
        if (code !== "invalid_argument")
          t.fail(rule, `a broken ${call.rpc}`, "invalid_argument", describeAnswer(answer));
        t.equal(
          Reason[reason],
          "MALFORMED",
          "HTTP-MALFORMED-REASON",
          `the reason of a ${call.rpc} that does not decode`,
        );
      }
    },
  },
  {
    // § HTTP-UNKNOWN-FIELDS: A server MUST ignore well-formed fields of the binary encoding that it does not know, of
    // § wire types 0, 1, 2 and 5.
    id: "http/unknown-fields",
    title: "fields of later versions stand before, between and after the known ones; all calls are answered as without",
    requirements: ["HTTP-UNKNOWN-FIELDS"],
    codec: "proto",
    async run(t) {
      const { bob, alice } = t;
      const unknown = Object.entries(UNKNOWN).map(([what, bytes]) => [what, hex(bytes)] as const);
      const all = ["one of each", Buffer.concat(unknown.map(([, bytes]) => bytes))] as const;
      const sent = [];
      for (const [what, field] of [...unknown, all]) {
        const send = { recipientId: bob.userId, clientMessageId: t.newId(), payload: Buffer.from(what) };
        const parts = [
          stringField(1, Buffer.from(send.recipientId)),
          stringField(2, Buffer.from(send.clientMessageId)),
        ];
        const body = Buffer.concat([
          field,
          ...parts.flatMap((part) => [part, field]),
          stringField(3, send.payload),
          field,
        ]);
        const answer = await rawCall(t, "HTTP-UNKNOWN-FIELDS", {
          rpc: "Send",
          by: alice,
          body,
          intendedEffect: { send },
        });
        const { acceptedAt } = answered(t, "HTTP-UNKNOWN-FIELDS", METHOD.Send.output, answer, `a Send with ${what}`);
        sent.push({ ...send, acceptedAt });

        const sync = syncOf(t, bob, { cliSeq: 0, epoch: bob.epoch, pageSize: sent.length });
        const around = Buffer.concat([field, sync.body, field]);
        const synced = await rawCall(t, "HTTP-UNKNOWN-FIELDS", { ...sync, body: around });
        const page = answered(t, "HTTP-UNKNOWN-FIELDS", METHOD.Sync.output, synced, `a Sync with ${what}`);
        t.page(page, bob.base + 1, sent.slice(0, page.messages.length), "HTTP-UNKNOWN-FIELDS", `the page with ${what}`);

        const info = await rawCall(t, "HTTP-UNKNOWN-FIELDS", { rpc: "GetServerInfo", body: field });
        answered(t, "HTTP-UNKNOWN-FIELDS", METHOD.GetServerInfo.output, info, `GetServerInfo with ${what}`);
      }
      t.page(
        await bob.device().sync(),
        bob.base + 1,
        sent.slice(0, t.info.maxPageSize),
        "HTTP-UNKNOWN-FIELDS",
        "the inbox",
      );
    },
  },
  {
    // § HTTP-BINARY: A server MUST accept a unary request whose content type is `application/proto` and whose body is
    // § the binary encoding of the request message, nothing more, and MUST answer it, if it succeeds, with HTTP status
    // § 200 and the binary encoding of the response message.
    id: "http/empty-body-is-a-message",
    title: "bob's first Sync has no bytes at all, and neither has GetServerInfo",
    requirements: ["HTTP-BINARY"],
    codec: "proto",
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const body = new Uint8Array();
      const info = await rawCall(t, "HTTP-BINARY", { rpc: "GetServerInfo", body });
      const told = answered(t, "HTTP-BINARY", METHOD.GetServerInfo.output, info, "GetServerInfo with an empty body");
      t.equal(told.specVersion, t.info.specVersion, "HTTP-BINARY", "spec_version as an empty body's answer tells it");
      const answer = await rawCall(t, "HTTP-BINARY", { ...syncOf(t, bob), body });
      const page = answered(t, "HTTP-BINARY", METHOD.Sync.output, answer, "a Sync with an empty body");
      t.equal(page.svrSeq, bob.base + 1, "HTTP-BINARY", "svr_seq as an empty body's answer tells it");
    },
  },
  {
    id: "http/same-message-in-other-bytes",
    title:
      "defaults that are there, fields in another order or twice, long numbers, two messages in one body: all valid protobuf",
    requirements: ["HTTP-BINARY"],
    codec: "proto",
    async run(t) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 2);
      const { epoch } = await bob.state();
      const named = stringField(2, Buffer.from(epoch));
      const cursor = (seq: number) => Buffer.concat([Buffer.from([8]), varint(seq)]);
      const forms = {
        "defaults that are there": Buffer.concat([hex("08 00 12 00 18 00"), cursor(bob.base + 1)]),
        "fields in another order": Buffer.concat([hex("18 05"), named, cursor(bob.base + 1)]),
        "a field twice": Buffer.concat([cursor(0), cursor(bob.base), cursor(bob.base + 1)]),
        "a string twice": Buffer.concat([stringField(2, Buffer.from("not this")), cursor(bob.base + 1), named]),
        "a number of ten bytes": Buffer.concat([Buffer.of(8), inTenBytes(bob.base + 1), named]),
        "two messages in one body": Buffer.concat([cursor(bob.base), hex("18 01"), cursor(bob.base + 1), named]),
      };
      // The last one counts, also if it is the default, for which no reader may look only whether it is true.
      await t.unchanged(bob, "HTTP-BINARY", "a Sync whose cli_seq is a number and then 0", async () => {
        const body = Buffer.concat([cursor(bob.base + 1), cursor(0)]);
        await rawCall(t, "HTTP-BINARY", { ...syncOf(t, bob), body });
      });
      for (const [what, body] of Object.entries(forms)) {
        const answer = await rawCall(t, "HTTP-BINARY", { ...syncOf(t, bob, { cliSeq: bob.base + 1 }), body });
        const page = answered(t, "HTTP-BINARY", METHOD.Sync.output, answer, `a Sync with ${what}`);
        t.page(page, bob.base + 2, sent.slice(1), "HTTP-BINARY", `what a Sync with ${what} got`);
      }
    },
  },
];

/** Well-formed fields that no message has: each wire type, a high number, and bytes that are no text. */
const UNKNOWN = {
  "a varint": "20 96 01",
  "a varint of ten bytes": "78 ff ff ff ff ff ff ff ff ff 01",
  "eight bytes": "79 01 02 03 04 05 06 07 08",
  "four bytes": "7d 01 02 03 04",
  "a length-delimited field": "7a 03 ff fe 00",
  "an empty length-delimited field": "7a 00",
  "a field with the highest number": "fa ff ff ff 0f 01 61",
  // 257, 258, 259 and 65537 are 1, 2, 3 and 1 again for whoever keeps numbers of fields in a byte or two.
  "fields whose numbers end like those of known ones":
    "8a 10 01 78 92 10 01 78 9a 10 01 78 8a 80 20 01 78 88 10 ff ff ff ff 0f 98 10 01 88 80 20 ff ff ff ff 0f",
};

/** A case for one way in which a body does not decode, on each RPC, after fields that are valid. */
function malformed(name: string, about: string, forms: Readonly<Record<string, string>>): Case {
  return {
    id: `http/malformed-${name}`,
    title: `bodies ${about} are refused, and what came before that is not used`,
    requirements: ["HTTP-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "proto",
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const ack = syncOf(t, bob, { cliSeq: bob.base + 1 });
      await t.unchanged(bob, "HTTP-MALFORMED", "a body that does not decode", async () => {
        for (const [what, bytes] of Object.entries(forms)) {
          for (const call of [ack, sendOf(t, alice, bob), { rpc: "GetServerInfo" as const, body: Buffer.alloc(0) }]) {
            const body = Buffer.concat([call.body, hex(bytes)]);
            await isRefused(t, { ...call, body }, `a ${call.rpc} with ${what}`);
          }
        }
      });
      await bob.device().sync({ cliSeq: bob.base + 1 });
    },
  };
}

async function isRefused(t: Context, call: RawCall, what: string): Promise<void> {
  const answer = await rawCall(t, "HTTP-MALFORMED", call);
  const actual = describeAnswer(answer);
  if (answer.refusal?.code !== "invalid_argument") t.fail("HTTP-MALFORMED", what, "invalid_argument", actual);
  hasShape(t, answer, `the refusal of ${what}`);
}

/** A varint as long as one may be: its further groups of bits are all 0. */
function inTenBytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(10, 0x80);
  for (const [at, byte] of varint(value).entries()) bytes[at] = byte | 0x80;
  bytes[9] = 0;
  return bytes;
}

function stringField(number: number, text: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(text.length), text]);
}
