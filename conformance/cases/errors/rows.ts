import { ErrorDetailSchema, Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Sent } from "../../harness/account.js";
import type { Case, Needs } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import {
  describeAnswer,
  hasNoStore,
  type RawAnswer,
  type RawCall,
  rawCall,
  rawRefused,
  sendOf,
  syncOf,
} from "../../harness/raw-calls.js";
import type { RequirementId } from "../../requirements/requirements.js";
import { CODE_OF, mediaType, STATUS_OF } from "../../rpc/connect.js";

type SendCall = ReturnType<typeof sendOf>;
type SyncCall = ReturnType<typeof syncOf>;

/** A row of the table of errors, and a call that earns it. */
interface Row<Call extends RawCall> {
  id: string;
  title: string;
  reason: Reason;
  /** Says that such a call is refused. */
  refuses: RequirementId;
  needs?: Needs;
  /** Made after alice has sent bob one message, `sent`. */
  call(t: Context, sent: Sent): Call;
}

const nobodys = <T extends RawCall>(call: T): T => ({ ...call, headers: { authorization: "Bearer nobodys" } });

const SENDS: readonly Row<SendCall>[] = [
  {
    id: "send-without-credential",
    title: "a Send with an unknown credential",
    reason: Reason.CREDENTIAL_INVALID,
    refuses: "AUTH-REQUIRED",
    call: (t) => nobodys(sendOf(t, t.alice, t.bob)),
  },
  {
    id: "id-empty",
    title: "a Send with an empty client_message_id",
    reason: Reason.CLIENT_MESSAGE_ID_INVALID,
    refuses: "SEND-ID-LIMIT",
    call: (t) => sendOf(t, t.alice, t.bob, { clientMessageId: "" }),
  },
  {
    id: "id-too-long",
    title: "a Send with a client_message_id of 65 bytes",
    reason: Reason.CLIENT_MESSAGE_ID_INVALID,
    refuses: "SEND-ID-LIMIT",
    call: (t) => sendOf(t, t.alice, t.bob, { clientMessageId: t.newId().padEnd(65, "x") }),
  },
  {
    id: "payload-too-large",
    title: "a Send with a payload that is a byte too long",
    reason: Reason.PAYLOAD_TOO_LARGE,
    refuses: "SEND-PAYLOAD-LIMIT",
    call: (t) => sendOf(t, t.alice, t.bob, { payload: Buffer.alloc(t.info.maxPayloadBytes + 1, "x") }),
  },
  {
    id: "recipient-unknown",
    title: "a Send to an account that does not exist",
    reason: Reason.RECIPIENT_UNKNOWN,
    refuses: "SEND-RECIPIENT",
    call: (t) => sendOf(t, t.alice, { userId: `nobody-${t.newId()}` }),
  },
  {
    id: "id-reused",
    title: "a Send of another payload under an id that was used",
    reason: Reason.CLIENT_MESSAGE_ID_REUSED,
    refuses: "SEND-ID-REUSED",
    call: (t, { clientMessageId }) => sendOf(t, t.alice, t.bob, { clientMessageId, payload: Buffer.from("another") }),
  },
];

const SYNCS: readonly Row<SyncCall>[] = [
  {
    id: "sync-without-credential",
    title: "a Sync with an unknown credential",
    reason: Reason.CREDENTIAL_INVALID,
    refuses: "AUTH-REQUIRED",
    call: (t) => nobodys(syncOf(t, t.bob, { cliSeq: t.bob.base + 1 })),
  },
  {
    id: "epoch-mismatch",
    title: "a Sync with an epoch that is not the current one",
    reason: Reason.EPOCH_MISMATCH,
    refuses: "EPOCH-MISMATCH",
    call: (t) => syncOf(t, t.bob, { cliSeq: t.bob.base + 1, epoch: `not-${t.newId()}` }),
  },
  {
    id: "cli-seq-ahead",
    title: "a Sync whose cli_seq is one too high",
    reason: Reason.CLI_SEQ_AHEAD,
    refuses: "ACK-AHEAD",
    call: (t) => syncOf(t, t.bob, { cliSeq: t.bob.base + 2 }),
  },
];

const CHECKS = ["ERR-CODE", "ERR-REASON", "ERR-SHAPE", "ERR-UNCHANGED", "HTTP-NO-STORE"] as const;

/** Errors: each row of the table, with its code, its form, and the inbox as it was. */
export const errorRows: readonly Case[] = [
  ...SENDS.map(
    (row): Case => ({
      id: `errors/${row.id}`,
      title: `${row.title} is refused as the table says, and changes nothing`,
      requirements: CHECKS,
      async run(t) {
        const { bob, alice } = t;
        const sent = await alice.send(bob, "before");
        const { send } = await refuse(t, row, sent);
        const wasUsed = send.clientMessageId === sent.clientMessageId;
        const { length } = Buffer.from(send.clientMessageId);
        await t.blaming("ERR-UNCHANGED", async () => {
          if (wasUsed) await alice.send(bob, sent.payload, { id: sent.clientMessageId });
          // An id that nobody has used, and that one may use, is still free.
          const id = wasUsed || length === 0 || length > 64 ? t.newId() : send.clientMessageId;
          const marker = await alice.send(bob, "after", { id });
          const page = await bob.device().sync();
          t.page(page, bob.base + 1, [sent, marker], "ERR-UNCHANGED", "a refused Send left something behind");
        });
      },
    }),
  ),
  ...SYNCS.map(
    (row): Case => ({
      id: `errors/${row.id}`,
      title: `${row.title} is refused as the table says, and changes nothing`,
      requirements: CHECKS,
      async run(t) {
        const { bob, alice } = t;
        const sent = await alice.send(bob, "pending");
        await refuse(t, row, sent);
        const page = await bob.device().sync();
        t.page(page, bob.base + 1, [sent], "ERR-UNCHANGED", "after a refused Sync the message is not there");
      },
    }),
  ),
  {
    id: "errors/seq-exhausted",
    title: "a Send to an inbox that stands at 4294967295 is refused as the table says, and changes nothing",
    requirements: CHECKS,
    needs: { startSeq: 0xffff_ffff },
    async run(t) {
      const { bob, alice } = t;
      const row = {
        title: "a Send to an exhausted inbox",
        reason: Reason.SEQ_EXHAUSTED,
        refuses: "SEQ-EXHAUSTED",
      } as const;
      const call = sendOf(t, alice, bob);
      await t.unchanged(bob, "ERR-UNCHANGED", row.title, async () => {
        wellRefused(t, row, await rawCall(t, row.refuses, call));
      });
      await t.blaming("ERR-UNCHANGED", () => alice.send(alice, "elsewhere", { id: call.send.clientMessageId }));
    },
  },
];

/** Makes the row's call, and expects its refusal and the inbox to be as they have to be. */
async function refuse<Call extends RawCall>(t: Context, row: Row<Call>, sent: Sent): Promise<Call> {
  const call = row.call(t, sent);
  await t.unchanged(t.bob, "ERR-UNCHANGED", row.title, async () => {
    wellRefused(t, row, await rawCall(t, row.refuses, call));
  });
  return call;
}

function wellRefused(
  t: Context,
  { reason, refuses, title }: Pick<Row<RawCall>, "reason" | "refuses" | "title">,
  answer: RawAnswer,
) {
  // The right code with another reason: it was the right check, and the error is wrong.
  const isRow = answer.refusal?.code === CODE_OF[reason];
  rawRefused(t, answer, reason, isRow ? "ERR-REASON" : refuses, title);
  hasShape(t, answer, title);
  hasNoStore(t, answer, title);
  const details = detailsOf(answer.text);
  t.equal(details.length, 1, "ERR-REASON", `${title}: the error does not have exactly one ErrorDetail`);
}

/** Expects the form of a Connect error (ERR-SHAPE). */
export function hasShape(t: Context, answer: RawAnswer, what: string): void {
  const type = mediaType(answer.headers["content-type"]);
  t.equal(type, "application/json", "ERR-SHAPE", `${what}: the error's content type`);
  const { refusal } = answer;
  if (refusal === undefined) {
    t.fail("ERR-SHAPE", `${what}: the body is no Connect error`, "an object with a code", describeAnswer(answer));
  }
  const expected = STATUS_OF[refusal.code] ?? "a code that Connect has";
  t.equal<unknown>(answer.status, expected, "ERR-SHAPE", `${what}: the HTTP status of the code ${refusal.code}`);
}

/** The ErrorDetails of an error, undecoded. */
export function detailsOf(text: string): { type: string; value: string }[] {
  const { details } = JSON.parse(text) as { details?: { type: string; value: string }[] };
  return (details ?? []).filter(({ type }) => String(type).split("/").at(-1) === ErrorDetailSchema.typeName);
}
