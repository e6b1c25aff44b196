import { base64Decode } from "@bufbuild/protobuf/wire";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Message } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { bytes, type Sent, type TestAccount } from "../../harness/account.js";
import { expectExactly, tryFillBacklog } from "../../harness/backlog.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { hasNoStore, rawCall, sendOf, varint } from "../../harness/raw-calls.js";
import { expectSameAnswerOnRetry } from "../../harness/retries.js";

/** A number that no answer holds by chance: ten digits, or five bytes as a varint. */
const DISTINCT = 3_141_592_653;
/** So many unacked messages are tried: a bound beyond it is none that a test can reach. */
const BACKLOG_TRIED = 1200;

/** How Send goes with the state of the recipient's inbox: what it does not tell, and what it does when there is no room. */
export const sendInbox: readonly Case[] = [
  {
    // § SEND-SEQ-HIDDEN: The answer to a Send, refusals and headers included, MUST NOT tell the seq of the message, nor
    // § `svr_seq`, `acked_seq` or epoch of the recipient's inbox.
    id: "send/seq-hidden",
    title: "no answer to alice, to a Send, a repetition or a refused one, holds a number or the epoch of bob's inbox",
    requirements: ["SEND-SEQ-HIDDEN"],
    needs: { startSeq: DISTINCT },
    async run(t: Context) {
      const { bob, alice } = t;
      const first = await alice.send(bob, "the first");
      await alice.sendMany(bob, 3);
      const { epoch } = await bob.device().sync({ cliSeq: DISTINCT + 2 });
      const calls: Record<string, [to: TestAccount | string, id: string, payload: string | Uint8Array]> = {
        "a Send": [bob, t.newId(), "hello"],
        "another Send": [bob, t.newId(), "hello"],
        "a repetition": [bob, first.clientMessageId, "the first"],
        "a refusal of an id used again": [bob, first.clientMessageId, "other words"],
        "a refusal of an empty id": [bob, "", "hello"],
        "a refusal of a recipient": [`${bob.userId}-nobody`, t.newId(), "hello"],
      };
      for (const [what, [to, clientMessageId, payload]] of Object.entries(calls)) {
        const recipient = typeof to === "string" ? { userId: to } : to;
        const call = sendOf(t, alice, recipient, { clientMessageId, payload: Buffer.from(payload) });
        const answer = await rawCall(t, "SEND-ACCEPT", call);
        const text = `${JSON.stringify(answer.headers)}\n${Buffer.from(answer.body).toString("latin1")}`;
        const told = revealed(
          [Buffer.from(text, "latin1"), ...details(answer.body)],
          DISTINCT - 1,
          DISTINCT + 10,
          epoch,
        );
        t.equal(told, undefined, "SEND-SEQ-HIDDEN", `the answer to ${what} tells about bob's inbox`);
      }
      const { messages } = await bob.device().sync();
      t.equal(hiddenInTime(messages), undefined, "SEND-SEQ-HIDDEN", "accepted_at, which alice is told, tells the seq");
      // Something was there to be told. After a short dedup window the repetition is a message, too.
      const { svrSeq } = await bob.state();
      t.that(
        svrSeq >= DISTINCT + 6,
        "SEND-ACCEPT",
        "the two Sends were not accepted",
        String(DISTINCT + 6),
        String(svrSeq),
      );
    },
  },
  {
    // § SEND-BACKLOG: A server that takes no more unacknowledged messages into an inbox MUST refuse a Send to it with
    // § `resource_exhausted` and the reason BACKLOG_FULL, if it is no repetition and no other refusal applies to it,
    // § and MUST NOT drop an accepted message to make room.
    id: "send/full-inbox",
    title: `bob's inbox gets up to ${BACKLOG_TRIED} messages and none is acked: either each is kept, or BACKLOG_FULL is said`,
    requirements: [
      "SEND-BACKLOG",
      "SEND-RETRY-FIRST",
      "SEND-RETRY-LATER",
      "SEND-ID-FREE",
      "SEND-ACCEPT",
      "SEND-SEQ-HIDDEN",
      "ERR-ORDER",
      "ERR-CODE",
      "HTTP-NO-STORE",
    ],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const phone = bob.device();
      const acked: Sent[] = [];
      await takes(t, alice, bob, "SEND-ACCEPT", acked);
      await phone.drain();
      const { sent, refused } = await tryFillBacklog(t, BACKLOG_TRIED);
      if (refused === undefined) await expectSameAnswerOnRetry(t, alice, bob, acked[0] as Sent, "SEND-RETRY-LATER");
      const { svrSeq, ackedSeq } = await bob.state();
      const expected = { svrSeq: bob.base + 1 + sent.length, ackedSeq: bob.base + 1 };
      t.equal({ svrSeq, ackedSeq }, expected, "SEND-BACKLOG", "an inbox made room, or counts what it refused");
      // It is the recipient's inbox that may be full, not the sender's.
      await takes(t, bob, alice, "SEND-ACCEPT");
      if (refused !== undefined) {
        const { clientMessageId: id, payload } = refused;
        const full = await rawCall(t, "SEND-BACKLOG", sendOf(t, alice, bob, { clientMessageId: id, payload }));
        if (full.refusal !== undefined) hasNoStore(t, full, "the refusal of a Send to a full inbox");
        const last = sent.at(-1);
        t.that(last !== undefined, "SEND-ACCEPT", "an empty inbox took no message", "that it is accepted", "refused");
        for (const { clientMessageId: id, payload } of [last, ...acked])
          await t.blaming("SEND-RETRY-FIRST", () => alice.send(bob, payload, { id }));
        await boundsComeFirst(t);
        await freeForAnother(t, sent);
        await phone.drain();
        await takes(t, alice, bob, "SEND-BACKLOG", sent, refused);
        const room = await bob.state();
        const all = bob.base + 1 + sent.length;
        t.equal(room.svrSeq, all, "SEND-ID-FREE", "what was refused before, and sent again, is not there");
      }
      await phone.drain();
      expectExactly(t, phone.stored, bob.base + 1, [...acked, ...sent], "SEND-BACKLOG");
    },
  },
];

/** Sends to an inbox in which nothing is unacked: it cannot be full. */
async function takes(
  t: Context,
  from: TestAccount,
  to: TestAccount,
  requirement: "SEND-ACCEPT" | "SEND-BACKLOG",
  sent: Sent[] = [],
  { clientMessageId: id, payload } = { clientMessageId: t.newId(), payload: bytes("hello") },
): Promise<void> {
  const answered = await from.trySend(to, payload, { id });
  const isFull = answered.kind === "refusal" && answered.refusal.reason === Reason.BACKLOG_FULL;
  const what = `${to.name}'s inbox is said to be full, and nothing in it is unacked`;
  t.that(!isFull, requirement, what, "that it takes a message", "BACKLOG_FULL");
  const blamed = requirement === "SEND-BACKLOG" ? "SEND-ID-FREE" : requirement;
  const { acceptedAt } = await t.blaming(blamed, async () => t.accepted(answered, "SEND-ACCEPT"));
  sent.push({ clientMessageId: id, payload, acceptedAt });
}

/** Sends to bob's full inbox what no inbox takes: that comes first, and tells nothing of the inbox. */
async function boundsComeFirst(t: Context): Promise<void> {
  const { bob, alice } = t;
  const noId = await alice.trySend(bob, "hello", { id: "" });
  t.refused(noId, Reason.CLIENT_MESSAGE_ID_INVALID, "ERR-ORDER", "a Send without an id to a full inbox");
  const tooLong = await alice.trySend(bob, Buffer.alloc(t.info.maxPayloadBytes + 1));
  t.refused(tooLong, Reason.PAYLOAD_TOO_LARGE, "ERR-ORDER", "a Send of too long a payload to a full inbox");
}

/** An id that bob's full inbox has refused is used for something else. How much it takes may change: then it has taken it. */
async function freeForAnother(t: Context, sent: Sent[]): Promise<void> {
  const { bob, alice } = t;
  const id = t.newId();
  const answered = await alice.trySend(bob, "to a full inbox", { id });
  if (answered.kind === "response")
    sent.push({ clientMessageId: id, payload: bytes("to a full inbox"), acceptedAt: answered.value.acceptedAt });
  else await t.blaming("SEND-ID-FREE", () => alice.send(alice, "a note", { id }));
}

/** What of an inbox an answer holds: a number from `low` to `high` in any usual form, or the epoch. */
function revealed(texts: readonly Buffer[], low: number, high: number, epoch: string): string | undefined {
  for (const text of texts) {
    if (epoch.length >= 6 && text.includes(epoch)) return `its epoch ${epoch}`;
    for (let seq = low; seq <= high; seq += 1) {
      const fixed = Buffer.alloc(4);
      fixed.writeUInt32LE(seq);
      const forms = [Buffer.from(String(seq)), Buffer.from(seq.toString(16)), varint(seq), fixed];
      if (forms.some((form) => text.includes(Buffer.from(form)))) return `the number ${seq}`;
    }
  }
  return undefined;
}

/**
 * The part of a second in which `accepted_at` of each message has the last digits of its seq; undefined if there is none. A clock
 * does not do that four times in a row: 1 in 10^12 for the smallest part.
 */
function hiddenInTime(messages: readonly Message[]): string | undefined {
  if (messages.length < 4) return undefined;
  const parts = { microsecond: 1e3, millisecond: 1e6, second: 1e9 };
  return Object.entries(parts).find(([, nanos]) =>
    messages.every(({ seq, acceptedAt }) => (acceptedAt?.nanos ?? 0) % nanos === seq % nanos),
  )?.[0];
}

/** The details of an error, as bytes: in the body they are base64. */
function details(body: Uint8Array): Buffer[] {
  try {
    const { details: list } = JSON.parse(Buffer.from(body).toString()) as { details?: { value?: unknown }[] };
    return (list ?? []).map(({ value }) => Buffer.from(base64Decode(String(value ?? ""))));
  } catch {
    return [];
  }
}
