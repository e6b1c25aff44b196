import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import type { SentMessage, TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import {
  expectOk,
  expectRawRefusal,
  expectResponse,
  METHOD,
  type RawResponse,
  rawCall,
  sendOf,
  syncOf,
} from "../../harness/raw-calls.js";
import { unique } from "../../harness/unique.js";
import { jsonObject } from "../../rpc/connect.js";

const MAX_UINT32 = 0xffff_ffff;

/** HTTP binding: JSON requests and responses. */
export const httpJson: readonly Case[] = [
  {
    // § HTTP-JSON: A server MUST serve each unary RPC that it has with `application/json`, and Watch, if it has it,
    // § with `application/connect+json`, in the canonical protobuf JSON mapping, and MUST accept member names in
    // § lowerCamelCase as well as in the form of the proto file.
    id: "http/json-both-forms-of-names",
    title: "Member names in lowerCamelCase and as in the proto file are accepted",
    requirements: ["HTTP-JSON"],
    codec: "json",
    async run(t) {
      const { bob, alice } = t;
      const { epoch } = await bob.state();
      const sent: SentMessage[] = [];
      const forms: ((id: string, payload: string) => object)[] = [
        (clientMessageId, payload) => ({ recipientId: bob.userId, clientMessageId, payload }),
        (client_message_id, payload) => ({ recipient_id: bob.userId, client_message_id, payload }),
        (client_message_id, payload) => ({ payload, recipientId: bob.userId, client_message_id }),
      ];
      for (const form of forms)
        sent.push(await sendJson(t, bob, "hello", (id, payload) => JSON.stringify(form(id, payload))));
      for (const sync of [
        { cliSeq: bob.base + 1, epoch, pageSize: 1 },
        { cli_seq: bob.base + 1, epoch, page_size: 1 },
      ]) {
        const page = await syncJson(t, bob, bob.base + 1, JSON.stringify(sync), "HTTP-JSON");
        t.page(
          page,
          bob.base + 2,
          sent.slice(1, 2),
          "HTTP-JSON",
          `a Sync with the members ${Object.keys(sync).join(", ")} did not return the messages after its cli_seq`,
        );
      }
      // A Sync with a wrong epoch must be refused.
      const wrong = await rawCall(t, "HTTP-JSON", { rpc: "Sync", by: bob, body: Buffer.from('{"epoch":"not this"}') });
      expectRawRefusal(t, wrong, Reason.EPOCH_MISMATCH, "EPOCH-MISMATCH", "a Sync with a wrong epoch");
      t.fields(await alice.state(), { svrSeq: alice.base }, "HTTP-JSON", "a message to bob was delivered to alice");
    },
  },
  {
    id: "http/json-same-message-in-other-text",
    title: "White space, escapes, null and absent members are accepted as the JSON mapping defines",
    requirements: ["HTTP-JSON"],
    codec: "json",
    async run(t) {
      const { bob } = t;
      const escaped = (text: string) =>
        `"${text.replace(/./gs, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;
      const name = JSON.stringify(bob.userId);
      const sent = [
        await sendJson(
          t,
          bob,
          "a",
          (id, p) => `\r\n\t{ "recipientId" : ${name} ,\n"clientMessageId":"${id}", "payload":"${p}"}\n `,
        ),
        await sendJson(
          t,
          bob,
          "b",
          (id, p) => `{"recipientId":${name},"clientMessageId":${escaped(id)},"payload":"${p}"}`,
        ),
        await sendJson(t, bob, "", (id) => `{"recipientId":${name},"clientMessageId":"${id}","payload":null}`),
        // Many encoders write ASCII only: a character above U+FFFF is then a pair of escapes.
        await sendJson(
          t,
          bob,
          "c",
          (id, p) => `{"recipientId":${name},"clientMessageId":${escaped(id)},"payload":"${p}"}`,
          `${unique()}-😀`,
        ),
      ];
      for (const text of [
        "{}",
        " { } ",
        '{"cliSeq":null,"epoch":null,"pageSize":null}',
        '{"cliSeq":0,"epoch":"","pageSize":0}',
      ]) {
        const page = await syncJson(t, bob, 0, text, "HTTP-JSON");
        const violation = `the Sync ${text} did not return the pending messages`;
        t.page(page, bob.base + 1, sent.slice(0, page.messages.length), "HTTP-JSON", violation);
      }
      const info = await rawCall(t, "HTTP-JSON", { rpc: "GetServerInfo", body: Buffer.from("{}") });
      expectResponse(t, "HTTP-JSON", METHOD.GetServerInfo.output, info, "GetServerInfo with {}");
      for (const [text, reason] of [
        [`{"recipientId":null,"clientMessageId":"${unique()}"}`, Reason.RECIPIENT_UNKNOWN],
        [`{"recipientId":${name},"clientMessageId":null}`, Reason.CLIENT_MESSAGE_ID_INVALID],
      ] as const) {
        const response = await rawCall(t, "HTTP-JSON", { rpc: "Send", by: t.alice, body: Buffer.from(text) });
        expectRawRefusal(t, response, reason, "HTTP-JSON", `the Send ${text}`);
      }
    },
  },
  {
    id: "http/json-base64",
    title: "Payloads in standard and URL-safe base64, with and without padding, are delivered unchanged",
    requirements: ["HTTP-JSON"],
    codec: "json",
    async run(t) {
      const { bob } = t;
      const bytes = Buffer.from([0xfb, 0xff, 0xfe, 0x3e]);
      const [standard, url] = [bytes.toString("base64"), bytes.toString("base64url")];
      // Some encoders escape slashes in JSON strings, and so in base64.
      const slashed = standard.replaceAll("/", "\\/");
      const texts = [standard, standard.replace(/=+$/, ""), url, url.padEnd(standard.length, "="), slashed];
      for (const text of texts) {
        await sendJson(t, bob, bytes, (id) => {
          const ids = JSON.stringify({ recipientId: bob.userId, clientMessageId: id });
          return `${ids.slice(0, -1)},"payload":"${text}"}`;
        });
      }
      const got = (await bob.device().drain()).map(({ payload }) => Buffer.from(payload).toString("hex"));
      t.equal(
        { payloads: got },
        { payloads: texts.map(() => bytes.toString("hex")) },
        "HTTP-JSON",
        `payloads in the forms ${texts.join(", ")} were not delivered unchanged`,
      );
    },
  },
  {
    id: "http/json-as-answers-write-it",
    title: "Responses have numbers, names, base64, timestamps and durations as the JSON mapping defines",
    requirements: ["HTTP-JSON", "HTTP-JSON-NUMBERS"],
    codec: "json",
    async run(t) {
      const { bob, alice } = t;
      const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(\d{3}|\d{6}|\d{9}))?Z$/;
      const expectForm = (value: unknown, pattern: RegExp, what: string) => {
        const fits = typeof value === "string" && pattern.test(value);
        if (!fits)
          t.fail(
            "HTTP-JSON",
            `${what} has the wrong JSON form`,
            `a JSON string like ${pattern.source}`,
            JSON.stringify(value) ?? "nothing",
          );
      };
      const bytes = Buffer.from([0xfb, 0xff, 0xfe, 0x3e]);
      const sent = membersOf(t, await rawCall(t, "HTTP-JSON", sendOf(t, alice, bob, { payload: bytes })));
      expectForm(sent["accepted_at"], time, "accepted_at of the response to a Send");
      const page = membersOf(t, await rawCall(t, "HTTP-JSON", syncOf(t, bob)));
      const [message = {}] = (page["messages"] as object[] | undefined) ?? [];
      const { seq, payload, accepted_at: acceptedAt } = snakeCase(message);
      expectForm(payload, new RegExp(`^${bytes.toString("base64").replace(/[+/]/g, "\\$&")}$`), "payload of a message");
      expectForm(acceptedAt, time, "accepted_at of a message");
      const info = membersOf(t, await rawCall(t, "HTTP-JSON", { rpc: "GetServerInfo", body: Buffer.from("{}") }));
      expectForm(info["dedup_window"], /^\d+(\.(\d{3}|\d{6}|\d{9}))?s$/, "dedup_window");
      // A profile of a later version may be written as a number.
      const named = ((info["profiles"] as unknown[] | undefined) ?? []).filter((it) => !(Number(it) > Profile.DURABLE));
      for (const profile of named) expectForm(profile, /^PROFILE_[A-Z]+$/, "a profile");
      const acked = membersOf(t, await rawCall(t, "HTTP-JSON", syncOf(t, bob, { cliSeq: bob.base + 1 })));
      const { messages: none = [] } = acked;
      t.equal<unknown>(
        { messages: none },
        { messages: [] },
        "HTTP-JSON",
        "the messages of an empty page are not an empty array or absent",
      );

      const numbers = {
        seq,
        svr_seq: page["svr_seq"],
        next_cli_seq: page["next_cli_seq"],
        max_page_size: info["max_page_size"],
        max_payload_bytes: info["max_payload_bytes"],
        acked_seq: acked["acked_seq"],
      };
      for (const [name, value] of Object.entries(numbers)) {
        if (typeof value !== "number")
          t.fail(
            "HTTP-JSON-NUMBERS",
            `${name} is not a JSON number`,
            `${name}: a JSON number`,
            `${name}: ${JSON.stringify(value) ?? "absent"}`,
          );
      }
    },
  },
  {
    // § HTTP-JSON-NUMBERS: In JSON a server MUST write every `uint32` as a number, and MUST accept a `uint32` as a
    // § number and as a decimal string, over the whole range 0 to 4294967295.
    id: "http/json-unsigned-requests",
    title: "A Sync accepts cli_seq and page_size up to 4294967295, as numbers and as strings",
    requirements: ["HTTP-JSON-NUMBERS"],
    codec: "json",
    async run(t) {
      const { bob, alice } = t;
      const sent = await alice.send(bob);
      for (const value of [MAX_UINT32, 0x8000_0000]) {
        for (const written of [`${value}`, `"${value}"`]) {
          const page = await syncJson(t, bob, 0, `{"pageSize":${written}}`, "HTTP-JSON-NUMBERS");
          const violation = `a Sync with page_size ${written} did not return the pending message`;
          t.page(page, bob.base + 1, [sent], "HTTP-JSON-NUMBERS", violation);
          if (value <= bob.base + 1) continue;
          const body = Buffer.from(`{"cliSeq":${written}}`);
          const ahead = await rawCall(t, "HTTP-JSON-NUMBERS", { rpc: "Sync", by: bob, body });
          expectRawRefusal(t, ahead, Reason.CLI_SEQ_AHEAD, "HTTP-JSON-NUMBERS", `a Sync with cli_seq ${written}`);
        }
      }
      const acked = await syncJson(t, bob, bob.base + 1, `{"cliSeq":"${bob.base + 1}"}`, "HTTP-JSON-NUMBERS");
      t.fields(
        acked,
        { ackedSeq: bob.base + 1 },
        "HTTP-JSON-NUMBERS",
        "a Sync with cli_seq as a string did not acknowledge up to it",
      );
    },
  },
  {
    id: "http/json-unsigned-answers",
    title: "Seqs above 2147483647 are written as positive numbers",
    requirements: ["HTTP-JSON-NUMBERS"],
    codec: "json",
    needs: { startSeq: 0x7fff_fffe },
    async run(t) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 3);
      const top = bob.base + 3;
      for (const written of [`${bob.base + 2}`, `"${bob.base + 2}"`]) {
        const body = Buffer.from(`{"cliSeq":${written}}`);
        const intendedEffect = { sync: { cliSeq: bob.base + 2, epoch: "", pageSize: 0 } };
        const response = await rawCall(t, "HTTP-JSON-NUMBERS", { rpc: "Sync", by: bob, body, intendedEffect });
        const { svr_seq, acked_seq, next_cli_seq, messages } = membersOf(t, response);
        const seqs = ((messages as object[] | undefined) ?? []).map((message) => snakeCase(message)["seq"]);
        const reported = { svr_seq, acked_seq, next_cli_seq, seqs };
        const expected = { svr_seq: top, acked_seq: top - 1, next_cli_seq: top, seqs: [top] };
        const violation = `the response to a Sync with cli_seq ${written} does not hold the expected numbers`;
        t.equal<unknown>(reported, expected, "HTTP-JSON-NUMBERS", violation);
      }
    },
  },
  {
    // § HTTP-JSON-UNKNOWN: A server MUST ignore JSON members that it does not know.
    id: "http/json-unknown-members",
    title: "Unknown members of each JSON type are ignored in every unary call",
    requirements: ["HTTP-JSON-UNKNOWN"],
    codec: "json",
    async run(t) {
      const { bob } = t;
      const sent: SentMessage[] = [];
      for (const value of ["text", 5, -1.5e300, true, null, [], [1, "two", [{}]], {}, { cliSeq: { deep: [] } }]) {
        const more = { futureField: value, future_field: value, "": value };
        const withUnknown = (members: object) => JSON.stringify({ ...more, ...members, last: value });
        const what = `an unknown member ${JSON.stringify(value)}`;
        await t.blaming("HTTP-JSON-UNKNOWN", async () => {
          sent.push(
            await sendJson(t, bob, what, (clientMessageId, payload) =>
              withUnknown({ recipientId: bob.userId, clientMessageId, payload }),
            ),
          );
          const page = await syncJson(t, bob, 0, withUnknown({ cliSeq: 0 }), "HTTP-JSON-UNKNOWN");
          const violation = `a Sync with ${what} did not return the pending messages`;
          t.page(page, bob.base + 1, sent.slice(0, page.messages.length), "HTTP-JSON-UNKNOWN", violation);
          const info = await rawCall(t, "HTTP-JSON-UNKNOWN", {
            rpc: "GetServerInfo",
            body: Buffer.from(withUnknown({})),
          });
          expectResponse(t, "HTTP-JSON-UNKNOWN", METHOD.GetServerInfo.output, info, `GetServerInfo with ${what}`);
        });
      }
      // Names that differ in case are unknown as well, so nothing is acknowledged.
      const top = bob.base + sent.length;
      await t.unchanged(bob, "HTTP-JSON-UNKNOWN", "a Sync with a misspelt cli_seq", async () => {
        for (const text of [`{"cliseq":${top},"CliSeq":${top},"CLI_SEQ":${top}}`, `{"__proto__":{"cliSeq":${top}}}`])
          await syncJson(t, bob, top, text, "HTTP-JSON-UNKNOWN");
      });
    },
  },
];

/** Makes a Send by alice. `text` builds its JSON from the id and the base64 payload. */
async function sendJson(
  t: Context,
  to: TestAccount,
  payload: Uint8Array | string,
  text: (id: string, base64: string) => string,
  clientMessageId = unique(),
): Promise<SentMessage> {
  const send = { recipientId: to.userId, clientMessageId, payload: Buffer.from(payload) };
  const body = Buffer.from(text(send.clientMessageId, send.payload.toString("base64")));
  const response = await rawCall(t, "HTTP-JSON", { rpc: "Send", by: t.alice, body, intendedEffect: { send } });
  return {
    ...send,
    acceptedAt: expectResponse(t, "HTTP-JSON", METHOD.Send.output, response, `the Send ${body}`).acceptedAt,
  };
}

/** Makes a Sync with this JSON, which acks up to `cliSeq`. */
async function syncJson(
  t: Context,
  by: TestAccount,
  cliSeq: number,
  text: string,
  rule: "HTTP-JSON" | "HTTP-JSON-NUMBERS" | "HTTP-JSON-UNKNOWN",
) {
  const intendedEffect = { sync: { cliSeq, epoch: "", pageSize: 0 } };
  const response = await rawCall(t, rule, { rpc: "Sync", by, body: Buffer.from(text), intendedEffect });
  return expectResponse(t, rule, METHOD.Sync.output, response, `the Sync ${text}`);
}

/** The members of a response as they are written, by their names in the proto file. */
function membersOf(t: Context, response: RawResponse): Record<string, unknown> {
  expectOk(t, "HTTP-JSON", response, "a valid call");
  const members = jsonObject(response.text);
  if (members === undefined) t.fail("HTTP-JSON", "a response is not a JSON object", "a JSON object", response.text);
  return snakeCase(members);
}

function snakeCase(members: object): Record<string, unknown> {
  const renamed = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [renamed(name), value]));
}
