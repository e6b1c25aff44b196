import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { broken, describeAnswer, type RawCall, rawCall, rawRefused, sendOf, syncOf } from "../../harness/raw-calls.js";
import { describeRefusal } from "../../rpc/connect.js";

const AHEAD = 0xffff_ffff;

/** Errors: which one a call gets that is wrong in two ways. */
export const errorOrder: readonly Case[] = [
  {
    // § ERR-ORDER: Where several refusals apply to one call, a server MUST give one of the first kind in this order:
    // § the credential; the decoding of the body; the bounds of `client_message_id` and `payload`; `epoch`; all others.
    id: "errors/credential-before-body",
    title: "a stranger sends bodies that do not decode; he hears of the credential only",
    requirements: ["ERR-ORDER"],
    async run(t) {
      const { bob, alice } = t;
      for (const authorization of [undefined, "Bearer nobodys"]) {
        for (const call of [syncOf(t, bob), sendOf(t, alice, bob)]) {
          const answer = await rawCall(t, "ERR-ORDER", {
            rpc: call.rpc,
            body: broken(t, call.body),
            ...(authorization === undefined ? {} : { headers: { authorization } }),
          });
          const what = `a ${call.rpc} without a valid credential, whose body does not decode,`;
          rawRefused(t, answer, Reason.CREDENTIAL_INVALID, "ERR-ORDER", what);
        }
      }
      await isRefusedAsMalformed(t, { ...syncOf(t, bob), body: broken(t, syncOf(t, bob).body) }, "HTTP-MALFORMED");
    },
  },
  {
    id: "errors/credential-before-arguments",
    title: "a stranger sends wrong ids, recipients, epochs and cursors; he hears of the credential only",
    requirements: ["ERR-ORDER"],
    async run(t) {
      const { bob, alice } = t;
      const token = `nobodys-${t.newId()}`;
      const nobody = { userId: `nobody-${t.newId()}` };
      const answers = [
        await alice.trySend(bob, "", { id: "", token }),
        await alice.trySend(bob, Buffer.alloc(t.info.maxPayloadBytes + 1), { token }),
        await alice.trySend(nobody, "to nobody", { token }),
        await bob.device().trySync({ epoch: `not-${t.newId()}` }, { token }),
        await bob.device().trySync({ cliSeq: AHEAD }, { token }),
      ];
      for (const answer of answers) {
        t.refused<unknown>(
          answer,
          Reason.CREDENTIAL_INVALID,
          "ERR-ORDER",
          "a call with an unknown credential and more wrong",
        );
      }
    },
  },
  {
    id: "errors/body-before-arguments",
    title: "bodies that do not decode hold wrong ids, epochs and cursors too; they are refused as malformed",
    requirements: ["ERR-ORDER"],
    async run(t) {
      const { bob, alice } = t;
      const calls = [
        sendOf(t, alice, bob, { clientMessageId: "" }),
        sendOf(t, alice, { userId: `nobody-${t.newId()}` }),
        syncOf(t, bob, { epoch: `not-${t.newId()}` }),
        syncOf(t, bob, { cliSeq: AHEAD }),
      ];
      for (const call of calls) await isRefusedAsMalformed(t, { ...call, body: broken(t, call.body) }, "ERR-ORDER");
    },
  },
  {
    id: "errors/bounds-before-recipient",
    title:
      "alice sends with an empty id, with one of 65 bytes, and with too long a payload, to nobody, whose id may be too long as well; she hears of the id and the payload",
    requirements: ["ERR-ORDER"],
    async run(t) {
      const { alice } = t;
      const nobody = { userId: `nobody-${t.newId()}` };
      const nobodyLong = { userId: nobody.userId.padEnd(129, "x") };
      const large = Buffer.alloc(t.info.maxPayloadBytes + 1);
      const long = t.newId().padEnd(65, "x");
      for (const [to, id, what] of [
        [nobody, "", "a Send without an id to nobody"],
        [nobody, long, "a Send with an id of 65 bytes to nobody"],
        [nobodyLong, "", "a Send without an id to a recipient_id of 129 bytes"],
      ] as const) {
        t.refused(await alice.trySend(to, "hello", { id }), Reason.CLIENT_MESSAGE_ID_INVALID, "ERR-ORDER", what);
      }
      const tooLong = await alice.trySend(nobody, large);
      t.refused(tooLong, Reason.PAYLOAD_TOO_LARGE, "ERR-ORDER", "a Send of too long a payload to nobody");

      const both = await alice.trySend(nobody, large, { id: "" });
      const reason = both.kind === "refusal" ? both.refusal.reason : undefined;
      const fits = reason === Reason.CLIENT_MESSAGE_ID_INVALID || reason === Reason.PAYLOAD_TOO_LARGE;
      const actual = both.kind === "response" ? "it was accepted" : describeRefusal(both.refusal);
      const expected = "CLIENT_MESSAGE_ID_INVALID or PAYLOAD_TOO_LARGE";
      if (!fits) t.fail("ERR-ORDER", "a Send that is wrong in three ways", expected, actual);

      const right = await alice.trySend(nobody, "hello");
      t.refused(right, Reason.RECIPIENT_UNKNOWN, "SEND-RECIPIENT", "a Send to nobody");
    },
  },
  {
    id: "errors/bounds-before-reuse",
    title: "alice uses an id again, now with too long a payload; she hears of the payload",
    requirements: ["ERR-ORDER", "ERR-UNCHANGED"],
    async run(t) {
      const { bob, alice } = t;
      const sent = await alice.send(bob);
      const large = Buffer.alloc(t.info.maxPayloadBytes + 1);
      const answer = await alice.trySend(bob, large, { id: sent.clientMessageId });
      t.refused(answer, Reason.PAYLOAD_TOO_LARGE, "ERR-ORDER", "a used id with too long a payload");
      const again = await t.blaming("ERR-UNCHANGED", () => alice.send(bob, sent.payload, { id: sent.clientMessageId }));
      t.equal(again.acceptedAt, sent.acceptedAt, "ERR-UNCHANGED", "the refused Send changed what its id stands for");
      t.page(
        await bob.device().sync(),
        bob.base + 1,
        [sent],
        "ERR-UNCHANGED",
        "bob got something else than one message",
      );
    },
  },
  {
    id: "errors/bounds-before-exhaustion",
    title:
      "bob's inbox stands at 4294967295; alice's Sends to him without an id, or of too long a payload, are refused for that",
    requirements: ["ERR-ORDER"],
    needs: { startSeq: 0xffff_ffff },
    async run(t) {
      const { bob, alice } = t;
      const noId = await alice.trySend(bob, "hello", { id: "" });
      t.refused(noId, Reason.CLIENT_MESSAGE_ID_INVALID, "ERR-ORDER", "a Send without an id to an exhausted inbox");
      const tooLong = await alice.trySend(bob, Buffer.alloc(t.info.maxPayloadBytes + 1));
      t.refused(tooLong, Reason.PAYLOAD_TOO_LARGE, "ERR-ORDER", "a Send of too long a payload to an exhausted inbox");
      const right = await alice.trySend(bob, "hello");
      t.refused(right, Reason.SEQ_EXHAUSTED, "SEQ-EXHAUSTED", "a Send to an exhausted inbox");
    },
  },
  {
    id: "errors/epoch-before-cursor",
    title: "bob's tablet comes with a wrong epoch and a cursor that is ahead; it hears of the epoch",
    requirements: ["ERR-ORDER", "EPOCH-MISMATCH"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const tablet = bob.device("tablet");
      for (const cliSeq of [bob.base + 2, AHEAD]) {
        const both = await tablet.trySync({ cliSeq, epoch: `not-${t.newId()}` });
        t.refused(both, Reason.EPOCH_MISMATCH, "ERR-ORDER", "a Sync with a wrong epoch and a cursor that is ahead");
      }
      const ahead = await tablet.trySync({ cliSeq: bob.base + 2 });
      t.refused(ahead, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a Sync that is ahead");
    },
  },
];

/** MALFORMED is a SHOULD; another reason says that something was checked before the body. */
async function isRefusedAsMalformed(
  t: Context,
  call: RawCall,
  requirement: "ERR-ORDER" | "HTTP-MALFORMED",
): Promise<void> {
  const answer = await rawCall(t, requirement, call);
  const { code, reason } = answer.refusal ?? {};
  const fits = code === "invalid_argument" && (reason === Reason.MALFORMED || reason === Reason.UNSPECIFIED);
  const expected = "invalid_argument, with MALFORMED or without a reason";
  if (!fits) t.fail(requirement, `a ${call.rpc} whose body does not decode`, expected, describeAnswer(answer));
}
