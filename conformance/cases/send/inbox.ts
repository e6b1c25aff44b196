import { base64Decode } from "@bufbuild/protobuf/wire";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Message } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { bytes, type SentMessage, type TestAccount } from "../../harness/account.js";
import { expectExactly, tryFillBacklog } from "../../harness/backlog.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectNoStore, rawCall, sendOf, varint } from "../../harness/raw-calls.js";
import { expectSameResponseOnRetry } from "../../harness/retries.js";
import type { Refusal } from "../../rpc/result.js";

/** A number that no response holds by chance: ten digits, or five bytes as a varint. */
const START_SEQ = 3_141_592_653;
/** Maximum number of unacknowledged messages that a case sends. The case cannot reach a higher limit. */
const MAX_BACKLOG = 1200;

/** Send and the state of the recipient's inbox: what a response must not reveal, and a full inbox. */
export const sendInbox: readonly Case[] = [
  {
    // § SEND-SEQ-HIDDEN: The response to a Send, refusals and headers included, MUST NOT reveal the seq of the message,
    // § nor `svr_seq`, `acked_seq` or epoch of the recipient's inbox.
    id: "send/seq-hidden",
    title: "No response to a Send reveals a seq or the epoch of the recipient's inbox",
    requirements: ["SEND-SEQ-HIDDEN"],
    needs: { startSeq: START_SEQ },
    async run(t: Context) {
      const { bob, alice } = t;
      const first = await alice.send(bob, "the first");
      await alice.sendMany(bob, 3);
      const { epoch } = await bob.device().sync({ cliSeq: START_SEQ + 2 });
      const calls: Record<string, [to: TestAccount | string, id: string, payload: string | Uint8Array]> = {
        "a Send": [bob, t.newId(), "hello"],
        "another Send": [bob, t.newId(), "hello"],
        "a retry": [bob, first.clientMessageId, "the first"],
        "a Send with a used id and a different payload": [bob, first.clientMessageId, "other words"],
        "a Send with an empty id": [bob, "", "hello"],
        "a Send to an unknown recipient": [`${bob.userId}-nobody`, t.newId(), "hello"],
      };
      const refusals: Refusal[] = [];
      for (const [what, [to, clientMessageId, payload]] of Object.entries(calls)) {
        const recipient = typeof to === "string" ? { userId: to } : to;
        const call = sendOf(t, alice, recipient, { clientMessageId, payload: Buffer.from(payload) });
        const response = await rawCall(t, "SEND-ACCEPT", call);
        if (response.refusal !== undefined) refusals.push(response.refusal);
        const text = `${JSON.stringify(response.headers)}\n${Buffer.from(response.body).toString("latin1")}`;
        const reported = findLeak(
          [Buffer.from(text, "latin1"), ...errorDetails(response.body)],
          START_SEQ - 1,
          START_SEQ + 10,
          epoch,
        );
        const violation = `the response to ${what} reveals the state of the recipient's inbox`;
        t.that(
          reported === undefined,
          "SEND-SEQ-HIDDEN",
          violation,
          "neither seq nor epoch of the inbox in the response",
          `in the response: ${reported}`,
        );
      }
      const { messages } = await bob.device().sync();
      const revealed = seqInTimestamps(messages);
      t.that(
        revealed === undefined,
        "SEND-SEQ-HIDDEN",
        "accepted_at of each message ends with the digits of its seq, so the response to a Send reveals the seq",
        "accepted_at: without the seq",
        `accepted_at: ${revealed}`,
      );
      // Without accepted Sends there is nothing to reveal. After a short dedup window the retry is a message, too.
      for (const refusal of refusals) t.throwIfServerLimit(refusal);
      const { svrSeq } = await bob.state();
      t.that(
        svrSeq >= START_SEQ + 6,
        "SEND-ACCEPT",
        "the two Sends were not accepted",
        `svr_seq of at least ${START_SEQ + 6}`,
        `svr_seq ${svrSeq}`,
      );
    },
  },
  {
    // § SEND-BACKLOG: A server that accepts no more unacknowledged messages into an inbox MUST refuse a Send to it with
    // § `resource_exhausted` and the reason BACKLOG_FULL, if the Send is not a retry and no other refusal applies to
    // § it, and MUST NOT drop an accepted message to make room.
    id: "send/full-inbox",
    title: `An inbox with up to ${MAX_BACKLOG} unacknowledged messages keeps each of them, or refuses further Sends with BACKLOG_FULL`,
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
      const acked: SentMessage[] = [];
      await expectAccepted(t, alice, bob, "SEND-ACCEPT", acked);
      await phone.drain();
      const { sent, refused } = await tryFillBacklog(t, MAX_BACKLOG);
      if (refused === undefined)
        await expectSameResponseOnRetry(t, alice, bob, acked[0] as SentMessage, "SEND-RETRY-LATER");
      const { svrSeq, ackedSeq } = await bob.state();
      const expected = { svrSeq: bob.base + 1 + sent.length, ackedSeq: bob.base + 1 };
      const violation = "svr_seq and acked_seq do not agree with the accepted and acknowledged messages";
      t.equal({ svrSeq, ackedSeq }, expected, "SEND-BACKLOG", violation);
      // A full inbox affects Sends to it, not Sends by its owner.
      await expectAccepted(t, bob, alice, "SEND-ACCEPT");
      if (refused !== undefined) {
        const { clientMessageId: id, payload } = refused;
        const full = await rawCall(t, "SEND-BACKLOG", sendOf(t, alice, bob, { clientMessageId: id, payload }));
        if (full.refusal !== undefined) expectNoStore(t, full, "the refusal of a Send to a full inbox");
        const last = sent.at(-1);
        const violation = "an empty inbox accepted no message";
        t.that(last !== undefined, "SEND-ACCEPT", violation, "acceptance of the Send", "a refusal with BACKLOG_FULL");
        for (const { clientMessageId: id, payload } of [last, ...acked])
          await t.blaming("SEND-RETRY-FIRST", () => alice.send(bob, payload, { id }));
        await expectBoundsFirst(t);
        await expectIdFree(t, sent);
        await phone.drain();
        await expectAccepted(t, alice, bob, "SEND-BACKLOG", sent, refused);
        const state = await bob.state();
        const all = bob.base + 1 + sent.length;
        t.fields(
          state,
          { svrSeq: all },
          "SEND-ID-FREE",
          "svr_seq does not count a Send that was accepted after a refusal",
        );
      }
      await phone.drain();
      expectExactly(t, phone.stored, bob.base + 1, [...acked, ...sent], "SEND-BACKLOG");
    },
  },
];

/** Sends to an inbox without unacknowledged messages. Expects no BACKLOG_FULL. */
async function expectAccepted(
  t: Context,
  from: TestAccount,
  to: TestAccount,
  requirement: "SEND-ACCEPT" | "SEND-BACKLOG",
  sent: SentMessage[] = [],
  { clientMessageId: id, payload } = { clientMessageId: t.newId(), payload: bytes("hello") },
): Promise<void> {
  const result = await from.trySend(to, payload, { id });
  const isFull = result.kind === "refusal" && result.refusal.reason === Reason.BACKLOG_FULL;
  const what = `a Send to ${to.name} was refused with BACKLOG_FULL although the inbox has no unacknowledged message`;
  t.that(!isFull, requirement, what, "acceptance of the Send", "a refusal with BACKLOG_FULL");
  const blamed = requirement === "SEND-BACKLOG" ? "SEND-ID-FREE" : requirement;
  const { acceptedAt } = await t.blaming(blamed, async () => t.accepted(result, "SEND-ACCEPT"));
  sent.push({ clientMessageId: id, payload, acceptedAt });
}

/** Expects that Sends with an invalid id or payload to a full inbox are refused because of the id or payload. */
async function expectBoundsFirst(t: Context): Promise<void> {
  const { bob, alice } = t;
  const noId = await alice.trySend(bob, "hello", { id: "" });
  t.refused(noId, Reason.CLIENT_MESSAGE_ID_INVALID, "ERR-ORDER", "a Send with an empty id to a full inbox");
  const tooLong = await alice.trySend(bob, Buffer.alloc(t.maxPayloadBytes + 1));
  t.refused(
    tooLong,
    Reason.PAYLOAD_TOO_LARGE,
    "ERR-ORDER",
    "a Send with a payload above max_payload_bytes to a full inbox",
  );
}

/** Expects that a Send to bob's full inbox leaves its id unused if it is refused. Adds it to `sent` if accepted. */
async function expectIdFree(t: Context, sent: SentMessage[]): Promise<void> {
  const { bob, alice } = t;
  const id = t.newId();
  const result = await alice.trySend(bob, "to a full inbox", { id });
  if (result.kind === "response")
    sent.push({ clientMessageId: id, payload: bytes("to a full inbox"), acceptedAt: result.value.acceptedAt });
  else await t.blaming("SEND-ID-FREE", () => alice.send(alice, "a note", { id }));
}

/** Finds what these texts reveal of an inbox: a number from `low` to `high` in any usual form, or the epoch. */
function findLeak(texts: readonly Buffer[], low: number, high: number, epoch: string): string | undefined {
  for (const text of texts) {
    if (epoch.length >= 6 && text.includes(epoch)) return `the epoch ${epoch}`;
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
 * Returns the unit of time in which `accepted_at` of each message ends with the last digits of its seq; undefined if
 * there is none. With four messages the probability of a match by chance is 1 in 10^12 for the smallest unit.
 */
function seqInTimestamps(messages: readonly Message[]): string | undefined {
  if (messages.length < 4) return undefined;
  const parts = { microsecond: 1e3, millisecond: 1e6, second: 1e9 };
  return Object.entries(parts).find(([, nanos]) =>
    messages.every(({ seq, acceptedAt }) => (acceptedAt?.nanos ?? 0) % nanos === seq % nanos),
  )?.[0];
}

/** The details of an error, decoded from base64. */
function errorDetails(body: Uint8Array): Buffer[] {
  try {
    const { errorDetails: list } = JSON.parse(Buffer.from(body).toString()) as { errorDetails?: { value?: unknown }[] };
    return (list ?? []).map(({ value }) => Buffer.from(base64Decode(String(value ?? ""))));
  } catch {
    return [];
  }
}
