import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { broken, type RawAnswer, type RawCall, rawCall, rawRefused, sendOf, syncOf } from "../../harness/raw-calls.js";
import { errorOrder } from "./order.js";
import { errorRows, hasShape } from "./rows.js";

/** Cases of the chapter "Errors". */
export const errors: readonly Case[] = [
  ...errorRows,
  {
    // § ERR-SHAPE: A refusal of a unary call, other than the plain HTTP answers of the HTTP binding, MUST have the
    // § content type `application/json`, a body that is one JSON object with the member `code` holding a Connect code,
    // § and the HTTP status that belongs to that code.
    id: "errors/json-in-each-codec",
    title:
      "whatever codec and Accept header a refused call of alice has, its error is a JSON object with the code's status",
    requirements: ["ERR-SHAPE"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const ahead = syncOf(t, bob, { cliSeq: bob.base + 2 });
      for (const accept of [undefined, "application/proto", "text/html", "*/*"]) {
        const headers = accept === undefined ? {} : { accept };
        const answer = await rawCall(t, "ERR-SHAPE", { ...ahead, headers });
        rawRefused(t, answer, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a Sync that is ahead");
        hasShape(t, answer, `a refusal of a call with Accept ${accept ?? "missing"}`);
      }
      const malformed = await rawCall(t, "ERR-SHAPE", { ...ahead, body: broken(t, ahead.body) });
      t.equal(malformed.refusal?.code, "invalid_argument", "HTTP-MALFORMED", "a body that does not decode");
      hasShape(t, malformed, "a refusal of a body that does not decode");
    },
  },
  {
    // § ERR-UNCHANGED: A refused call MUST change nothing: no seq is used up, nothing is delivered or acknowledged, and
    // § the `client_message_id` of a refused Send stays as free or as used as it was.
    id: "errors/malformed-changes-nothing",
    title: "a Send and a Sync whose bodies break off after valid fields change nothing; the Send's id stays free",
    requirements: ["ERR-UNCHANGED"],
    async run(t) {
      const { bob, alice } = t;
      const sent = await alice.send(bob, "before");
      const [send, sync] = [sendOf(t, alice, bob), syncOf(t, bob, { cliSeq: bob.base + 1 })];
      await t.unchanged(bob, "ERR-UNCHANGED", "a call that does not decode", async () => {
        for (const call of [send, sync]) {
          const answer = await rawCall(t, "ERR-UNCHANGED", { ...call, body: broken(t, call.body) });
          t.equal(answer.refusal?.code, "invalid_argument", "HTTP-MALFORMED", `a ${call.rpc} that does not decode`);
        }
      });
      await t.blaming("ERR-UNCHANGED", async () => {
        const marker = await alice.send(bob, "another", { id: send.send.clientMessageId });
        const page = await bob.device().sync();
        t.page(page, bob.base + 1, [sent, marker], "ERR-UNCHANGED", "a malformed Send left something behind");
      });
    },
  },
  {
    id: "errors/refused-into-an-empty-inbox",
    title:
      "with nothing pending, alice sends bob one with too long an id, one too large and one over both; then a good one",
    requirements: ["ERR-UNCHANGED"],
    async run(t) {
      const { bob, alice } = t;
      const { maxPayloadBytes } = t.info;
      const long = "x".repeat(65);
      // Larger ones than that are for HTTP-BODY-LIMIT.
      const large = new Uint8Array(Math.min(maxPayloadBytes, 4 << 20) + 1);
      await t.unchanged(bob, "ERR-UNCHANGED", "a refused Send into an empty inbox", async () => {
        for (const [payload, id] of [
          ["hello", long],
          [large, undefined],
          [large, long],
        ] as const) {
          if (payload === large && large.length <= maxPayloadBytes) continue;
          const answered = await alice.trySend(bob, payload, id === undefined ? {} : { id });
          if (answered.kind === "response")
            t.fail("SEND-PAYLOAD-LIMIT", "a Send over a limit", "a refusal", "it was accepted");
        }
      });
      const marker = await alice.send(bob, "good");
      const page = await bob.device().sync();
      t.page(page, bob.base + 1, [marker], "ERR-UNCHANGED", "a refused Send left something behind");
    },
  },
  {
    id: "errors/refused-among-accepted",
    title: "at the same moment alice sends bob 10 messages and 15 that are refused; the 10 have consecutive seqs",
    requirements: ["ERR-UNCHANGED"],
    async run(t) {
      const { bob, alice } = t;
      const large = Buffer.alloc(t.info.maxPayloadBytes + 1);
      const refusals = Array.from({ length: 5 }, async (_, n) => {
        t.refused(
          await alice.trySend(bob, "no id", { id: "" }),
          Reason.CLIENT_MESSAGE_ID_INVALID,
          "SEND-ID-LIMIT",
          "no id",
        );
        t.refused(await alice.trySend(bob, large), Reason.PAYLOAD_TOO_LARGE, "SEND-PAYLOAD-LIMIT", "a large payload");
        const unknown = await alice.trySend({ userId: `nobody-${t.newId()}` }, `${n}`);
        t.refused(unknown, Reason.RECIPIENT_UNKNOWN, "SEND-RECIPIENT", "an unknown recipient");
      });
      const [sent] = await Promise.all([alice.sendAtOnce(bob, 10), ...refusals]);
      const { svrSeq } = await bob.state();
      t.equal(svrSeq, bob.base + sent.length, "ERR-UNCHANGED", "refused Sends took seqs");
      const seqs = (await bob.device().drain()).map(({ seq }) => seq);
      t.equal(
        seqs,
        sent.map((_, n) => bob.base + 1 + n),
        "ERR-UNCHANGED",
        "refused Sends left holes",
      );
    },
  },
  {
    // § ERR-NO-LEAK: An error MUST NOT hold a credential, nor any message content, message id, user id, seq or epoch of
    // § another account than the caller's, except what the caller itself has sent in the same call.
    id: "errors/nothing-of-another-inbox",
    title:
      "bob has a secret message waiting; no refusal that alice can provoke holds anything of it, or of his account, even where she nearly hits his name",
    requirements: ["ERR-NO-LEAK", "SEND-SEQ-HIDDEN"],
    async run(t) {
      const { bob, alice } = t;
      const secret = await bob.send(bob, `secret-${t.newId()}`);
      const used = await alice.send(bob, "used");
      const [his, hers] = [await bob.state(), await alice.state()];
      const hidden = [bob.token, secret.clientMessageId, Buffer.from(secret.payload).toString()];
      if (his.epoch !== hers.epoch) hidden.push(his.epoch);

      const nearlyBob = { userId: `${bob.userId}-${t.newId()}`.slice(-128) };
      // As long as his, and wrong at the end only: what a server would take for a slip of the pen.
      const almostBob = { userId: `${bob.userId.slice(0, -1)}${bob.userId.endsWith("~") ? "!" : "~"}` };
      const id = used.clientMessageId;
      const reused = sendOf(t, alice, alice, { clientMessageId: id, payload: used.payload });
      const slip = sendOf(t, alice, almostBob);
      const cases: [Reason, RawCall][] = [
        [Reason.CLIENT_MESSAGE_ID_REUSED, sendOf(t, alice, bob, { clientMessageId: id })],
        [Reason.CLIENT_MESSAGE_ID_REUSED, reused],
        [Reason.CLIENT_MESSAGE_ID_INVALID, sendOf(t, alice, bob, { clientMessageId: "" })],
        [Reason.PAYLOAD_TOO_LARGE, sendOf(t, alice, bob, { payload: Buffer.alloc(t.info.maxPayloadBytes + 1) })],
        [Reason.RECIPIENT_UNKNOWN, sendOf(t, alice, nearlyBob)],
        [Reason.RECIPIENT_UNKNOWN, slip],
      ];
      // All ids of this run begin alike, so no such beginning may be in an error whose call had none.
      const anyId = t.newId().slice(0, 8);
      for (const [reason, call] of cases) {
        const answer = await rawCall(t, "ERR-NO-LEAK", call);
        const { detail } = rawRefused(t, answer, reason, "ERR-NO-LEAK", "a wrong Send of alice");
        const isAnonymous = reason === Reason.CLIENT_MESSAGE_ID_INVALID;
        // Bob's name may be told to whom has named him in the same call, and in alice's own name it is no leak.
        const isNameless = (call === reused || call === slip) && !alice.userId.includes(bob.userId);
        const more = [...(isAnonymous ? [anyId] : []), ...(isNameless ? [bob.userId] : [])];
        holdsNone(t, answer, [...hidden, ...more], `the refusal with ${Reason[reason]}`);
        if (call !== reused) continue;
        const told = { svrSeq: detail?.svrSeq, epoch: detail?.epoch };
        t.equal(
          told,
          { svrSeq: 0, epoch: "" },
          "SEND-SEQ-HIDDEN",
          "a refused Send of alice to herself tells her state",
        );
      }
      // A Sync has no recipient that could be echoed.
      const syncs: [Reason, RawCall][] = [
        [Reason.CLI_SEQ_AHEAD, syncOf(t, alice, { cliSeq: hers.svrSeq + 1 })],
        [Reason.EPOCH_MISMATCH, syncOf(t, alice, { epoch: `not-${t.newId()}` })],
        [
          Reason.CREDENTIAL_INVALID,
          { ...syncOf(t, bob), by: undefined, headers: { authorization: `Token ${bob.token}` } },
        ],
      ];
      for (const [reason, call] of syncs) {
        const answer = await rawCall(t, "ERR-NO-LEAK", call);
        rawRefused(t, answer, reason, "ERR-NO-LEAK", "a wrong Sync");
        holdsNone(t, answer, [...hidden, bob.userId], `the refusal with ${Reason[reason]}`);
      }
    },
  },
  {
    id: "errors/nothing-of-anothers-numbers",
    title: "bob's inbox stands at 2718281828; refusals of alice's Sends to him do not tell",
    requirements: ["ERR-NO-LEAK"],
    needs: { startSeq: 2_718_281_828 },
    async run(t) {
      const { bob, alice } = t;
      const { epoch } = await bob.state();
      const hers = await alice.state();
      const used = await alice.send(alice, "used");
      const hidden = [`${bob.base}`, `${bob.base + 1}`, ...(epoch === hers.epoch ? [] : [epoch])];
      const tries: [Reason, RawCall][] = [
        [Reason.CLIENT_MESSAGE_ID_REUSED, sendOf(t, alice, bob, { clientMessageId: used.clientMessageId })],
        [Reason.CLIENT_MESSAGE_ID_INVALID, sendOf(t, alice, bob, { clientMessageId: "" })],
        [Reason.PAYLOAD_TOO_LARGE, sendOf(t, alice, bob, { payload: Buffer.alloc(t.info.maxPayloadBytes + 1) })],
      ];
      for (const [reason, call] of tries) {
        const answer = await rawCall(t, "ERR-NO-LEAK", call);
        const { detail } = rawRefused(t, answer, reason, "ERR-NO-LEAK", "a wrong Send of alice to bob");
        holdsNone(t, answer, hidden, `the refusal with ${Reason[reason]}`);
        t.equal(detail?.svrSeq, 0, "ERR-NO-LEAK", "a refused Send tells a seq in its detail");
      }
    },
  },
  ...errorOrder,
];

/** Expects that none of these is in an answer: not in its headers, its text, or a detail. Short ones may be there by chance. */
function holdsNone(t: Context, answer: RawAnswer, hidden: readonly string[], what: string): void {
  const { details } = JSON.parse(answer.text) as { details?: { value?: string }[] };
  const decoded = (details ?? []).map(({ value }) => Buffer.from(value ?? "", "base64").toString());
  const places = [answer.text, JSON.stringify(answer.headers), ...decoded];
  for (const secret of hidden.filter(({ length }) => length >= 8)) {
    const forms = [secret, Buffer.from(secret).toString("base64").replace(/=+$/, "")];
    const found = places.some((place) => forms.some((form) => place.includes(form)));
    t.equal(found, false, "ERR-NO-LEAK", `${what} holds something of another account`);
  }
}
