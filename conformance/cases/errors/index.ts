import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import {
  expectRawRefusal,
  type RawCall,
  type RawResponse,
  rawCall,
  sendOf,
  syncOf,
  truncated,
} from "../../harness/raw-calls.js";
import { isDistinctive } from "../../harness/response-texts.js";
import { unique } from "../../harness/unique.js";
import { jsonObject } from "../../rpc/connect.js";
import { errorOrder } from "./order.js";
import { errorRows, expectErrorShape } from "./rows.js";

/** Cases of the chapter "Errors". */
export const errors: readonly Case[] = [
  ...errorRows,
  {
    // § ERR-SHAPE: A refusal of a unary call, other than the plain HTTP responses of the HTTP binding, MUST have the
    // § content type `application/json`, a body that is one JSON object with the member `code` holding a Connect code,
    // § and the HTTP status that belongs to that code.
    id: "errors/json-in-each-codec",
    title: "An error is a JSON object with the HTTP status of its code, whatever the codec and the Accept header",
    requirements: ["ERR-SHAPE"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const ahead = syncOf(t, bob, { cliSeq: bob.base + 2 });
      for (const accept of [undefined, "application/proto", "text/html", "*/*"]) {
        const headers = accept === undefined ? {} : { accept };
        const response = await rawCall(t, "ERR-SHAPE", { ...ahead, headers });
        expectRawRefusal(t, response, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a Sync with a cli_seq above svr_seq");
        expectErrorShape(
          t,
          response,
          `the refusal of a call ${accept === undefined ? "without an Accept header" : `with Accept ${accept}`}`,
        );
      }
      const malformed = await rawCall(t, "ERR-SHAPE", { ...ahead, body: truncated(t, ahead.body) });
      const violation = "a Sync with a malformed body was not refused as malformed";
      t.equal({ code: malformed.refusal?.code }, { code: "invalid_argument" }, "HTTP-MALFORMED", violation);
      expectErrorShape(t, malformed, "the refusal of a malformed body");
    },
  },
  {
    // § ERR-UNCHANGED: A refused call MUST change nothing: no seq is used up, nothing is delivered or acknowledged, and
    // § the `client_message_id` of a refused Send stays as free or as used as it was.
    id: "errors/malformed-changes-nothing",
    title: "A Send and a Sync with truncated bodies change nothing; the Send's id can be used afterwards",
    requirements: ["ERR-UNCHANGED"],
    async run(t) {
      const { bob, alice } = t;
      const sent = await alice.send(bob, "before");
      const [send, sync] = [sendOf(t, alice, bob), syncOf(t, bob, { cliSeq: bob.base + 1 })];
      await t.unchanged(bob, "ERR-UNCHANGED", "a call with a malformed body", async () => {
        for (const call of [send, sync]) {
          const response = await rawCall(t, "ERR-UNCHANGED", { ...call, body: truncated(t, call.body) });
          const violation = `a ${call.rpc} with a malformed body was not refused as malformed`;
          t.equal({ code: response.refusal?.code }, { code: "invalid_argument" }, "HTTP-MALFORMED", violation);
        }
      });
      await t.blaming("ERR-UNCHANGED", async () => {
        const marker = await alice.send(bob, "another", { id: send.send.clientMessageId });
        const page = await bob.device().sync();
        const violation = "after a malformed Send the inbox does not hold exactly the accepted messages";
        t.page(page, bob.base + 1, [sent, marker], "ERR-UNCHANGED", violation);
      });
    },
  },
  {
    id: "errors/refused-into-an-empty-inbox",
    title: "Refused Sends to an inbox without pending messages change nothing; a valid Send is then delivered",
    requirements: ["ERR-UNCHANGED"],
    async run(t) {
      const { bob, alice } = t;
      const { maxPayloadBytes } = t.info;
      const long = "x".repeat(65);
      // Larger payloads are subject to HTTP-BODY-LIMIT.
      const large = new Uint8Array(Math.min(maxPayloadBytes, 4 << 20) + 1);
      await t.unchanged(bob, "ERR-UNCHANGED", "a refused Send to an inbox without pending messages", async () => {
        for (const [payload, id] of [
          ["hello", long],
          [large, undefined],
          [large, long],
        ] as const) {
          if (payload === large && large.length <= maxPayloadBytes) continue;
          const result = await alice.trySend(bob, payload, id === undefined ? {} : { id });
          if (result.kind === "response")
            t.fail("SEND-PAYLOAD-LIMIT", "a Send over a limit was accepted", "a refusal", "HTTP 200: it was accepted");
        }
      });
      const marker = await alice.send(bob, "valid");
      const page = await bob.device().sync();
      const violation = "after refused Sends the inbox does not hold exactly the accepted messages";
      t.page(page, bob.base + 1, [marker], "ERR-UNCHANGED", violation);
    },
  },
  {
    id: "errors/refused-among-accepted",
    title: "10 accepted Sends that run concurrently with 15 refused ones get consecutive seqs",
    requirements: ["ERR-UNCHANGED"],
    async run(t) {
      const { bob, alice } = t;
      const large = Buffer.alloc(t.maxPayloadBytes + 1);
      const refusals = Array.from({ length: 5 }, async (_, n) => {
        t.refused(
          await alice.trySend(bob, "no id", { id: "" }),
          Reason.CLIENT_MESSAGE_ID_INVALID,
          "SEND-ID-LIMIT",
          "a Send with an empty id",
        );
        t.refused(
          await alice.trySend(bob, large),
          Reason.PAYLOAD_TOO_LARGE,
          "SEND-PAYLOAD-LIMIT",
          "a Send with a payload above max_payload_bytes",
        );
        const unknown = await alice.trySend({ userId: `nobody-${unique()}` }, `${n}`);
        t.refused(unknown, Reason.RECIPIENT_UNKNOWN, "SEND-RECIPIENT", "a Send to an unknown recipient");
      });
      const [sent] = await Promise.all([alice.sendAtOnce(bob, 10), ...refusals]);
      const { svrSeq } = await bob.state();
      t.equal({ svrSeq }, { svrSeq: bob.base + sent.length }, "ERR-UNCHANGED", "refused Sends used up seqs");
      const seqs = (await bob.device().drain()).map(({ seq }) => seq);
      t.equal(
        { seqs },
        { seqs: sent.map((_, n) => bob.base + 1 + n) },
        "ERR-UNCHANGED",
        "the accepted messages do not have consecutive seqs",
      );
    },
  },
  {
    // § ERR-NO-LEAK: An error MUST NOT hold a credential, nor any message content, message id, user id, seq or epoch of
    // § an account other than the caller's, except what the caller itself has sent in the same call.
    id: "errors/nothing-of-another-inbox",
    title: "No refusal reveals another account's token, user id, epoch, message id or content",
    requirements: ["ERR-NO-LEAK", "SEND-SEQ-HIDDEN"],
    async run(t) {
      const { bob, alice } = t;
      const stem = unique();
      const secret = await bob.send(bob, `secret-${unique()}`, { id: `${stem}-1` });
      const used = await alice.send(bob, "used");
      const [bobState, aliceState] = [await bob.state(), await alice.state()];
      const hidden: Hidden = {
        [TOKEN]: bob.token,
        "a client_message_id of bob's": secret.clientMessageId,
        "the payload of a message of bob's": Buffer.from(secret.payload).toString(),
        ...(bobState.epoch === aliceState.epoch ? {} : { [EPOCH]: bobState.epoch }),
      };

      const longerUser = { userId: `${bob.userId}-${unique()}`.slice(-128) };
      // Differs from bob's user id only in the last character: a server that suggests similar user ids would name bob.
      const similarUser = { userId: `${[...bob.userId].slice(0, -1).join("")}${bob.userId.endsWith("~") ? "!" : "~"}` };
      const id = used.clientMessageId;
      const reused = sendOf(t, alice, alice, { clientMessageId: id, payload: used.payload });
      const toSimilar = sendOf(t, alice, similarUser);
      const sends: [keyof typeof DEMANDED_BY, RawCall][] = [
        [Reason.CLIENT_MESSAGE_ID_REUSED, sendOf(t, alice, bob, { clientMessageId: id })],
        [Reason.CLIENT_MESSAGE_ID_REUSED, reused],
        [Reason.CLIENT_MESSAGE_ID_INVALID, sendOf(t, alice, bob, { clientMessageId: "" })],
        [Reason.PAYLOAD_TOO_LARGE, sendOf(t, alice, bob, { payload: Buffer.alloc(t.maxPayloadBytes + 1) })],
        [Reason.RECIPIENT_UNKNOWN, sendOf(t, alice, longerUser)],
        [Reason.RECIPIENT_UNKNOWN, toSimilar],
      ];
      // An error that suggests similar ids would hold the start of bob's; one that quotes any message, that of others.
      const idPrefix = stem.slice(0, 8);
      for (const [reason, call] of sends) {
        const response = await rawCall(t, "ERR-NO-LEAK", call);
        const { detail } = expectRawRefusal(t, response, reason, DEMANDED_BY[reason], "an invalid Send by alice");
        const hasNoId = reason === Reason.CLIENT_MESSAGE_ID_INVALID;
        // An error may hold bob's user id if the call named it, or if alice's user id contains it.
        const omitsBob = (call === reused || call === toSimilar) && !alice.userId.includes(bob.userId);
        const more = {
          ...(hasNoId
            ? { "the start of bob's client_message_ids": idPrefix, "the start of ids of others": t.idPrefix }
            : {}),
          ...(omitsBob ? { [USER_ID]: bob.userId } : {}),
        };
        expectNoLeak(t, response, { ...hidden, ...more }, `the refusal with ${Reason[reason]}`);
        if (call !== reused) continue;
        const reported = { svrSeq: detail?.svrSeq, epoch: detail?.epoch };
        const violation = "the refusal of alice's Send to herself reveals the state of her inbox";
        t.equal(reported, { svrSeq: 0, epoch: "" }, "SEND-SEQ-HIDDEN", violation);
      }
      // A Sync names no recipient, so its error must not name one.
      const syncs: [keyof typeof DEMANDED_BY, RawCall][] = [
        [Reason.CLI_SEQ_AHEAD, syncOf(t, alice, { cliSeq: aliceState.svrSeq + 1 })],
        [Reason.EPOCH_MISMATCH, syncOf(t, alice, { epoch: `not-${unique()}` })],
        [
          Reason.CREDENTIAL_INVALID,
          { ...syncOf(t, bob), by: undefined, headers: { authorization: `Token ${bob.token}` } },
        ],
      ];
      for (const [reason, call] of syncs) {
        const response = await rawCall(t, "ERR-NO-LEAK", call);
        expectRawRefusal(t, response, reason, DEMANDED_BY[reason], "an invalid Sync");
        expectNoLeak(t, response, { ...hidden, [USER_ID]: bob.userId }, `the refusal with ${Reason[reason]}`);
      }
    },
  },
  {
    id: "errors/nothing-of-anothers-numbers",
    title: "No refusal of a Send reveals the svr_seq or epoch of the recipient's inbox",
    requirements: ["ERR-NO-LEAK"],
    needs: { startSeq: 2_718_281_828 },
    async run(t) {
      const { bob, alice } = t;
      const { epoch } = await bob.state();
      const aliceState = await alice.state();
      const used = await alice.send(alice, "used");
      const hidden: Hidden = {
        "the svr_seq of bob's inbox": `${bob.base}`,
        "the next seq of bob's inbox": `${bob.base + 1}`,
        // An epoch may be a word that errors hold for other reasons.
        ...(epoch === aliceState.epoch || !isDistinctive(epoch) ? {} : { [EPOCH]: epoch }),
      };
      const tries: [keyof typeof DEMANDED_BY, RawCall][] = [
        [Reason.CLIENT_MESSAGE_ID_REUSED, sendOf(t, alice, bob, { clientMessageId: used.clientMessageId })],
        [Reason.CLIENT_MESSAGE_ID_INVALID, sendOf(t, alice, bob, { clientMessageId: "" })],
        [Reason.PAYLOAD_TOO_LARGE, sendOf(t, alice, bob, { payload: Buffer.alloc(t.maxPayloadBytes + 1) })],
      ];
      for (const [reason, call] of tries) {
        const response = await rawCall(t, "ERR-NO-LEAK", call);
        const { detail } = expectRawRefusal(
          t,
          response,
          reason,
          DEMANDED_BY[reason],
          "an invalid Send by alice to bob",
        );
        expectNoLeak(t, response, hidden, `the refusal with ${Reason[reason]}`);
        t.equal(
          { svrSeq: detail?.svrSeq },
          { svrSeq: 0 },
          "ERR-NO-LEAK",
          "the ErrorDetail of a refused Send holds a svr_seq",
        );
      }
    },
  },
  ...errorOrder,
];

/** The requirements that demand the refusals whose contents the cases examine. */
const DEMANDED_BY = {
  [Reason.CLIENT_MESSAGE_ID_REUSED]: "SEND-ID-REUSED",
  [Reason.CLIENT_MESSAGE_ID_INVALID]: "SEND-ID-LIMIT",
  [Reason.PAYLOAD_TOO_LARGE]: "SEND-PAYLOAD-LIMIT",
  [Reason.RECIPIENT_UNKNOWN]: "SEND-RECIPIENT",
  [Reason.CLI_SEQ_AHEAD]: "ACK-AHEAD",
  [Reason.EPOCH_MISMATCH]: "EPOCH-MISMATCH",
  [Reason.CREDENTIAL_INVALID]: "AUTH-SCHEME",
} as const;

/** Data that a response must not hold, by what they are. */
type Hidden = Readonly<Record<string, string>>;

const TOKEN = "bob's token";
const EPOCH = "the epoch of bob's inbox";
const USER_ID = "bob's user id";

/** Expects none of these data in a response. Skips those of less than 8 characters, which it may hold by chance. */
function expectNoLeak(t: Context, response: RawResponse, hidden: Hidden, what: string): void {
  const error = jsonObject(response.text) ?? {};
  const details = Array.isArray(error["details"]) ? (error["details"] as unknown[]) : [];
  const decoded = details.map((it) => Buffer.from(String(Object(it).value ?? ""), "base64").toString());
  const headers = Object.entries(response.headers).map((header): [string, string] => [
    `the header ${header[0]}`,
    JSON.stringify(header),
  ]);
  const places: [place: string, text: string][] = [
    ["the message of the error", JSON.stringify(error["message"] ?? "")],
    ...decoded.map((text): [string, string] => ["the value of a detail of the error", text]),
    ...headers,
    ["the JSON of the error", response.text],
  ];
  for (const [name, secret] of Object.entries(hidden).filter(([, { length }]) => length >= 8)) {
    const forms = [secret, Buffer.from(secret).toString("base64").replace(/=+$/, "")];
    const [place] = places.find(([, text]) => forms.some((form) => text.includes(form))) ?? [];
    if (place === undefined) continue;
    // A token is never shown.
    const value = name === TOKEN ? "" : `: ${secret}`;
    const violation = `${what} reveals data of another account`;
    t.fail("ERR-NO-LEAK", violation, `${place} without ${name}`, `${place} holds ${name}${value}`);
  }
}
