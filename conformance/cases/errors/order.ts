import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import {
  describeResponse,
  expectRawRefusal,
  type RawCall,
  rawCall,
  sendOf,
  syncOf,
  truncated,
} from "../../harness/raw-calls.js";
import { unique } from "../../harness/unique.js";
import { describeRefusal } from "../../rpc/connect.js";

const AHEAD = 0xffff_ffff;

/** Errors: precedence if several refusals apply to one call. */
export const errorOrder: readonly Case[] = [
  {
    // § ERR-ORDER: If several refusals apply to one call, a server MUST give a refusal of the first kind in this order
    // § that applies: the credential; the decoding of the body; the bounds of `client_message_id` and `payload`;
    // § `epoch`; all others.
    id: "errors/credential-before-body",
    title: "A call with an invalid credential and a malformed body is refused because of the credential",
    requirements: ["ERR-ORDER"],
    async run(t) {
      const { bob, alice } = t;
      for (const authorization of [undefined, "Bearer nobodys"]) {
        for (const call of [syncOf(t, bob), sendOf(t, alice, bob)]) {
          const response = await rawCall(t, "ERR-ORDER", {
            rpc: call.rpc,
            body: truncated(t, call.body),
            ...(authorization === undefined ? {} : { headers: { authorization } }),
          });
          const what = `a ${call.rpc} with an invalid credential and a malformed body`;
          expectRawRefusal(t, response, Reason.CREDENTIAL_INVALID, "ERR-ORDER", what);
        }
      }
      await expectMalformed(t, { ...syncOf(t, bob), body: truncated(t, syncOf(t, bob).body) }, "HTTP-MALFORMED");
    },
  },
  {
    id: "errors/credential-before-arguments",
    title: "A call with an invalid credential and invalid arguments is refused because of the credential",
    requirements: ["ERR-ORDER"],
    async run(t) {
      const { bob, alice } = t;
      const token = `nobodys-${unique()}`;
      const unknownUser = { userId: `nobody-${unique()}` };
      const results = [
        await alice.trySend(bob, "", { id: "", token }),
        await alice.trySend(bob, Buffer.alloc(t.maxPayloadBytes + 1), { token }),
        await alice.trySend(unknownUser, "to an unknown recipient", { token }),
        await bob.device().trySync({ epoch: `not-${unique()}` }, { token }),
        await bob.device().trySync({ cliSeq: AHEAD }, { token }),
      ];
      for (const response of results) {
        t.refused<unknown>(
          response,
          Reason.CREDENTIAL_INVALID,
          "ERR-ORDER",
          "a call with an unknown credential and invalid arguments",
        );
      }
    },
  },
  {
    id: "errors/body-before-arguments",
    title: "A call with a malformed body and invalid arguments is refused as malformed",
    requirements: ["ERR-ORDER"],
    async run(t) {
      const { bob, alice } = t;
      const calls = [
        sendOf(t, alice, bob, { clientMessageId: "" }),
        sendOf(t, alice, { userId: `nobody-${unique()}` }),
        syncOf(t, bob, { epoch: `not-${unique()}` }),
        syncOf(t, bob, { cliSeq: AHEAD }),
      ];
      for (const call of calls) await expectMalformed(t, { ...call, body: truncated(t, call.body) }, "ERR-ORDER");
    },
  },
  {
    id: "errors/bounds-before-recipient",
    title: "A Send to an unknown recipient with an invalid id or payload is refused because of the id or payload",
    requirements: ["ERR-ORDER"],
    async run(t) {
      const { alice } = t;
      const unknownUser = { userId: `nobody-${unique()}` };
      const longUser = { userId: unknownUser.userId.padEnd(129, "x") };
      const large = Buffer.alloc(t.maxPayloadBytes + 1);
      const long = unique().padEnd(65, "x");
      for (const [to, id, what] of [
        [unknownUser, "", "a Send with an empty id to an unknown recipient"],
        [unknownUser, long, "a Send with an id of 65 bytes to an unknown recipient"],
        [longUser, "", "a Send with an empty id to a recipient_id of 129 bytes"],
      ] as const) {
        t.refused(await alice.trySend(to, "hello", { id }), Reason.CLIENT_MESSAGE_ID_INVALID, "ERR-ORDER", what);
      }
      const tooLong = await alice.trySend(unknownUser, large);
      t.refused(
        tooLong,
        Reason.PAYLOAD_TOO_LARGE,
        "ERR-ORDER",
        "a Send with a payload above max_payload_bytes to an unknown recipient",
      );

      const both = await alice.trySend(unknownUser, large, { id: "" });
      const reason = both.kind === "refusal" ? both.refusal.reason : undefined;
      const fits = reason === Reason.CLIENT_MESSAGE_ID_INVALID || reason === Reason.PAYLOAD_TOO_LARGE;
      const actual = both.kind === "response" ? "it was accepted" : describeRefusal(both.refusal);
      const expected = "a refusal with CLIENT_MESSAGE_ID_INVALID or PAYLOAD_TOO_LARGE";
      if (!fits)
        t.fail(
          "ERR-ORDER",
          "a Send with an invalid id, payload and recipient was not refused because of the id or payload",
          expected,
          actual,
        );

      const valid = await alice.trySend(unknownUser, "hello");
      t.refused(valid, Reason.RECIPIENT_UNKNOWN, "SEND-RECIPIENT", "a Send to an unknown recipient");
    },
  },
  {
    id: "errors/bounds-before-reuse",
    title: "A Send with a used id and a payload above max_payload_bytes is refused because of the payload",
    requirements: ["ERR-ORDER", "ERR-UNCHANGED"],
    async run(t) {
      const { bob, alice } = t;
      const sent = await alice.send(bob);
      const large = Buffer.alloc(t.maxPayloadBytes + 1);
      const response = await alice.trySend(bob, large, { id: sent.clientMessageId });
      t.refused(
        response,
        Reason.PAYLOAD_TOO_LARGE,
        "ERR-ORDER",
        "a Send with a used id and a payload above max_payload_bytes",
      );
      const again = await t.blaming("ERR-UNCHANGED", () => alice.send(bob, sent.payload, { id: sent.clientMessageId }));
      const violation = "a refused Send changed the accepted_at of the message with its id";
      t.equal({ acceptedAt: again.acceptedAt }, { acceptedAt: sent.acceptedAt }, "ERR-UNCHANGED", violation);
      const message = "after a refused Send the inbox does not hold exactly the accepted message";
      t.page(await bob.device().sync(), bob.base + 1, [sent], "ERR-UNCHANGED", message);
    },
  },
  {
    id: "errors/bounds-before-exhaustion",
    title: "A Send with an invalid id or payload to an exhausted inbox is refused because of the id or payload",
    requirements: ["ERR-ORDER"],
    needs: { startSeq: 0xffff_ffff },
    async run(t) {
      const { bob, alice } = t;
      const noId = await alice.trySend(bob, "hello", { id: "" });
      t.refused(noId, Reason.CLIENT_MESSAGE_ID_INVALID, "ERR-ORDER", "a Send with an empty id to an exhausted inbox");
      const tooLong = await alice.trySend(bob, Buffer.alloc(t.maxPayloadBytes + 1));
      t.refused(
        tooLong,
        Reason.PAYLOAD_TOO_LARGE,
        "ERR-ORDER",
        "a Send with a payload above max_payload_bytes to an exhausted inbox",
      );
      const valid = await alice.trySend(bob, "hello");
      t.refused(valid, Reason.SEQ_EXHAUSTED, "SEQ-EXHAUSTED", "a Send to an exhausted inbox");
    },
  },
  {
    id: "errors/epoch-before-cursor",
    title: "A Sync with a wrong epoch and a cli_seq above svr_seq is refused because of the epoch",
    requirements: ["ERR-ORDER", "EPOCH-MISMATCH"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const tablet = bob.device("tablet");
      for (const cliSeq of [bob.base + 2, AHEAD]) {
        const both = await tablet.trySync({ cliSeq, epoch: `not-${unique()}` });
        t.refused(both, Reason.EPOCH_MISMATCH, "ERR-ORDER", "a Sync with a wrong epoch and a cli_seq above svr_seq");
      }
      const ahead = await tablet.trySync({ cliSeq: bob.base + 2 });
      t.refused(ahead, Reason.CLI_SEQ_AHEAD, "ACK-AHEAD", "a Sync with a cli_seq above svr_seq");
    },
  },
];

/** Expects `invalid_argument`. MALFORMED is a SHOULD; another reason shows that the arguments were checked first. */
async function expectMalformed(t: Context, call: RawCall, requirement: "ERR-ORDER" | "HTTP-MALFORMED"): Promise<void> {
  const response = await rawCall(t, requirement, call);
  const { code, reason } = response.refusal ?? {};
  const fits = code === "invalid_argument" && (reason === Reason.MALFORMED || reason === Reason.UNSPECIFIED);
  const expected = "a refusal with invalid_argument, and with MALFORMED or without a reason";
  if (!fits)
    t.fail(
      requirement,
      `a ${call.rpc} with a malformed body was not refused as malformed`,
      expected,
      describeResponse(response),
    );
}
