import type { TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { describeAnswer, type IntendedEffect, type Rpc, rawCall, sendOf, syncOf } from "../../harness/raw-calls.js";
import { hasShape } from "../errors/rows.js";

/** Bodies that are not exactly one JSON object. `OK` stands for a valid one. */
const NO_OBJECT = [
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
/** Nearly JSON: what lenient parsers take. */
const NO_JSON = [
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

/** HTTP binding: JSON bodies that do not decode. */
export const httpJsonMalformed: readonly Case[] = [
  {
    // § HTTP-JSON-MALFORMED: A JSON body that is not exactly one JSON object in UTF-8, or in which a known member has a
    // § value of the wrong type, a number out of range, or a string that is not base64 where base64 is due, MUST be
    // § refused with `invalid_argument`.
    id: "http/json-malformed-no-object",
    title: "bodies that are empty, no object, or two objects are refused and change nothing",
    requirements: ["HTTP-JSON-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "json",
    run: (t) =>
      changingNothing(t, async ({ bob, alice }) => {
        const sync = Buffer.from(syncOf(t, bob, { cliSeq: bob.base + 1 }).body).toString();
        for (const form of NO_OBJECT) {
          await isRefused(t, "Sync", bob, form.replaceAll("OK", sync));
          await isRefused(t, "GetServerInfo", undefined, form.replaceAll("OK", "{}"));
          if (!form.includes("OK")) continue;
          const { body, intendedEffect } = sendOf(t, alice, bob);
          await isRefused(t, "Send", alice, form.replaceAll("OK", Buffer.from(body).toString()), intendedEffect);
        }
      }),
  },
  {
    id: "http/json-malformed-nearly-json",
    title: "bodies that only lenient parsers take are refused and change nothing",
    requirements: ["HTTP-JSON-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "json",
    run: (t) =>
      changingNothing(t, async ({ bob }) => {
        for (const text of NO_JSON) await isRefused(t, "Sync", bob, text.replace("1", `${bob.base + 1}`));
      }),
  },
  {
    id: "http/json-malformed-numbers",
    title: "a cli_seq or page_size that is negative, too large, broken or no number is refused and changes nothing",
    requirements: ["HTTP-JSON-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "json",
    run: (t) =>
      changingNothing(t, async ({ bob }) => {
        for (const value of WRONG_NUMBERS) {
          await isRefused(t, "Sync", bob, `{"cliSeq":${value}}`);
          await isRefused(t, "Sync", bob, `{"cliSeq":${bob.base + 1},"pageSize":${value}}`);
        }
      }),
  },
  {
    id: "http/json-malformed-strings",
    title: "an epoch, a recipient or an id that is no string is refused and changes nothing",
    requirements: ["HTTP-JSON-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "json",
    run: (t) =>
      changingNothing(t, async ({ bob, alice }) => {
        const to = JSON.stringify(bob.userId);
        for (const value of WRONG_STRINGS) {
          await isRefused(t, "Sync", bob, `{"cliSeq":${bob.base + 1},"epoch":${value}}`);
          await isRefused(
            t,
            "Send",
            alice,
            `{"recipientId":${value},"clientMessageId":"${t.newId()}","payload":"aGk="}`,
          );
          await isRefused(t, "Send", alice, `{"recipientId":${to},"clientMessageId":${value},"payload":"aGk="}`);
        }
      }),
  },
  {
    id: "http/json-malformed-bytes",
    title: "a payload that is not base64 is refused and not delivered",
    requirements: ["HTTP-JSON-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "json",
    run: (t) =>
      changingNothing(t, async ({ bob, alice }) => {
        const to = JSON.stringify(bob.userId);
        for (const value of WRONG_BYTES) {
          await isRefused(
            t,
            "Send",
            alice,
            `{"recipientId":${to},"clientMessageId":"${t.newId()}","payload":${value}}`,
          );
        }
      }),
  },
  {
    id: "http/json-malformed-not-utf-8",
    title: "bodies whose strings are not UTF-8 are refused and change nothing",
    requirements: ["HTTP-JSON-MALFORMED", "ERR-UNCHANGED", "ERR-SHAPE"],
    codec: "json",
    run: (t) =>
      changingNothing(t, async ({ bob, alice }) => {
        for (const bytes of [[0xff], [0x61, 0x80], [0xc3, 0x28], [0xe2, 0x82]]) {
          const around = (front: string, back: string) =>
            Buffer.concat([Buffer.from(front), Buffer.from(bytes), Buffer.from(back)]);
          await isRefused(t, "Sync", bob, around(`{"cliSeq":${bob.base + 1},"epoch":"`, '"}'));
          const front = `{"recipientId":${JSON.stringify(bob.userId)},"payload":"aGk=","clientMessageId":"${t.newId()}`;
          await isRefused(t, "Send", alice, around(front, '"}'));
        }
        // Nor may what nobody looks at be anything else.
        const ack = `"cliSeq":${bob.base + 1}}`;
        for (const [front, back] of [
          ['{"futureField":"', `",${ack}`],
          ['{"future', `Field":1,${ack}`],
        ] as const)
          await isRefused(t, "Sync", bob, Buffer.concat([Buffer.from(front), Buffer.of(0xff), Buffer.from(back)]));
      }),
  },
];

/** Bob has one message pending. What `act` does must leave it so; then the right call acks it. */
async function changingNothing(t: Context, act: (parties: Context) => Promise<void>): Promise<void> {
  const { bob, alice } = t;
  await alice.send(bob);
  await t.unchanged(bob, "HTTP-JSON-MALFORMED", "a body that does not decode", () => act(t));
  await bob.device().sync({ cliSeq: bob.base + 1 });
}

async function isRefused(
  t: Context,
  rpc: Rpc,
  by: TestAccount | undefined,
  text: string | Uint8Array,
  intendedEffect = meaningOf(t, rpc),
): Promise<void> {
  const body = Buffer.from(text);
  const answer = await rawCall(t, "HTTP-JSON-MALFORMED", {
    rpc,
    by,
    body,
    ...(intendedEffect === undefined ? {} : { intendedEffect }),
  });
  const what = `a ${rpc} with the body ${JSON.stringify(body.toString())}`;
  if (answer.refusal?.code !== "invalid_argument")
    t.fail("HTTP-JSON-MALFORMED", what, "invalid_argument", describeAnswer(answer));
  hasShape(t, answer, `the refusal of ${what}`);
}

/** What a Sync would do that took its cursor all the same. */
function meaningOf({ bob }: Context, rpc: Rpc): IntendedEffect | undefined {
  return rpc === "Sync" ? { sync: { cliSeq: bob.base + 1, epoch: "", pageSize: 0 } } : undefined;
}
