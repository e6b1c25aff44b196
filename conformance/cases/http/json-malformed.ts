import type { TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { describeResponse, type IntendedEffect, type Rpc, rawCall, sendOf, syncOf } from "../../harness/raw-calls.js";
import { unique } from "../../harness/unique.js";
import { expectErrorShape } from "../errors/rows.js";

/** Bodies that are not exactly one JSON object. `OK` is replaced by a valid one. */
const NOT_ONE_OBJECT = [
  "",
  " ",
  "null",
  "[]",
  "[OK]",
  '"text"',
  "5",
  "true",
  "{",
  "OK OK",
  "OK,",
  "OK]",
  "x",
  "OK{}",
  "OK null",
];
/** Texts that are not JSON, although lenient parsers accept them. */
const NOT_JSON = [
  "{'cliSeq':1}",
  "{cliSeq:1}",
  '{"cliSeq":1,}',
  '{"cliSeq":1/**/}',
  '{"cliSeq":01}',
  '{"cliSeq":+1}',
  '{"cliSeq":0x1}',
  '{"cliSeq":NaN}',
  '{"cliSeq":}',
  '{"cliSeq" 1}',
  '{"epoch":"\t"}',
  '{"epoch":"\\x61"}',
];
const WRONG_NUMBERS = [
  "-1",
  "4294967296",
  "1.5",
  "1e400",
  '"abc"',
  '"-1"',
  '"4294967296"',
  '"1 2"',
  "true",
  "false",
  "{}",
  "[]",
  "[1]",
];
const WRONG_STRINGS = ["5", "true", "{}", "[]", '["a"]'];
const WRONG_BYTES = ['"****"', '"aGVsbG8$"', '"aGVs bG8!"', '"A"', "5", "true", "{}", "[104,105]"];

/** HTTP binding: malformed JSON bodies. */
export const httpJsonMalformed: readonly Case[] = [
  {
    // § HTTP-JSON-MALFORMED: A server MUST refuse with `invalid_argument` a JSON body that is not exactly one JSON
    // § object in UTF-8, or in which a known member has a value of the wrong type, a number out of range, or a string
    // § that is not base64 where base64 is expected.
    id: "http/json-malformed-no-object",
    title: "JSON bodies that are not exactly one object are refused and change nothing",
    requirements: ["HTTP-JSON-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "json",
    run: (t) =>
      expectUnchanged(t, async ({ bob, alice }) => {
        const sync = Buffer.from(syncOf(t, bob, { cliSeq: bob.base + 1 }).body).toString();
        for (const form of NOT_ONE_OBJECT) {
          await expectMalformed(t, "Sync", bob, form.replaceAll("OK", sync));
          await expectMalformed(t, "GetServerInfo", undefined, form.replaceAll("OK", "{}"));
          if (!form.includes("OK")) continue;
          const { body, intendedEffect } = sendOf(t, alice, bob);
          await expectMalformed(t, "Send", alice, form.replaceAll("OK", Buffer.from(body).toString()), intendedEffect);
        }
      }),
  },
  {
    id: "http/json-malformed-nearly-json",
    title: "Bodies that only lenient JSON parsers accept are refused and change nothing",
    requirements: ["HTTP-JSON-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "json",
    run: (t) =>
      expectUnchanged(t, async ({ bob }) => {
        for (const text of NOT_JSON) await expectMalformed(t, "Sync", bob, text.replace("1", `${bob.base + 1}`));
      }),
  },
  {
    id: "http/json-malformed-numbers",
    title: "A JSON cli_seq or page_size that is not a uint32 is refused and changes nothing",
    requirements: ["HTTP-JSON-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "json",
    run: (t) =>
      expectUnchanged(t, async ({ bob }) => {
        for (const value of WRONG_NUMBERS) {
          await expectMalformed(t, "Sync", bob, `{"cliSeq":${value}}`);
          await expectMalformed(t, "Sync", bob, `{"cliSeq":${bob.base + 1},"pageSize":${value}}`);
        }
      }),
  },
  {
    id: "http/json-malformed-strings",
    title: "A JSON epoch, recipient_id or client_message_id that is not a string is refused and changes nothing",
    requirements: ["HTTP-JSON-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "json",
    run: (t) =>
      expectUnchanged(t, async ({ bob, alice }) => {
        const to = JSON.stringify(bob.userId);
        for (const value of WRONG_STRINGS) {
          await expectMalformed(t, "Sync", bob, `{"cliSeq":${bob.base + 1},"epoch":${value}}`);
          const badRecipient = `{"recipientId":${value},"clientMessageId":"${unique()}","payload":"aGk="}`;
          await expectMalformed(t, "Send", alice, badRecipient);
          await expectMalformed(t, "Send", alice, `{"recipientId":${to},"clientMessageId":${value},"payload":"aGk="}`);
        }
      }),
  },
  {
    id: "http/json-malformed-bytes",
    title: "A JSON payload that is not base64 is refused and changes nothing",
    requirements: ["HTTP-JSON-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "json",
    run: (t) =>
      expectUnchanged(t, async ({ bob, alice }) => {
        const to = JSON.stringify(bob.userId);
        for (const value of WRONG_BYTES) {
          const body = `{"recipientId":${to},"clientMessageId":"${unique()}","payload":${value}}`;
          await expectMalformed(t, "Send", alice, body);
        }
      }),
  },
  {
    id: "http/json-malformed-not-utf-8",
    title: "JSON bodies that are not UTF-8 are refused and change nothing",
    requirements: ["HTTP-JSON-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "json",
    run: (t) =>
      expectUnchanged(t, async ({ bob, alice }) => {
        for (const bytes of [[0xff], [0x61, 0x80], [0xc3, 0x28], [0xe2, 0x82]]) {
          const around = (front: string, back: string) =>
            Buffer.concat([Buffer.from(front), Buffer.from(bytes), Buffer.from(back)]);
          await expectMalformed(t, "Sync", bob, around(`{"cliSeq":${bob.base + 1},"epoch":"`, '"}'));
          const front = `{"recipientId":${JSON.stringify(bob.userId)},"payload":"aGk=","clientMessageId":"${unique()}`;
          await expectMalformed(t, "Send", alice, around(front, '"}'));
        }
        // Unknown members must be UTF-8 as well.
        const ack = `"cliSeq":${bob.base + 1}}`;
        for (const [front, back] of [
          ['{"futureField":"', `",${ack}`],
          ['{"future', `Field":1,${ack}`],
        ] as const)
          await expectMalformed(
            t,
            "Sync",
            bob,
            Buffer.concat([Buffer.from(front), Buffer.of(0xff), Buffer.from(back)]),
          );
      }),
  },
];

/** Expects `act` to leave bob's inbox, with one pending message, unchanged; a valid Sync then acks the message. */
async function expectUnchanged(t: Context, act: (parties: Context) => Promise<void>): Promise<void> {
  const { bob, alice } = t;
  await alice.send(bob);
  await t.unchanged(bob, "HTTP-JSON-MALFORMED", "a call with a malformed body", () => act(t));
  await bob.device().sync({ cliSeq: bob.base + 1 });
}

async function expectMalformed(
  t: Context,
  rpc: Rpc,
  by: TestAccount | undefined,
  text: string | Uint8Array,
  intendedEffect = intendedEffectOf(t, rpc),
): Promise<void> {
  const body = Buffer.from(text);
  const response = await rawCall(t, "HTTP-JSON-MALFORMED", {
    rpc,
    by,
    body,
    ...(intendedEffect === undefined ? {} : { intendedEffect }),
  });
  const what = `a ${rpc} with the body ${JSON.stringify(body.toString())}`;
  if (response.refusal?.code !== "invalid_argument")
    t.fail(
      "HTTP-JSON-MALFORMED",
      `${what} was not refused as malformed`,
      "a refusal with invalid_argument",
      describeResponse(response),
    );
  expectErrorShape(t, response, `the refusal of ${what}`);
}

/** The effect of a malformed Sync on a server that wrongly uses its cursor. */
function intendedEffectOf({ bob }: Context, rpc: Rpc): IntendedEffect | undefined {
  return rpc === "Sync" ? { sync: { cliSeq: bob.base + 1, epoch: "", pageSize: 0 } } : undefined;
}
