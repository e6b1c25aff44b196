import { setTimeout as pause } from "node:timers/promises";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { abandonSend } from "../../harness/abandoned-calls.js";
import type { SentMessage, TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectResponse, METHOD, rawCall } from "../../harness/raw-calls.js";
import { expectSameAcceptedAt, expectSameResponseOnRetry } from "../../harness/retries.js";
import { unique } from "../../harness/unique.js";
import type { Codec } from "../../rpc/connect.js";

const MAX_SEQ = 0xffff_ffff;
/** Pause before a late retry, in milliseconds: longer than the lifetime of typical caches, short enough for a test. */
const PAUSE_MS = 20_000;

export const sendRetry: readonly Case[] = [
  {
    // § SEND-RETRY: Within the dedup window a retry of an accepted Send MUST succeed with the first one's
    // § `accepted_at`, and MUST NOT create a message.
    id: "send/retry",
    title: "Each retry of a Send returns the first one's accepted_at and creates no message",
    requirements: ["SEND-RETRY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const before = await alice.send(bob, "before");
      const first = await alice.send(bob, "the message");
      const after = await alice.send(bob, "after");
      for (let attempt = 2; attempt <= 4; attempt += 1)
        await expectSameResponseOnRetry(t, alice, bob, first, "SEND-RETRY");
      t.fields(await bob.state(), { svrSeq: bob.base + 3 }, "SEND-RETRY", "a retry used up a seq");
      const got = await bob.device().drain();
      const violation = "the delivered messages are not exactly those of the first attempts";
      t.all(got, bob.base + 1, [before, first, after], "SEND-RETRY", violation);
    },
  },
  {
    id: "send/retry-of-each-size",
    title: "Retries with an empty and with a large payload are recognised",
    requirements: ["SEND-RETRY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: SentMessage[] = [];
      for (const size of [0, Math.min(t.info.maxPayloadBytes, 1 << 20)]) {
        sent.push(await alice.send(bob, new Uint8Array(size).fill(1)));
      }
      for (const one of sent) await expectSameResponseOnRetry(t, alice, bob, one, "SEND-RETRY");
      const violation = "the delivered messages are not exactly those of the first attempts";
      t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-RETRY", violation);
    },
  },
  {
    id: "send/retry-without-a-payload",
    title: "In JSON a payload that is absent, empty or null is the same payload in a retry",
    requirements: ["SEND-RETRY", "HTTP-JSON"],
    codec: "json",
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: SentMessage[] = [];
      const forms: (string | null | undefined)[] = [undefined, "", null];
      for (const first of [undefined, ""]) {
        const clientMessageId = t.newId();
        const send = { recipientId: bob.userId, clientMessageId, payload: new Uint8Array() };
        const results: SentMessage[] = [];
        for (const payload of [first, ...forms]) {
          const body = Buffer.from(JSON.stringify({ recipientId: bob.userId, clientMessageId, payload }));
          const response = await rawCall(t, "SEND-RETRY", { rpc: "Send", by: alice, body, intendedEffect: { send } });
          const what = `a Send ${payload === undefined ? "without a payload" : `with the payload ${JSON.stringify(payload)}`}`;
          const { acceptedAt } = expectResponse(t, "SEND-RETRY", METHOD.Send.output, response, what);
          results.push({ clientMessageId, payload: send.payload, acceptedAt });
        }
        for (const again of results) expectSameAcceptedAt(t, again, results[0] as SentMessage, "SEND-RETRY");
        sent.push(results[0] as SentMessage);
      }
      const got = await bob.device().drain();
      const violation = "Sends without a payload in different forms were not delivered as one message each";
      t.all(got, bob.base + 1, sent, "SEND-RETRY", violation);
    },
  },
  {
    id: "send/answer-never-read",
    title: "A retry after an abandoned Send leads to exactly one message",
    requirements: ["SEND-RETRY", "SEND-RETRY-CONCURRENT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: SentMessage[] = [];
      for (let n = 0; n < 6; n += 1) {
        const message = { clientMessageId: t.newId(), payload: Buffer.from(`message ${n}`) };
        await abandonSend(t, alice, { recipientId: bob.userId, ...message });
        const { clientMessageId: id, payload } = message;
        sent.push(await t.blaming("SEND-RETRY", () => alice.send(bob, payload, { id })));
      }
      const marker = await alice.send(bob, "the end");
      const phone = bob.device();
      await phone.drain();
      // The abandoned request may arrive after its retry and must not create a message then.
      const violation = "the inbox does not hold each message exactly once";
      t.all(phone.stored, bob.base + 1, [...sent, marker], "SEND-RETRY", violation);
    },
  },
  {
    // § SEND-RETRY-CONCURRENT: From Sends that are retries of each other and in flight at the same time, the recipient
    // § MUST NOT get more than one message, and all that succeed MUST return the same `accepted_at`.
    id: "send/retry-at-once",
    title: "Eight concurrent attempts of each of ten Sends lead to one message each",
    requirements: ["SEND-RETRY-CONCURRENT"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await Promise.all(
        Array.from({ length: 10 }, (_, n) => sendConcurrently(t, alice, bob, `message ${n}`, 8)),
      );
      await expectEachOnce(t, sent);
    },
  },
  {
    id: "send/retry-overtakes",
    title: "24 overlapping attempts of a Send, in each codec and at each front end, lead to one message",
    requirements: ["SEND-RETRY-CONCURRENT", "SEND-RETRY"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: SentMessage[] = [];
      for (let n = 0; n < 4; n += 1) {
        const rounds: Promise<SentMessage>[] = [];
        const id = t.newId();
        for (let turn = 0; turn < 6; turn += 1) {
          const round = sendConcurrently(t, alice, bob, `message ${n}`, 4, id);
          round.catch(() => {}); // awaited below
          rounds.push(round);
          await bob.state(); // a pause of the duration of a call
        }
        const same = await Promise.all(rounds);
        for (const one of same) expectSameAcceptedAt(t, one, same[0] as SentMessage, "SEND-RETRY-CONCURRENT");
        sent.push(same[0] as SentMessage);
      }
      await expectEachOnce(t, sent);
    },
  },
  {
    // § SEND-ID-SCOPE: The same `client_message_id` used by two senders MUST be treated as two ids.
    id: "send/retry-of-two-senders-at-once",
    title: "Concurrent attempts of two senders with the same id lead to one message from each sender",
    requirements: ["SEND-ID-SCOPE", "SEND-RETRY-CONCURRENT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const id = t.newId();
      await Promise.all([alice, bob].map((sender) => sendConcurrently(t, sender, bob, "the same payload", 5, id)));
      const got = await bob.device().drain();
      const senders = got.map(({ senderId }) => senderId).sort();
      const violation = "the delivered messages are not exactly one of each sender";
      t.equal({ senderIds: senders }, { senderIds: [alice.userId, bob.userId].sort() }, "SEND-ID-SCOPE", violation);
    },
  },
  {
    // § SEND-RETRY: Within the dedup window a retry of an accepted Send MUST succeed with the first one's
    // § `accepted_at`, and MUST NOT create a message.
    id: "send/retry-over-codecs",
    title: "A retry in another codec or at another front end is recognised",
    requirements: ["SEND-RETRY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const payload = Uint8Array.of(0, 255, 10, 0);
      const sent: SentMessage[] = [];
      for (const codec of codecsOf(t)) {
        const first = await alice.send(bob, payload, { codec, id: `${unique()}é"\\` });
        for (const again of codecsOf(t)) {
          for (let endpoint = 0; endpoint < t.session.transport.urls.length; endpoint += 1) {
            const response = await alice.send(bob, payload, { id: first.clientMessageId, codec: again, endpoint });
            expectSameAcceptedAt(t, response, first, "SEND-RETRY");
          }
        }
        sent.push(first);
      }
      const violation = "a retry in another codec or at another front end created a message";
      t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-RETRY", violation);
    },
  },
  {
    // § SEND-RETRY-LATER: Within the dedup window a retry MUST be recognised whatever other Sends came in between, from
    // § this sender or others, and even after the recipient has acknowledged the message.
    id: "send/retry-after-1000-others",
    title: "A retry is recognised after 1000 other Sends of the sender and 100 of another",
    requirements: ["SEND-RETRY-LATER"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const first = await alice.send(bob, "the first");
      const phone = bob.device();
      // Acked in between, so that the backlog stays below the limit of any server.
      for (let n = 0; n < 20; n += 1) {
        await Promise.all([alice.sendAtOnce(bob, 50), bob.sendAtOnce(bob, 5)]);
        await phone.drain();
      }
      await expectSameResponseOnRetry(t, alice, bob, first, "SEND-RETRY-LATER");
      const marker = await alice.send(bob, "the end");
      const got = await phone.drain();
      t.all(got, bob.base + 1102, [marker], "SEND-RETRY-LATER", "a retry was not recognised after 1100 other Sends");
    },
  },
  {
    id: "send/retry-after-ack",
    title: "A retry is recognised after the recipient has acked the message, and after both inboxes are empty",
    requirements: ["SEND-RETRY-LATER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const [first, second] = (await alice.sendMany(bob, 2)) as [SentMessage, SentMessage];
      const phone = bob.device();
      await phone.sync({ cliSeq: bob.base + 1 });
      await expectSameResponseOnRetry(t, alice, bob, first, "SEND-RETRY-LATER");
      await phone.drain();
      for (const sent of [first, second]) await expectSameResponseOnRetry(t, alice, bob, sent, "SEND-RETRY-LATER");
      // An ack by the sender concerns her own inbox, not her dedup records.
      await bob.send(alice, "a message to the sender");
      await alice.device().drain();
      for (const sent of [first, second]) await expectSameResponseOnRetry(t, alice, bob, sent, "SEND-RETRY-LATER");
      const marker = await alice.send(bob, "the end");
      const violation = "a retry of an acknowledged message created a message";
      t.all(await phone.drain(), bob.base + 3, [marker], "SEND-RETRY-LATER", violation);
    },
  },
  {
    id: "send/retry-after-a-while",
    title:
      "A retry after 20 seconds, or half of the dedup window, is recognised; unacknowledged messages are still there",
    requirements: ["SEND-RETRY-LATER", "ACK-REDELIVER"],
    thorough: true,
    waits: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const { dedupWindow } = t.info;
      const sent = await alice.sendMany(bob, 2);
      const half = dedupWindow === undefined ? PAUSE_MS : durationMs(dedupWindow) / 2;
      await pause(Math.min(half, PAUSE_MS), undefined, { signal: t.signal });
      for (const one of sent) await expectSameResponseOnRetry(t, alice, bob, one, "SEND-RETRY-LATER");
      const page = await bob.device().sync();
      t.fields(
        page,
        { svrSeq: bob.base + 2 },
        "SEND-RETRY-LATER",
        "a late retry within the dedup window created a message",
      );
      t.page(page, bob.base + 1, sent, "ACK-REDELIVER", "unacknowledged messages were not delivered after a pause");
    },
  },
  {
    // § SEND-RETRY-FIRST: Within the dedup window a retry MUST be recognised before the recipient is checked, even if
    // § its inbox has since become full or has used its last seq.
    id: "send/retry-when-exhausted",
    title: "Concurrent and later retries of the message with the last seq are recognised in an exhausted inbox",
    requirements: ["SEND-RETRY-FIRST"],
    needs: { startSeq: MAX_SEQ - 1 },
    async run(t: Context) {
      const { bob, alice } = t;
      const last = await t.blaming("SEND-RETRY-FIRST", () => sendConcurrently(t, alice, bob, "the last", 8));
      t.refused(await alice.trySend(bob), Reason.SEQ_EXHAUSTED, "SEQ-EXHAUSTED", "a Send after the last seq");
      await expectSameResponseOnRetry(t, alice, bob, last, "SEND-RETRY-FIRST");
      const violation = "the inbox does not hold the message with the last seq exactly once";
      t.all(await bob.device().drain(), MAX_SEQ, [last], "SEND-RETRY-FIRST", violation);
      await expectSameResponseOnRetry(t, alice, bob, last, "SEND-RETRY-FIRST");
    },
  },
];

/** The codecs that the server declares. */
const codecsOf = ({ info }: Context): Codec[] => (info.profiles.includes(Profile.JSON) ? ["proto", "json"] : ["proto"]);

/** Makes several attempts of one Send at the same time, in all codecs and at all front ends. */
async function sendConcurrently(
  t: Context,
  from: TestAccount,
  to: TestAccount,
  text: string,
  times: number,
  id = t.newId(),
): Promise<SentMessage> {
  const codecs = codecsOf(t);
  const results = await t.blaming("SEND-RETRY-CONCURRENT", () =>
    Promise.all(
      Array.from({ length: times }, (_, n) => from.send(to, text, { id, codec: codecs[n % codecs.length] as Codec })),
    ),
  );
  const [first] = results as [SentMessage];
  for (const again of results) expectSameAcceptedAt(t, again, first, "SEND-RETRY-CONCURRENT");
  return first;
}

/** Expects exactly these messages in bob's inbox, in any order. */
async function expectEachOnce(t: Context, sent: readonly SentMessage[]): Promise<void> {
  const ids = (list: readonly { clientMessageId: string }[]) => list.map((it) => it.clientMessageId).sort();
  const got = await t.bob.device().drain();
  t.equal(
    { clientMessageIds: ids(got) },
    { clientMessageIds: ids(sent) },
    "SEND-RETRY-CONCURRENT",
    "the delivered messages are not exactly the sent ones, each once",
  );
}
