import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import {
  describeResponse,
  expectResponse,
  METHOD,
  type RawCall,
  rawCall,
  sendOf,
  syncOf,
  truncated,
  varint,
} from "../../harness/raw-calls.js";
import { unique } from "../../harness/unique.js";
import { expectErrorShape } from "../errors/rows.js";

/** Bytes that make a body malformed when they follow valid fields. The keys name the error. */
const ENDS_EARLY = {
  "a string that is shorter than its length": "12 05 61",
  "a payload that is shorter than its length": "1a 05 61",
  "a length of 2 GiB": "7a ff ff ff ff 07 61",
  "a varint that does not end": "18 80",
  "a tag without a value": "18",
  "a tag that does not end": "80",
  "a truncated 64-bit value": "79 00 00 00 00",
  "a truncated 32-bit value": "7d 00 00",
};
const FIELD_ZERO = { "a varint field 0": "00 00", "a length-delimited field 0": "02 01 61" };
const WIRE_TYPES = { "wire type 6": "7e 01", "wire type 7": "7f 01", "wire type 7 of field 1": "0f 01" };
/** Varints of unknown fields are left out: common decoders skip them without counting their bytes. */
const LONG_VARINT = {
  "a tag of eleven bytes": "f8 ff ff ff ff ff ff ff ff ff 01 01",
  "a length of eleven bytes": "7a 81 80 80 80 80 80 80 80 80 80 00 61",
};
const LONG_CURSORS = ["08 81 80 80 80 80 80 80 80 80 80 00", "18 ff ff ff ff ff ff ff ff ff ff 01"];
/** Strings that are not UTF-8. */
const NOT_UTF8 = ["ff fe", "61 80", "c3 28", "e2 82", "f8 88 80 80 80", "c0 80", "ed a0 80", "e0 80 80", "f4 90 80 80"];

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

/** HTTP binding: malformed binary bodies, and unknown fields. */
export const httpMalformed: readonly Case[] = [
  malformedCase("ends-early", "that end within a field", ENDS_EARLY),
  malformedCase("field-zero", "with a field number 0", FIELD_ZERO),
  malformedCase("wire-types", "with the wire types 6 and 7", WIRE_TYPES),
  malformedCase("long-varint", "with a tag or a length of more than ten bytes", LONG_VARINT),
  {
    // § HTTP-MALFORMED: A server MUST refuse with `invalid_argument` a binary body that does not decode because it ends
    // § within a field, has a tag with field number 0 or wire type 6 or 7, has a tag, a length or a known field whose
    // § varint is longer than ten bytes, or has a known string field that is not UTF-8.
    id: "http/malformed-long-cursor",
    title: "A Sync with a cli_seq or page_size of eleven bytes is refused and changes nothing",
    requirements: ["HTTP-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "proto",
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const ack = syncOf(t, bob, { cliSeq: bob.base + 1 });
      await t.unchanged(bob, "HTTP-MALFORMED", "a Sync with a varint of eleven bytes", async () => {
        for (const bytes of LONG_CURSORS) {
          const body = Buffer.concat([ack.body, hex(bytes)]);
          await expectMalformed(t, { ...ack, body }, "a Sync with a varint of eleven bytes");
        }
      });
      await bob.device().sync({ cliSeq: bob.base + 1 });
    },
  },
  {
    id: "http/malformed-not-utf-8",
    title: "A call with an epoch, recipient_id or client_message_id that is not UTF-8 is refused and changes nothing",
    requirements: ["HTTP-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "proto",
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const cursor = Buffer.from([8, 0]);
      await t.unchanged(bob, "HTTP-MALFORMED", "a call with a string that is not UTF-8", async () => {
        for (const text of NOT_UTF8.map(hex)) {
          const what = `that is not UTF-8 (${text.toString("hex")})`;
          const epoch = Buffer.concat([cursor, stringField(2, text)]);
          await expectMalformed(t, { rpc: "Sync", by: bob, body: epoch }, `a Sync with an epoch ${what}`);
          const wrongRecipient = stringField(1, Buffer.concat([Buffer.from(bob.userId), text]));
          const id = stringField(2, Buffer.from(t.newId()));
          const aboutRecipient = `a Send with a recipient_id ${what}`;
          await expectMalformed(
            t,
            { rpc: "Send", by: alice, body: Buffer.concat([wrongRecipient, id]) },
            aboutRecipient,
          );
          const recipientField = stringField(1, Buffer.from(bob.userId));
          const wrongId = stringField(2, Buffer.concat([Buffer.from(unique()), text]));
          const aboutId = `a Send with a client_message_id ${what}`;
          await expectMalformed(t, { rpc: "Send", by: alice, body: Buffer.concat([recipientField, wrongId]) }, aboutId);
        }
      });
    },
  },
  {
    // § HTTP-MALFORMED-REASON: A refusal of a body that does not decode SHOULD carry the reason MALFORMED.
    id: "http/malformed-has-its-reason",
    title: "The refusal of a malformed Send or Sync has the reason MALFORMED",
    requirements: ["HTTP-MALFORMED-REASON"],
    async run(t) {
      const { bob, alice } = t;
      for (const call of [sendOf(t, alice, bob), syncOf(t, bob)]) {
        const response = await rawCall(t, "HTTP-MALFORMED", { ...call, body: truncated(t, call.body) });
        const { code, reason = Reason.UNSPECIFIED } = response.refusal ?? {};
        const rule = t.session.codec === "proto" ? "HTTP-MALFORMED" : "HTTP-JSON-MALFORMED";
        if (code !== "invalid_argument")
          t.fail(
            rule,
            `a malformed ${call.rpc} was not refused as malformed`,
            "a refusal with invalid_argument",
            describeResponse(response),
          );
        const violation = `the refusal of a malformed ${call.rpc} does not have the reason MALFORMED`;
        t.equal({ reason: Reason[reason] }, { reason: "MALFORMED" }, "HTTP-MALFORMED-REASON", violation);
      }
    },
  },
  {
    // § HTTP-UNKNOWN-FIELDS: A server MUST ignore well-formed fields of the binary encoding that it does not know, of
    // § wire types 0, 1, 2 and 5.
    id: "http/unknown-fields",
    title: "Unknown fields before, between and after the known ones are ignored in every unary call",
    requirements: ["HTTP-UNKNOWN-FIELDS"],
    codec: "proto",
    async run(t) {
      const { bob, alice } = t;
      const unknown = Object.entries(UNKNOWN).map(([what, bytes]) => [what, hex(bytes)] as const);
      const all = ["one unknown field of each kind", Buffer.concat(unknown.map(([, bytes]) => bytes))] as const;
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
        const response = await rawCall(t, "HTTP-UNKNOWN-FIELDS", {
          rpc: "Send",
          by: alice,
          body,
          intendedEffect: { send },
        });
        const { acceptedAt } = expectResponse(
          t,
          "HTTP-UNKNOWN-FIELDS",
          METHOD.Send.output,
          response,
          `a Send with ${what}`,
        );
        sent.push({ ...send, acceptedAt });

        const sync = syncOf(t, bob, { cliSeq: 0, epoch: bob.epoch, pageSize: sent.length });
        const surrounded = Buffer.concat([field, sync.body, field]);
        const synced = await rawCall(t, "HTTP-UNKNOWN-FIELDS", { ...sync, body: surrounded });
        const page = expectResponse(t, "HTTP-UNKNOWN-FIELDS", METHOD.Sync.output, synced, `a Sync with ${what}`);
        const violation = `a Sync with ${what} did not return the pending messages`;
        t.page(page, bob.base + 1, sent.slice(0, page.messages.length), "HTTP-UNKNOWN-FIELDS", violation);

        const info = await rawCall(t, "HTTP-UNKNOWN-FIELDS", { rpc: "GetServerInfo", body: field });
        expectResponse(t, "HTTP-UNKNOWN-FIELDS", METHOD.GetServerInfo.output, info, `GetServerInfo with ${what}`);
      }
      t.page(
        await bob.device().sync(),
        bob.base + 1,
        sent.slice(0, t.info.maxPageSize),
        "HTTP-UNKNOWN-FIELDS",
        "the inbox does not hold the messages of Sends with unknown fields",
      );
    },
  },
  {
    // § HTTP-BINARY: A server MUST accept a unary request whose content type is `application/proto` and whose body is
    // § exactly the binary encoding of the request message, and MUST respond to it, if it succeeds, with HTTP status
    // § 200 and the binary encoding of the response message.
    id: "http/empty-body-is-a-message",
    title: "An empty body is accepted as a message by Sync and GetServerInfo",
    requirements: ["HTTP-BINARY"],
    codec: "proto",
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const body = new Uint8Array();
      const info = await rawCall(t, "HTTP-BINARY", { rpc: "GetServerInfo", body });
      const reported = expectResponse(
        t,
        "HTTP-BINARY",
        METHOD.GetServerInfo.output,
        info,
        "GetServerInfo with an empty body",
      );
      const violation = "GetServerInfo with an empty body returned a different spec_version";
      t.fields(reported, { specVersion: t.info.specVersion }, "HTTP-BINARY", violation);
      const response = await rawCall(t, "HTTP-BINARY", { ...syncOf(t, bob), body });
      const page = expectResponse(t, "HTTP-BINARY", METHOD.Sync.output, response, "a Sync with an empty body");
      t.fields(
        page,
        { svrSeq: bob.base + 1 },
        "HTTP-BINARY",
        "a Sync with an empty body did not return the inbox's svr_seq",
      );
    },
  },
  {
    id: "http/same-message-in-other-bytes",
    title: "Explicit defaults, any field order, repeated fields and long varints are accepted as valid protobuf",
    requirements: ["HTTP-BINARY"],
    codec: "proto",
    async run(t) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 2);
      const { epoch } = await bob.state();
      const epochField = stringField(2, Buffer.from(epoch));
      const cursor = (seq: number) => Buffer.concat([Buffer.from([8]), varint(seq)]);
      const forms = {
        "explicit defaults": Buffer.concat([hex("08 00 12 00 18 00"), cursor(bob.base + 1)]),
        "fields in another order": Buffer.concat([hex("18 05"), epochField, cursor(bob.base + 1)]),
        "a field twice": Buffer.concat([cursor(0), cursor(bob.base), cursor(bob.base + 1)]),
        "a string twice": Buffer.concat([stringField(2, Buffer.from("not this")), cursor(bob.base + 1), epochField]),
        "a number of ten bytes": Buffer.concat([Buffer.of(8), inTenBytes(bob.base + 1), epochField]),
        "two messages in one body": Buffer.concat([cursor(bob.base), hex("18 01"), cursor(bob.base + 1), epochField]),
      };
      // The last value counts, even if it is 0. A decoder that skips falsy values would use the first.
      await t.unchanged(bob, "HTTP-BINARY", "a Sync whose repeated cli_seq ends with 0", async () => {
        const body = Buffer.concat([cursor(bob.base + 1), cursor(0)]);
        await rawCall(t, "HTTP-BINARY", { ...syncOf(t, bob), body });
      });
      for (const [what, body] of Object.entries(forms)) {
        const response = await rawCall(t, "HTTP-BINARY", { ...syncOf(t, bob, { cliSeq: bob.base + 1 }), body });
        const page = expectResponse(t, "HTTP-BINARY", METHOD.Sync.output, response, `a Sync with ${what}`);
        const violation = `a Sync with ${what} did not return the messages after its cli_seq`;
        t.page(page, bob.base + 2, sent.slice(1), "HTTP-BINARY", violation);
      }
    },
  },
];

/** Well-formed unknown fields: each wire type, a high field number, and bytes that are not UTF-8. */
const UNKNOWN = {
  "a varint": "20 96 01",
  "a varint of ten bytes": "78 ff ff ff ff ff ff ff ff ff 01",
  "a 64-bit field": "79 01 02 03 04 05 06 07 08",
  "a 32-bit field": "7d 01 02 03 04",
  "a length-delimited field": "7a 03 ff fe 00",
  "an empty length-delimited field": "7a 00",
  "a field with the highest number": "fa ff ff ff 0f 01 61",
  // 257, 258, 259 and 65537 are 1, 2, 3 and 1 to a decoder that truncates field numbers to one or two bytes.
  "fields whose truncated numbers are those of known ones":
    "8a 10 01 78 92 10 01 78 9a 10 01 78 8a 80 20 01 78 88 10 ff ff ff ff 0f 98 10 01 88 80 20 ff ff ff ff 0f",
};

/** A case for one kind of malformed body, on each unary RPC, after valid fields. */
function malformedCase(name: string, about: string, forms: Readonly<Record<string, string>>): Case {
  return {
    id: `http/malformed-${name}`,
    title: `Bodies ${about} are refused, and their valid fields are not used`,
    requirements: ["HTTP-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "proto",
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const ack = syncOf(t, bob, { cliSeq: bob.base + 1 });
      await t.unchanged(bob, "HTTP-MALFORMED", "a call with a malformed body", async () => {
        for (const [what, bytes] of Object.entries(forms)) {
          for (const call of [ack, sendOf(t, alice, bob), { rpc: "GetServerInfo" as const, body: Buffer.alloc(0) }]) {
            const body = Buffer.concat([call.body, hex(bytes)]);
            await expectMalformed(t, { ...call, body }, `a ${call.rpc} with ${what}`);
          }
        }
      });
      await bob.device().sync({ cliSeq: bob.base + 1 });
    },
  };
}

async function expectMalformed(t: Context, call: RawCall, what: string): Promise<void> {
  const response = await rawCall(t, "HTTP-MALFORMED", call);
  const actual = describeResponse(response);
  if (response.refusal?.code !== "invalid_argument")
    t.fail("HTTP-MALFORMED", `${what} was not refused as malformed`, "a refusal with invalid_argument", actual);
  expectErrorShape(t, response, `the refusal of ${what}`);
}

/** A varint of the maximum length, padded with groups of zero bits. */
function inTenBytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(10, 0x80);
  for (const [at, byte] of varint(value).entries()) bytes[at] = byte | 0x80;
  bytes[9] = 0;
  return bytes;
}

function stringField(number: number, text: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(text.length), text]);
}
