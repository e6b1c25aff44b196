import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import type { Codec } from "../wire/connect.js";
import type { Case } from "./case.js";
import type { Context } from "./context.js";
import type { Party, Sent } from "./party.js";
import { sendUnread } from "./unread.js";

const MAX_SEQ = 0xffff_ffff;

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
      for (let attempt = 2; attempt <= 4; attempt += 1) await repeat(t, alice, bob, first, "SEND-RETRY");
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
      for (const one of sent) await repeat(t, alice, bob, one, "SEND-RETRY");
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
    id: "send/answer-never-read",
    title: "alice goes away before she reads the answer, and sends again; bob has each message once",
    requirements: ["SEND-RETRY", "SEND-RETRY-CONCURRENT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: Sent[] = [];
      for (let n = 0; n < 6; n += 1) {
        const message = { clientMessageId: t.newId(), payload: Buffer.from(`message ${n}`) };
        await sendUnread(t, alice, { recipientId: bob.userId, ...message });
        sent.push(await alice.send(bob, message.payload, { id: message.clientMessageId }));
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
        for (const one of same) sameInstant(t, one, same[0] as Sent, "SEND-RETRY-CONCURRENT");
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
      await t.blaming("SEND-ID-SCOPE", async () => {
        await Promise.all([alice, bob].map((sender) => atOnce(t, sender, bob, "the same words", 5, id)));
      });
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
            sameInstant(t, answer, first, "SEND-RETRY");
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
      await repeat(t, alice, bob, first, "SEND-RETRY-LATER");
      const marker = await alice.send(bob, "the end");
      const got = await phone.drain();
      t.all(got, bob.base + 1102, [marker], "SEND-RETRY-LATER", "a repetition was not recognised after 1100 others");
    },
  },
  {
    id: "send/retry-after-ack",
    title: "bob has acked the message, and even emptied his inbox, when alice repeats it; nothing comes",
    requirements: ["SEND-RETRY-LATER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const [first, second] = (await alice.sendMany(bob, 2)) as [Sent, Sent];
      const phone = bob.device();
      await phone.sync({ cliSeq: bob.base + 1 });
      await repeat(t, alice, bob, first, "SEND-RETRY-LATER");
      await phone.drain();
      for (const sent of [first, second]) await repeat(t, alice, bob, sent, "SEND-RETRY-LATER");
      const marker = await alice.send(bob, "the end");
      t.all(await phone.drain(), bob.base + 3, [marker], "SEND-RETRY-LATER", "an acked message was sent once more");
    },
  },
  {
    // § SEND-RETRY-FIRST: Within the dedup window a repetition MUST be recognised before the recipient is looked at:
    // § also when its inbox has since become full or has used its last seq.
    id: "send/retry-when-exhausted",
    title: "the message that got the last seq is repeated, before and after its ack; it is recognised",
    requirements: ["SEND-RETRY-FIRST"],
    needs: { startSeq: MAX_SEQ - 1 },
    async run(t: Context) {
      const { bob, alice } = t;
      const last = await alice.send(bob, "the last");
      t.refused(await alice.trySend(bob), Reason.SEQ_EXHAUSTED, "SEQ-EXHAUSTED", "a Send beyond the last seq");
      await repeat(t, alice, bob, last, "SEND-RETRY-FIRST");
      t.all(await bob.device().drain(), MAX_SEQ, [last], "SEND-RETRY-FIRST", "the last message is not there once");
      await repeat(t, alice, bob, last, "SEND-RETRY-FIRST");
    },
  },
  {
    // § SEND-ID-REUSED: Within the dedup window of an accepted Send, another Send of the same sender with the same
    // § `client_message_id`, but another recipient or payload, MUST be refused with `already_exists` and the reason
    // § CLIENT_MESSAGE_ID_REUSED, or for another reason that applies to it as well.
    id: "send/id-reused-for-other-content",
    title: "alice uses an id again for another payload, another recipient and both; refused, and the first one stands",
    requirements: ["SEND-ID-REUSED", "ERR-UNCHANGED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const first = await alice.send(bob, "the message");
      const empty = await alice.send(bob, "");
      const others: [Sent, Party, string][] = [
        [first, bob, "the massage"], // as long as the first
        [first, bob, "the message "],
        [first, bob, "The message"],
        [first, bob, ""],
        [first, alice, "the message"],
        [first, alice, "another message"],
        [empty, bob, "\0"],
      ];
      const refuseAll = async () => {
        for (const [{ clientMessageId: id }, to, payload] of others) {
          const what = `an id used again for ${JSON.stringify(payload)} to ${to.name}`;
          const answered = await alice.trySend(to, payload, { id });
          t.refused(answered, Reason.CLIENT_MESSAGE_ID_REUSED, "SEND-ID-REUSED", what);
        }
      };
      const unchanged = (act: () => Promise<void>) =>
        t.unchanged(alice, "ERR-UNCHANGED", "a refused Send", () =>
          t.unchanged(bob, "ERR-UNCHANGED", "a refused Send", act),
        );
      await unchanged(refuseAll);
      const phone = bob.device();
      t.all(await phone.drain(), bob.base + 1, [first, empty], "SEND-ID-REUSED", "the first content does not stand");
      await unchanged(refuseAll);
      await repeat(t, alice, bob, first, "SEND-RETRY");
    },
  },
  {
    id: "send/id-reused-at-once",
    title: "alice uses one id for two payloads at the same moment; one is accepted, the other refused",
    requirements: ["SEND-ID-REUSED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const won: string[] = [];
      for (let n = 0; n < 8; n += 1) {
        const id = t.newId();
        const payloads = [`heads ${n}`, `tails ${n}`, `edge ${n}`];
        const answers = await Promise.all(payloads.map((payload) => alice.trySend(bob, payload, { id })));
        for (const answered of answers) {
          if (answered.kind === "ok") continue;
          t.refused(answered, Reason.CLIENT_MESSAGE_ID_REUSED, "SEND-ID-REUSED", "another payload under a used id");
        }
        const winners = payloads.filter((_, index) => answers[index]?.kind === "ok");
        t.equal(
          winners.length,
          1,
          "SEND-ID-REUSED",
          "of different payloads under one id, not exactly one was accepted",
        );
        won.push(...winners);
      }
      const got = (await bob.device().drain()).map(({ payload }) => Buffer.from(payload).toString());
      t.equal(got, won, "SEND-ID-REUSED", "not the payloads that were accepted have arrived");
    },
  },
  {
    // § SEND-ID-SCOPE: The same `client_message_id` used by two senders MUST be taken as two ids.
    id: "send/id-of-another-sender",
    title: "alice and bob send to bob under one id, with the same payload and with others: each sender's counts",
    requirements: ["SEND-ID-SCOPE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const [same, other] = [t.newId(), t.newId()];
      const sent: Sent[] = [];
      await t.blaming("SEND-ID-SCOPE", async () => {
        for (const sender of [alice, bob]) {
          sent.push(await sender.send(bob, "the same words", { id: same }));
          sent.push(await sender.send(bob, `words of ${sender.name}`, { id: other }));
        }
        for (const [index, one] of sent.entries()) {
          await repeat(t, index < 2 ? alice : bob, bob, one, "SEND-RETRY");
        }
        t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-ID-SCOPE", "senders got in each other's way");
      });
    },
  },
  {
    // § SEND-ID-FREE: After a refused Send its `client_message_id` MUST still be free for a Send that is accepted,
    // § unless it was in use before.
    id: "send/id-free-after-refusal",
    title: "an id whose Send was refused, for its payload, its recipient or its credential, is then used properly",
    requirements: ["SEND-ID-FREE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const tooLong = new Uint8Array(Math.min(t.info.maxPayloadBytes, 1 << 20) + 1);
      const isTooLong = tooLong.length > t.info.maxPayloadBytes;
      const nobody = { userId: `${bob.userId.slice(0, 40)}-${t.newId()}` };
      const refusals: ((id: string) => Promise<{ kind: string }>)[] = [
        (id) => alice.trySend(nobody, "hello", { id }),
        (id) => alice.trySend(nobody, "other words", { id }),
        (id) => alice.trySend(bob, "hello", { id, token: null }),
        (id) => alice.trySend(bob, "hello", { id, token: `${alice.token}x` }),
        ...(isTooLong ? [(id: string) => alice.trySend(bob, tooLong, { id })] : []),
      ];
      const sent: Sent[] = [];
      for (const refuse of refusals) {
        const id = t.newId();
        for (const attempt of ["", " again"]) {
          const { kind } = await refuse(id);
          t.that(kind === "refused", "SEND-RECIPIENT", `a Send was not refused${attempt}`, "a refusal", "accepted");
        }
        await t.blaming("SEND-ID-FREE", async () => {
          sent.push(await alice.send(bob, "hello", { id }));
        });
      }
      await t.blaming("SEND-ID-FREE", async () => {
        for (const one of sent) await repeat(t, alice, bob, one, "SEND-RETRY");
        t.all(await bob.device().drain(), bob.base + 1, sent, "SEND-VISIBLE", "not each of them is there once");
      });
    },
  },
  {
    id: "send/id-free-after-exhausted",
    title: "an id whose Send was refused since bob's inbox has no seq left is then used for alice",
    requirements: ["SEND-ID-FREE"],
    needs: { startSeq: MAX_SEQ },
    async run(t: Context) {
      const { bob, alice } = t;
      const id = t.newId();
      for (let attempt = 0; attempt < 2; attempt += 1) {
        t.refused(
          await alice.trySend(bob, "hello", { id }),
          Reason.SEQ_EXHAUSTED,
          "SEQ-EXHAUSTED",
          "a Send without seq",
        );
      }
      await t.blaming("SEND-ID-FREE", async () => {
        const sent = await alice.send(alice, "hello", { id });
        t.all(await alice.device().drain(), alice.base + 1, [sent], "SEND-VISIBLE", "it is not there");
      });
    },
  },
  {
    // § ERR-UNCHANGED: A refused call MUST change nothing: no seq is used up, nothing is delivered or acknowledged, and
    // § the `client_message_id` of a refused Send stays as free or as used as it was.
    id: "send/id-in-use-stays-in-use",
    title: "refused Sends under a used id do not free it: the first Send's repetition is still recognised",
    requirements: ["ERR-UNCHANGED", "SEND-RETRY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const first = await alice.send(bob, "the message");
      const id = first.clientMessageId;
      await alice.trySend(bob, "other words", { id });
      await alice.trySend({ userId: `${bob.userId}-${t.newId()}` }, "the message", { id });
      await alice.trySend(bob, "the message", { id, token: null });
      await t.blaming("ERR-UNCHANGED", () => repeat(t, alice, bob, first, "SEND-RETRY"));
      const marker = await alice.send(bob, "the end");
      const got = await bob.device().drain();
      t.all(got, bob.base + 1, [first, marker], "ERR-UNCHANGED", "a refused Send freed an id that was in use");
    },
  },
];

/** The codecs that the server speaks. */
const codecsOf = ({ info }: Context): Codec[] => (info.profiles.includes(Profile.JSON) ? ["proto", "json"] : ["proto"]);

function sameInstant(t: Context, again: Sent, first: Sent, requirement: "SEND-RETRY" | "SEND-RETRY-CONCURRENT") {
  const text = ({ acceptedAt }: Sent) => `${acceptedAt?.seconds} s ${acceptedAt?.nanos} ns`;
  t.equal(text(again), text(first), requirement, "a repetition was answered with another accepted_at");
}

/** Sends a message once more, and expects the answer that the first one got. */
async function repeat(
  t: Context,
  from: Party,
  to: Party,
  first: Sent,
  requirement: "SEND-RETRY" | "SEND-RETRY-LATER" | "SEND-RETRY-FIRST",
): Promise<void> {
  const again = await t.blaming(requirement, () => from.send(to, first.payload, { id: first.clientMessageId }));
  await t.blaming(requirement, async () => sameInstant(t, again, first, "SEND-RETRY"));
}

/** Sends one message several times at the same moment, over all codecs and endpoints. */
async function atOnce(t: Context, from: Party, to: Party, text: string, times: number, id = t.newId()): Promise<Sent> {
  const codecs = codecsOf(t);
  const answers = await Promise.all(
    Array.from({ length: times }, (_, n) => from.send(to, text, { id, codec: codecs[n % codecs.length] as Codec })),
  );
  const [first] = answers as [Sent];
  for (const again of answers) sameInstant(t, again, first, "SEND-RETRY-CONCURRENT");
  return first;
}

/** Bob must have each of these once, and nothing else. */
async function eachOnce(t: Context, sent: readonly Sent[]): Promise<void> {
  const ids = (list: readonly { clientMessageId: string }[]) => list.map((it) => it.clientMessageId).sort();
  const got = await t.bob.device().drain();
  t.equal(ids(got), ids(sent), "SEND-RETRY-CONCURRENT", "not each message came exactly once");
}
