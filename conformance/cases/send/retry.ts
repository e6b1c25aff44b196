import { setTimeout as pause } from "node:timers/promises";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { abandonSend } from "../../harness/abandoned-calls.js";
import type { Sent, TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { answered, METHOD, rawCall } from "../../harness/raw-calls.js";
import { expectSameAcceptedAt, expectSameAnswerOnRetry } from "../../harness/retries.js";
import type { Codec } from "../../rpc/connect.js";

const MAX_SEQ = 0xffff_ffff;
/** Longer than what a server forgets by mistake, and no longer than a test can wait. In milliseconds. */
const LONG = 20_000;

export const sendRetry: readonly Case[] = [
  {
    // § SEND-RETRY: Within the dedup window a repetition of an accepted Send MUST be answered with success and the
    // § first one's `accepted_at`, and MUST NOT create a message.
    id: "send/retry",
    title:
      "alice sends the same message four times; each is answered with the first one's accepted_at, bob gets it once",
    requirements: ["SEND-RETRY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const before = await alice.send(bob, "before");
      const first = await alice.send(bob, "the message");
      const after = await alice.send(bob, "after");
      for (let attempt = 2; attempt <= 4; attempt += 1)
        await expectSameAnswerOnRetry(t, alice, bob, first, "SEND-RETRY");
      t.equal((await bob.state()).svrSeq, bob.base + 3, "SEND-RETRY", "a repetition took a seq");
      const got = await bob.device().drain();
      t.all(got, bob.base + 1, [before, first, after], "SEND-RETRY", "a repetition was delivered as another message");
    },
  },
  {
    id: "send/retry-of-each-size",
    title: "repetitions of an empty payload and of a large one are recognised",
    requirements: ["SEND-RETRY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: Sent[] = [];
      for (const size of [0, Math.min(t.info.maxPayloadBytes, 1 << 20)]) {
        sent.push(await alice.send(bob, new Uint8Array(size).fill(1)));
      }
      for (const one of sent) await expectSameAnswerOnRetry(t, alice, bob, one, "SEND-RETRY");
      t.all(
        await bob.device().drain(),
        bob.base + 1,
        sent,
        "SEND-RETRY",
        "a repetition was delivered as another message",
      );
    },
  },
  {
    id: "send/retry-without-a-payload",
    title: "in JSON a payload that is left out, an empty one and null are the same, and repetitions of each other",
    requirements: ["SEND-RETRY", "HTTP-JSON"],
    codec: "json",
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: Sent[] = [];
      const forms: (string | null | undefined)[] = [undefined, "", null];
      for (const first of [undefined, ""]) {
        const clientMessageId = t.newId();
        const send = { recipientId: bob.userId, clientMessageId, payload: new Uint8Array() };
        const answers: Sent[] = [];
        for (const payload of [first, ...forms]) {
          const body = Buffer.from(JSON.stringify({ recipientId: bob.userId, clientMessageId, payload }));
          const answer = await rawCall(t, "SEND-RETRY", { rpc: "Send", by: alice, body, intendedEffect: { send } });
          const what = `a Send with the payload ${JSON.stringify(payload) ?? "left out"}`;
          const { acceptedAt } = answered(t, "SEND-RETRY", METHOD.Send.output, answer, what);
          answers.push({ clientMessageId, payload: send.payload, acceptedAt });
        }
        for (const again of answers) expectSameAcceptedAt(t, again, answers[0] as Sent, "SEND-RETRY");
        sent.push(answers[0] as Sent);
      }
      const got = await bob.device().drain();
      t.all(got, bob.base + 1, sent, "SEND-RETRY", "what has no payload in one way or another is not the same message");
    },
  },
  {
    id: "send/answer-never-read",
    title: "alice goes away before she reads the answer, and sends again; bob has each message once",
    requirements: ["SEND-RETRY", "SEND-RETRY-CONCURRENT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: Sent[] = [];
      for (let n = 0; n < 6; n += 1) {
        const message = { clientMessageId: t.newId(), payload: Buffer.from(`message ${n}`) };
        await abandonSend(t, alice, { recipientId: bob.userId, ...message });
        const { clientMessageId: id, payload } = message;
        sent.push(await t.blaming("SEND-RETRY", () => alice.send(bob, payload, { id })));
      }
      const marker = await alice.send(bob, "the end");
      const phone = bob.device();
      await phone.drain();
      // The first attempt may come as late as it likes, and creates nothing: it has been accepted already.
      t.all(phone.stored, bob.base + 1, [...sent, marker], "SEND-RETRY", "not each message is there exactly once");
    },
  },
  {
    // § SEND-RETRY-CONCURRENT: From Sends that are repetitions of each other and in flight at the same time, the
    // § recipient MUST NOT get more than one message, and all that are answered with success MUST have the same
    // § `accepted_at`.
    id: "send/retry-at-once",
    title: "alice sends each of ten messages over eight connections at the same moment; bob gets each once",
    requirements: ["SEND-RETRY-CONCURRENT"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await Promise.all(Array.from({ length: 10 }, (_, n) => atOnce(t, alice, bob, `message ${n}`, 8)));
      await eachOnce(t, sent);
    },
  },
  {
    id: "send/retry-overtakes",
    title: "alice sends one message 24 times, a few every moment, over all codecs and endpoints; bob gets it once",
    requirements: ["SEND-RETRY-CONCURRENT", "SEND-RETRY"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: Sent[] = [];
      for (let n = 0; n < 4; n += 1) {
        const rounds: Promise<Sent>[] = [];
        const id = t.newId();
        for (let turn = 0; turn < 6; turn += 1) {
          const round = atOnce(t, alice, bob, `message ${n}`, 4, id);
          round.catch(() => {}); // it is waited for below
          rounds.push(round);
          await bob.state(); // as long as a call takes
        }
        const same = await Promise.all(rounds);
        for (const one of same) expectSameAcceptedAt(t, one, same[0] as Sent, "SEND-RETRY-CONCURRENT");
        sent.push(same[0] as Sent);
      }
      await eachOnce(t, sent);
    },
  },
  {
    // § SEND-ID-SCOPE: The same `client_message_id` used by two senders MUST be taken as two ids.
    id: "send/retry-of-two-senders-at-once",
    title:
      "alice and bob use the same id to bob at the same moment, several times each: two messages, not one and not more",
    requirements: ["SEND-ID-SCOPE", "SEND-RETRY-CONCURRENT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const id = t.newId();
      await Promise.all([alice, bob].map((sender) => atOnce(t, sender, bob, "the same words", 5, id)));
      const got = await bob.device().drain();
      const senders = got.map(({ senderId }) => senderId).sort();
      t.equal(
        senders,
        [alice.userId, bob.userId].sort(),
        "SEND-ID-SCOPE",
        "not exactly one message of each sender came",
      );
    },
  },
  {
    // § SEND-RETRY: Within the dedup window a repetition of an accepted Send MUST be answered with success and the
    // § first one's `accepted_at`, and MUST NOT create a message.
    id: "send/retry-over-codecs",
    title: "a message sent in one codec is recognised when it is sent again in the other, at each endpoint",
    requirements: ["SEND-RETRY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const payload = Uint8Array.of(0, 255, 10, 0);
      const sent: Sent[] = [];
      for (const codec of codecsOf(t)) {
        const first = await alice.send(bob, payload, { codec, id: `${t.newId()}é"\\` });
        for (const again of codecsOf(t)) {
          for (let endpoint = 0; endpoint < t.session.transport.urls.length; endpoint += 1) {
            const answer = await alice.send(bob, payload, { id: first.clientMessageId, codec: again, endpoint });
            expectSameAcceptedAt(t, answer, first, "SEND-RETRY");
          }
        }
        sent.push(first);
      }
      t.all(
        await bob.device().drain(),
        bob.base + 1,
        sent,
        "SEND-RETRY",
        "codecs or endpoints made two messages of one",
      );
    },
  },
  {
    // § SEND-RETRY-LATER: Within the dedup window a repetition MUST be recognised whatever other Sends came in between,
    // § from this sender or others, and also after the recipient has acknowledged the message.
    id: "send/retry-after-1000-others",
    title: "alice repeats a message after 1000 others of hers and 100 of bob's; it is recognised",
    requirements: ["SEND-RETRY-LATER"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const first = await alice.send(bob, "the first");
      const phone = bob.device();
      // Acked as it goes, so that no bound on the backlog comes in between.
      for (let n = 0; n < 20; n += 1) {
        await Promise.all([alice.sendAtOnce(bob, 50), bob.sendAtOnce(bob, 5)]);
        await phone.drain();
      }
      await expectSameAnswerOnRetry(t, alice, bob, first, "SEND-RETRY-LATER");
      const marker = await alice.send(bob, "the end");
      const got = await phone.drain();
      t.all(got, bob.base + 1102, [marker], "SEND-RETRY-LATER", "a repetition was not recognised after 1100 others");
    },
  },
  {
    id: "send/retry-after-ack",
    title:
      "bob has acked the message, and even emptied his inbox, and alice hers, when alice repeats it; nothing comes",
    requirements: ["SEND-RETRY-LATER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const [first, second] = (await alice.sendMany(bob, 2)) as [Sent, Sent];
      const phone = bob.device();
      await phone.sync({ cliSeq: bob.base + 1 });
      await expectSameAnswerOnRetry(t, alice, bob, first, "SEND-RETRY-LATER");
      await phone.drain();
      for (const sent of [first, second]) await expectSameAnswerOnRetry(t, alice, bob, sent, "SEND-RETRY-LATER");
      // What alice acks is in her own inbox: it says nothing of what she has sent.
      await bob.send(alice, "an answer");
      await alice.device().drain();
      for (const sent of [first, second]) await expectSameAnswerOnRetry(t, alice, bob, sent, "SEND-RETRY-LATER");
      const marker = await alice.send(bob, "the end");
      t.all(await phone.drain(), bob.base + 3, [marker], "SEND-RETRY-LATER", "an acked message was sent once more");
    },
  },
  {
    id: "send/retry-after-a-while",
    title:
      "bob does not ask, and alice repeats her messages after 20 seconds, or half of the dedup window; each is there once",
    requirements: ["SEND-RETRY-LATER", "ACK-REDELIVER"],
    slow: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const { dedupWindow } = t.info;
      const sent = await alice.sendMany(bob, 2);
      const half = dedupWindow === undefined ? LONG : durationMs(dedupWindow) / 2;
      await pause(Math.min(half, LONG), undefined, { signal: t.signal });
      for (const one of sent) await expectSameAnswerOnRetry(t, alice, bob, one, "SEND-RETRY-LATER");
      const page = await bob.device().sync();
      t.equal(page.svrSeq, bob.base + 2, "SEND-RETRY-LATER", "a repetition was not recognised after a while");
      t.page(page, bob.base + 1, sent, "ACK-REDELIVER", "what nobody has asked for is gone after a while");
    },
  },
  {
    // § SEND-RETRY-FIRST: Within the dedup window a repetition MUST be recognised before the recipient is looked at:
    // § also when its inbox has since become full or has used its last seq.
    id: "send/retry-when-exhausted",
    title:
      "the message that gets the last seq is sent 8 times at once, and repeated before and after its ack; it is recognised",
    requirements: ["SEND-RETRY-FIRST"],
    needs: { startSeq: MAX_SEQ - 1 },
    async run(t: Context) {
      const { bob, alice } = t;
      const last = await t.blaming("SEND-RETRY-FIRST", () => atOnce(t, alice, bob, "the last", 8));
      t.refused(await alice.trySend(bob), Reason.SEQ_EXHAUSTED, "SEQ-EXHAUSTED", "a Send beyond the last seq");
      await expectSameAnswerOnRetry(t, alice, bob, last, "SEND-RETRY-FIRST");
      t.all(await bob.device().drain(), MAX_SEQ, [last], "SEND-RETRY-FIRST", "the last message is not there once");
      await expectSameAnswerOnRetry(t, alice, bob, last, "SEND-RETRY-FIRST");
    },
  },
];

/** The codecs that the server speaks. */
const codecsOf = ({ info }: Context): Codec[] => (info.profiles.includes(Profile.JSON) ? ["proto", "json"] : ["proto"]);

/** Sends one message several times at the same moment, over all codecs and endpoints. */
async function atOnce(
  t: Context,
  from: TestAccount,
  to: TestAccount,
  text: string,
  times: number,
  id = t.newId(),
): Promise<Sent> {
  const codecs = codecsOf(t);
  const answers = await t.blaming("SEND-RETRY-CONCURRENT", () =>
    Promise.all(
      Array.from({ length: times }, (_, n) => from.send(to, text, { id, codec: codecs[n % codecs.length] as Codec })),
    ),
  );
  const [first] = answers as [Sent];
  for (const again of answers) expectSameAcceptedAt(t, again, first, "SEND-RETRY-CONCURRENT");
  return first;
}

/** Bob must have each of these once, and nothing else. */
async function eachOnce(t: Context, sent: readonly Sent[]): Promise<void> {
  const ids = (list: readonly { clientMessageId: string }[]) => list.map((it) => it.clientMessageId).sort();
  const got = await t.bob.device().drain();
  t.equal(ids(got), ids(sent), "SEND-RETRY-CONCURRENT", "not each message came exactly once");
}
