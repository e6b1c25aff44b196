import { ErrorDetailSchema, Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { SentMessage } from "../../harness/account.js";
import type { Case, Needs } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import {
  describeResponse,
  expectNoStore,
  expectRawRefusal,
  type RawCall,
  type RawResponse,
  rawCall,
  sendOf,
  syncOf,
} from "../../harness/raw-calls.js";
import { unique } from "../../harness/unique.js";
import type { RequirementId } from "../../requirements/requirements.js";
import { CODE_OF, jsonObject, mediaType, STATUS_OF } from "../../rpc/connect.js";

type SendCall = ReturnType<typeof sendOf>;
type SyncCall = ReturnType<typeof syncOf>;

/** A row of the table of errors, with a call to which it applies. */
interface Row<Call extends RawCall> {
  id: string;
  title: string;
  reason: Reason;
  /** The requirement that demands the refusal. */
  requirement: RequirementId;
  needs?: Needs;
  /** Builds the call. Alice has sent bob one message before, `sent`. */
  call(t: Context, sent: SentMessage): Call;
}

const withUnknownToken = <T extends RawCall>(call: T): T => ({ ...call, headers: { authorization: "Bearer nobodys" } });

const SENDS: readonly Row<SendCall>[] = [
  {
    id: "send-without-credential",
    title: "a Send with an unknown credential",
    reason: Reason.CREDENTIAL_INVALID,
    requirement: "AUTH-REQUIRED",
    call: (t) => withUnknownToken(sendOf(t, t.alice, t.bob)),
  },
  {
    id: "id-empty",
    title: "a Send with an empty client_message_id",
    reason: Reason.CLIENT_MESSAGE_ID_INVALID,
    requirement: "SEND-ID-LIMIT",
    call: (t) => sendOf(t, t.alice, t.bob, { clientMessageId: "" }),
  },
  {
    id: "id-too-long",
    title: "a Send with a client_message_id of 65 bytes",
    reason: Reason.CLIENT_MESSAGE_ID_INVALID,
    requirement: "SEND-ID-LIMIT",
    call: (t) => sendOf(t, t.alice, t.bob, { clientMessageId: unique().padEnd(65, "x") }),
  },
  {
    id: "payload-too-large",
    title: "a Send with a payload of one byte above max_payload_bytes",
    reason: Reason.PAYLOAD_TOO_LARGE,
    requirement: "SEND-PAYLOAD-LIMIT",
    call: (t) => sendOf(t, t.alice, t.bob, { payload: Buffer.alloc(t.maxPayloadBytes + 1, "x") }),
  },
  {
    id: "recipient-unknown",
    title: "a Send to an account that does not exist",
    reason: Reason.RECIPIENT_UNKNOWN,
    requirement: "SEND-RECIPIENT",
    call: (t) => sendOf(t, t.alice, { userId: `nobody-${unique()}` }),
  },
  {
    id: "id-reused",
    title: "a Send with a used id and a different payload",
    reason: Reason.CLIENT_MESSAGE_ID_REUSED,
    requirement: "SEND-ID-REUSED",
    call: (t, { clientMessageId }) => sendOf(t, t.alice, t.bob, { clientMessageId, payload: Buffer.from("another") }),
  },
];

const SYNCS: readonly Row<SyncCall>[] = [
  {
    id: "sync-without-credential",
    title: "a Sync with an unknown credential",
    reason: Reason.CREDENTIAL_INVALID,
    requirement: "AUTH-REQUIRED",
    call: (t) => withUnknownToken(syncOf(t, t.bob, { cliSeq: t.bob.base + 1 })),
  },
  {
    id: "epoch-mismatch",
    title: "a Sync with an epoch other than the current one",
    reason: Reason.EPOCH_MISMATCH,
    requirement: "EPOCH-MISMATCH",
    call: (t) => syncOf(t, t.bob, { cliSeq: t.bob.base + 1, epoch: `not-${unique()}` }),
  },
  {
    id: "cli-seq-ahead",
    title: "a Sync with a cli_seq one above svr_seq",
    reason: Reason.CLI_SEQ_AHEAD,
    requirement: "ACK-AHEAD",
    call: (t) => syncOf(t, t.bob, { cliSeq: t.bob.base + 2 }),
  },
];

const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const errorOf = (reason: Reason) => `${CODE_OF[reason]} ${Reason[reason]}`;

const CHECKS = ["ERR-CODE", "ERR-REASON", "ERR-SHAPE", "ERR-UNCHANGED", "HTTP-NO-STORE"] as const;

/** Errors: each row of the table with its code, its reason, its form, and no change of the inbox. */
export const errorRows: readonly Case[] = [
  ...SENDS.map(
    (row): Case => ({
      id: `errors/${row.id}`,
      title: `${capitalized(row.title)} is refused with ${errorOf(row.reason)} and changes nothing`,
      requirements: CHECKS,
      async run(t) {
        const { bob, alice } = t;
        const sent = await alice.send(bob, "before");
        const { send } = await makeRefusedCall(t, row, sent);
        const wasUsed = send.clientMessageId === sent.clientMessageId;
        const { length } = Buffer.from(send.clientMessageId);
        await t.blaming("ERR-UNCHANGED", async () => {
          if (wasUsed) await alice.send(bob, sent.payload, { id: sent.clientMessageId });
          // A valid unused id can still be used.
          const id = wasUsed || length === 0 || length > 64 ? t.newId() : send.clientMessageId;
          const marker = await alice.send(bob, "after", { id });
          const page = await bob.device().sync();
          const violation = "after a refused Send the inbox does not hold exactly the accepted messages";
          t.page(page, bob.base + 1, [sent, marker], "ERR-UNCHANGED", violation);
        });
      },
    }),
  ),
  ...SYNCS.map(
    (row): Case => ({
      id: `errors/${row.id}`,
      title: `${capitalized(row.title)} is refused with ${errorOf(row.reason)} and changes nothing`,
      requirements: CHECKS,
      async run(t) {
        const { bob, alice } = t;
        const sent = await alice.send(bob, "pending");
        await makeRefusedCall(t, row, sent);
        const page = await bob.device().sync();
        const violation = "after a refused Sync the pending message was not delivered";
        t.page(page, bob.base + 1, [sent], "ERR-UNCHANGED", violation);
      },
    }),
  ),
  {
    id: "errors/seq-exhausted",
    title: `A Send to an inbox with svr_seq 4294967295 is refused with ${errorOf(Reason.SEQ_EXHAUSTED)} and changes nothing`,
    requirements: CHECKS,
    needs: { startSeq: 0xffff_ffff },
    async run(t) {
      const { bob, alice } = t;
      const row = {
        title: "a Send to an exhausted inbox",
        reason: Reason.SEQ_EXHAUSTED,
        requirement: "SEQ-EXHAUSTED",
      } as const;
      const call = sendOf(t, alice, bob);
      await t.unchanged(bob, "ERR-UNCHANGED", row.title, async () => {
        expectRowRefusal(t, row, await rawCall(t, row.requirement, call));
      });
      await t.blaming("ERR-UNCHANGED", () => alice.send(alice, "to another inbox", { id: call.send.clientMessageId }));
    },
  },
];

/** Makes the row's call. Expects its refusal, and no change of bob's inbox. */
async function makeRefusedCall<Call extends RawCall>(t: Context, row: Row<Call>, sent: SentMessage): Promise<Call> {
  const call = row.call(t, sent);
  await t.unchanged(t.bob, "ERR-UNCHANGED", row.title, async () => {
    expectRowRefusal(t, row, await rawCall(t, row.requirement, call));
  });
  return call;
}

function expectRowRefusal(
  t: Context,
  { reason, requirement, title }: Pick<Row<RawCall>, "reason" | "requirement" | "title">,
  response: RawResponse,
) {
  // The right code with a wrong reason shows that the server made the right check, but built the wrong error.
  const hasCode = response.refusal?.code === CODE_OF[reason];
  expectRawRefusal(t, response, reason, hasCode ? "ERR-REASON" : requirement, title);
  expectErrorShape(t, response, `the refusal of ${title}`);
  expectNoStore(t, response, `the refusal of ${title}`);
  const details = detailsOf(response.text);
  t.equal(
    { details: details.length },
    { details: 1 },
    "ERR-REASON",
    `the error of ${title} does not have exactly one ErrorDetail`,
  );
}

/** Expects the form of a Connect error (ERR-SHAPE). */
export function expectErrorShape(t: Context, response: RawResponse, what: string): void {
  const type = mediaType(response.headers["content-type"]);
  t.equal(
    { contentType: type },
    { contentType: "application/json" },
    "ERR-SHAPE",
    `${what} has the wrong content type`,
  );
  const { refusal } = response;
  if (refusal === undefined) {
    t.fail("ERR-SHAPE", `${what} is not a Connect error`, "an object with a code", describeResponse(response));
  }
  const expected = STATUS_OF[refusal.code] ?? "the status of a Connect code";
  const violation = `${what} does not have the HTTP status of the code ${refusal.code}`;
  t.equal<unknown>(response.status, expected, "ERR-SHAPE", violation);
}

/** The ErrorDetails of a Connect error, not decoded. */
export function detailsOf(text: string): { type: string; value: string }[] {
  const details = jsonObject(text)?.["details"];
  const list = (Array.isArray(details) ? details : []) as { type: string; value: string }[];
  return list.filter((it) => String(Object(it).type).split("/").at(-1) === ErrorDetailSchema.typeName);
}
