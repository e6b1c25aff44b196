import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import type { Sent, TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { answered, METHOD, type RawAnswer, rawCall, rawRefused, sendOf, syncOf } from "../../harness/raw-calls.js";

const HIGHEST = 0xffff_ffff;

/** HTTP binding: what JSON a server takes, and what it writes. */
export const httpJson: readonly Case[] = [
  {
    // § HTTP-JSON: A server MUST serve each unary RPC that it has with `application/json`, and Watch, if it has it,
    // § with `application/connect+json`, in the canonical protobuf JSON mapping, and MUST take member names in
    // § lowerCamelCase as well as in the form of the proto file.
    id: "http/json-both-forms-of-names",
    title: "alice and bob call with members in lowerCamelCase and as in the proto file",
    requirements: ["HTTP-JSON"],
    codec: "json",
    async run(t) {
      const { bob, alice } = t;
      const { epoch } = await bob.state();
      const sent: Sent[] = [];
      const forms: ((id: string, payload: string) => object)[] = [
        (clientMessageId, payload) => ({ recipientId: bob.userId, clientMessageId, payload }),
        (client_message_id, payload) => ({ recipient_id: bob.userId, client_message_id, payload }),
        (client_message_id, payload) => ({ payload, recipientId: bob.userId, client_message_id }),
      ];
      for (const form of forms)
        sent.push(await sends(t, bob, "hello", (id, payload) => JSON.stringify(form(id, payload))));
      for (const sync of [
        { cliSeq: bob.base + 1, epoch, pageSize: 1 },
        { cli_seq: bob.base + 1, epoch, page_size: 1 },
      ]) {
        const page = await syncs(t, bob, bob.base + 1, JSON.stringify(sync), "HTTP-JSON");
        t.page(page, bob.base + 2, sent.slice(1, 2), "HTTP-JSON", `what ${Object.keys(sync).join(", ")} led to`);
      }
      // A wrong epoch in either form must be seen.
      const wrong = await rawCall(t, "HTTP-JSON", { rpc: "Sync", by: bob, body: Buffer.from('{"epoch":"not this"}') });
      rawRefused(t, wrong, Reason.EPOCH_MISMATCH, "EPOCH-MISMATCH", "a Sync with a wrong epoch");
      t.equal((await alice.state()).svrSeq, alice.base, "HTTP-JSON", "a message to bob came to alice");
    },
  },
  {
    id: "http/json-same-message-in-other-text",
    title: "white space, escapes, null for defaults, and an empty object are all valid JSON of the same messages",
    requirements: ["HTTP-JSON"],
    codec: "json",
    async run(t) {
      const { bob } = t;
      const escaped = (text: string) =>
        `"${text.replace(/./gs, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;
      const name = JSON.stringify(bob.userId);
      const sent = [
        await sends(
          t,
          bob,
          "a",
          (id, p) => `\r\n\t{ "recipientId" : ${name} ,\n"clientMessageId":"${id}", "payload":"${p}"}\n `,
        ),
        await sends(
          t,
          bob,
          "b",
          (id, p) => `{"recipientId":${name},"clientMessageId":${escaped(id)},"payload":"${p}"}`,
        ),
        await sends(t, bob, "", (id) => `{"recipientId":${name},"clientMessageId":"${id}","payload":null}`),
        // Many writers have nothing but ASCII in their JSON: what is beyond U+FFFF is then a pair of escapes.
        await sends(
          t,
          bob,
          "c",
          (id, p) => `{"recipientId":${name},"clientMessageId":${escaped(id)},"payload":"${p}"}`,
          `${t.newId()}-😀`,
        ),
      ];
      for (const text of [
        "{}",
        " { } ",
        '{"cliSeq":null,"epoch":null,"pageSize":null}',
        '{"cliSeq":0,"epoch":"","pageSize":0}',
      ]) {
        const page = await syncs(t, bob, 0, text, "HTTP-JSON");
        t.page(page, bob.base + 1, sent.slice(0, page.messages.length), "HTTP-JSON", `what ${text} led to`);
      }
      const info = await rawCall(t, "HTTP-JSON", { rpc: "GetServerInfo", body: Buffer.from("{}") });
      answered(t, "HTTP-JSON", METHOD.GetServerInfo.output, info, "GetServerInfo with {}");
      for (const [text, reason] of [
        [`{"recipientId":null,"clientMessageId":"${t.newId()}"}`, Reason.RECIPIENT_UNKNOWN],
        [`{"recipientId":${name},"clientMessageId":null}`, Reason.CLIENT_MESSAGE_ID_INVALID],
      ] as const) {
        const answer = await rawCall(t, "HTTP-JSON", { rpc: "Send", by: t.alice, body: Buffer.from(text) });
        rawRefused(t, answer, reason, "HTTP-JSON", `the Send ${text}`);
      }
    },
  },
  {
    id: "http/json-base64",
    title:
      "alice's payload comes in standard and in URL-safe base64, with and without padding; bob gets the same bytes",
    requirements: ["HTTP-JSON"],
    codec: "json",
    async run(t) {
      const { bob } = t;
      const bytes = Buffer.from([0xfb, 0xff, 0xfe, 0x3e]);
      const [standard, url] = [bytes.toString("base64"), bytes.toString("base64url")];
      // Some writers escape a slash, in JSON and thus in base64.
      const slashed = standard.replaceAll("/", "\\/");
      const texts = [standard, standard.replace(/=+$/, ""), url, url.padEnd(standard.length, "="), slashed];
      for (const text of texts) {
        await sends(t, bob, bytes, (id) =>
          JSON.stringify({ recipientId: bob.userId, clientMessageId: id, payload: "?" }).replace("?", () => text),
        );
      }
      const got = (await bob.device().drain()).map(({ payload }) => Buffer.from(payload).toString("hex"));
      t.equal(
        got,
        texts.map(() => bytes.toString("hex")),
        "HTTP-JSON",
        `what was read from ${texts.join(", ")}`,
      );
    },
  },
  {
    id: "http/json-as-answers-write-it",
    title: "answers write numbers, names, base64, times and durations as the mapping says",
    requirements: ["HTTP-JSON", "HTTP-JSON-NUMBERS"],
    codec: "json",
    async run(t) {
      const { bob, alice } = t;
      const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(\d{3}|\d{6}|\d{9}))?Z$/;
      const form = (value: unknown, like: RegExp, what: string) => {
        const fits = typeof value === "string" && like.test(value);
        if (!fits) t.fail("HTTP-JSON", what, `a string like ${like}`, JSON.stringify(value) ?? "nothing");
      };
      const bytes = Buffer.from([0xfb, 0xff, 0xfe, 0x3e]);
      const sent = membersOf(t, await rawCall(t, "HTTP-JSON", sendOf(t, alice, bob, { payload: bytes })));
      form(sent["accepted_at"], time, "accepted_at of a Send's answer");
      const page = membersOf(t, await rawCall(t, "HTTP-JSON", syncOf(t, bob)));
      const [message = {}] = (page["messages"] as object[] | undefined) ?? [];
      const { seq, payload, accepted_at: acceptedAt } = snakeCase(message);
      form(payload, new RegExp(`^${bytes.toString("base64").replace(/[+/]/g, "\\$&")}$`), "payload of a message");
      form(acceptedAt, time, "accepted_at of a message");
      const info = membersOf(t, await rawCall(t, "HTTP-JSON", { rpc: "GetServerInfo", body: Buffer.from("{}") }));
      form(info["dedup_window"], /^\d+(\.(\d{3}|\d{6}|\d{9}))?s$/, "dedup_window");
      // A profile of a later version has no name here yet: its number is all that can be written.
      const named = ((info["profiles"] as unknown[] | undefined) ?? []).filter((it) => !(Number(it) > Profile.DURABLE));
      for (const profile of named) form(profile, /^PROFILE_[A-Z]+$/, "a profile");
      const acked = membersOf(t, await rawCall(t, "HTTP-JSON", syncOf(t, bob, { cliSeq: bob.base + 1 })));
      const { messages: none = [] } = acked;
      t.equal<unknown>(none, [], "HTTP-JSON", "the messages of an empty page");

      const numbers = {
        seq,
        svr_seq: page["svr_seq"],
        next_cli_seq: page["next_cli_seq"],
        max_page_size: info["max_page_size"],
        max_payload_bytes: info["max_payload_bytes"],
        acked_seq: acked["acked_seq"],
      };
      for (const [name, value] of Object.entries(numbers)) {
        t.equal(typeof value, "number", "HTTP-JSON-NUMBERS", `the JSON type of ${name}`);
      }
    },
  },
  {
    // § HTTP-JSON-NUMBERS: In JSON a server MUST write every `uint32` as a number, and MUST take a `uint32` as a number
    // § and as a decimal string, over the whole range 0 to 4294967295.
    id: "http/json-unsigned-requests",
    title: "bob's Sync has cli_seq and page_size 4294967295, as numbers and as strings",
    requirements: ["HTTP-JSON-NUMBERS"],
    codec: "json",
    async run(t) {
      const { bob, alice } = t;
      const sent = await alice.send(bob);
      for (const value of [HIGHEST, 0x8000_0000]) {
        for (const written of [`${value}`, `"${value}"`]) {
          const page = await syncs(t, bob, 0, `{"pageSize":${written}}`, "HTTP-JSON-NUMBERS");
          t.page(page, bob.base + 1, [sent], "HTTP-JSON-NUMBERS", `what page_size ${written} led to`);
          if (value <= bob.base + 1) continue;
          const body = Buffer.from(`{"cliSeq":${written}}`);
          const ahead = await rawCall(t, "HTTP-JSON-NUMBERS", { rpc: "Sync", by: bob, body });
          rawRefused(t, ahead, Reason.CLI_SEQ_AHEAD, "HTTP-JSON-NUMBERS", `a Sync with cli_seq ${written}`);
        }
      }
      const acked = await syncs(t, bob, bob.base + 1, `{"cliSeq":"${bob.base + 1}"}`, "HTTP-JSON-NUMBERS");
      t.equal(acked.ackedSeq, bob.base + 1, "HTTP-JSON-NUMBERS", "what a cli_seq as a string acked");
    },
  },
  {
    id: "http/json-unsigned-answers",
    title: "bob's inbox stands at 2147483646; its next messages have seqs of 2147483647 and more, as positive numbers",
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
        const answer = await rawCall(t, "HTTP-JSON-NUMBERS", { rpc: "Sync", by: bob, body, intendedEffect });
        const { svr_seq, acked_seq, next_cli_seq, messages } = membersOf(t, answer);
        const seqs = ((messages as object[] | undefined) ?? []).map((message) => snakeCase(message)["seq"]);
        const told = { svr_seq, acked_seq, next_cli_seq, seqs };
        const expected = { svr_seq: top, acked_seq: top - 1, next_cli_seq: top, seqs: [top] };
        t.equal<unknown>(told, expected, "HTTP-JSON-NUMBERS", `the numbers in the answer to cli_seq ${written}`);
      }
    },
  },
  {
    // § HTTP-JSON-UNKNOWN: A server MUST ignore JSON members that it does not know.
    id: "http/json-unknown-members",
    title: "members of later versions, of each JSON type, stand in every request; all calls are answered as without",
    requirements: ["HTTP-JSON-UNKNOWN"],
    codec: "json",
    async run(t) {
      const { bob } = t;
      const sent: Sent[] = [];
      for (const value of ["text", 5, -1.5e300, true, null, [], [1, "two", [{}]], {}, { cliSeq: { deep: [] } }]) {
        const more = { futureField: value, future_field: value, "": value };
        const with_ = (members: object) => JSON.stringify({ ...more, ...members, last: value });
        const what = `an unknown member ${JSON.stringify(value)}`;
        await t.blaming("HTTP-JSON-UNKNOWN", async () => {
          sent.push(
            await sends(t, bob, what, (clientMessageId, payload) =>
              with_({ recipientId: bob.userId, clientMessageId, payload }),
            ),
          );
          const page = await syncs(t, bob, 0, with_({ cliSeq: 0 }), "HTTP-JSON-UNKNOWN");
          t.page(page, bob.base + 1, sent.slice(0, page.messages.length), "HTTP-JSON-UNKNOWN", `the page with ${what}`);
          const info = await rawCall(t, "HTTP-JSON-UNKNOWN", { rpc: "GetServerInfo", body: Buffer.from(with_({})) });
          answered(t, "HTTP-JSON-UNKNOWN", METHOD.GetServerInfo.output, info, `GetServerInfo with ${what}`);
        });
      }
      // Nearly known is not known: nothing is acked.
      const top = bob.base + sent.length;
      await t.unchanged(bob, "HTTP-JSON-UNKNOWN", "a Sync whose cli_seq goes by nearly the right name", async () => {
        for (const text of [`{"cliseq":${top},"CliSeq":${top},"CLI_SEQ":${top}}`, `{"__proto__":{"cliSeq":${top}}}`])
          await syncs(t, bob, top, text, "HTTP-JSON-UNKNOWN");
      });
    },
  },
];

/** A Send of alice whose JSON is made from the id and the payload in base64. */
async function sends(
  t: Context,
  to: TestAccount,
  payload: Uint8Array | string,
  text: (id: string, base64: string) => string,
  clientMessageId = t.newId(),
): Promise<Sent> {
  const send = { recipientId: to.userId, clientMessageId, payload: Buffer.from(payload) };
  const body = Buffer.from(text(send.clientMessageId, send.payload.toString("base64")));
  const answer = await rawCall(t, "HTTP-JSON", { rpc: "Send", by: t.alice, body, intendedEffect: { send } });
  return { ...send, acceptedAt: answered(t, "HTTP-JSON", METHOD.Send.output, answer, `the Send ${body}`).acceptedAt };
}

/** A Sync with this JSON, which acks through `cliSeq`. */
async function syncs(
  t: Context,
  by: TestAccount,
  cliSeq: number,
  text: string,
  rule: "HTTP-JSON" | "HTTP-JSON-NUMBERS" | "HTTP-JSON-UNKNOWN",
) {
  const intendedEffect = { sync: { cliSeq, epoch: "", pageSize: 0 } };
  const answer = await rawCall(t, rule, { rpc: "Sync", by, body: Buffer.from(text), intendedEffect });
  return answered(t, rule, METHOD.Sync.output, answer, `the Sync ${text}`);
}

/** The members of an answer as they are written, by their names in the proto file. */
function membersOf(t: Context, answer: RawAnswer): Record<string, unknown> {
  t.equal(answer.status, 200, "HTTP-JSON", "the status of a right call");
  return snakeCase(JSON.parse(answer.text));
}

function snakeCase(members: object): Record<string, unknown> {
  const renamed = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(members).map(([name, value]) => [renamed(name), value]));
}
