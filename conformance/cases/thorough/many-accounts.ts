import type { TestAccount } from "../../harness/account.js";
import { expectExactly } from "../../harness/backlog.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { leaseAccounts } from "../../harness/lease-accounts.js";
import {
  forEachAtOnce,
  type Outgoing,
  requireAtLeast,
  sendVolume,
  sendWithAcks,
  type VolumeMessage,
} from "../../harness/volume.js";

/** Number of senders to one inbox: a number in one byte, or a table with 256 places, is too small for them. */
const SENDERS = { wanted: 300, minimum: 257 };
/** Number of accounts: more than 1024, a usual size of tables and caches. */
const ACCOUNTS = { wanted: 1100, minimum: 1025 };

/** Cases with many accounts. */
export const manyAccounts: readonly Case[] = [
  {
    // § AUTH-SENDER: `sender_id` of a delivered message MUST be the user id of the account whose credential was used to
    // § send it.
    id: "auth/hundreds-of-senders",
    title: `Messages of ${SENDERS.wanted} senders to one inbox have the right sender_id, also with the same client_message_id`,
    requirements: ["AUTH-SENDER", "SEND-ID-SCOPE"],
    thorough: true,
    bulk: true,
    needs: { accounts: 0 },
    async run(t: Context) {
      const accounts = await leaseAccounts(t, {
        wanted: SENDERS.wanted + 1,
        minimum: SENDERS.minimum + 1,
        nameOf: (n) => (n === 0 ? "bob" : `sender ${n}`),
      });
      const [bob, ...senders] = accounts;
      if (bob === undefined) return;
      const phone = bob.device("phone");
      const common = t.newId();
      const outgoing = [
        ...senders.map((from) => ({ from, to: bob, id: t.newId(), payload: t.filler(`from ${from.name}`) })),
        ...senders.toReversed().map((from) => ({ from, to: bob, id: common, payload: t.filler("with the same id") })),
      ];
      const sent = await sendWithAcks(t, outgoing, () => phone.drain());
      requireAtLeast(outgoing.length, sent.length, "messages in total");
      const senderOf = new Map(sent.map(({ clientMessageId, from }) => [clientMessageId, from]));
      for (const { senderId, seq, clientMessageId } of phone.stored) {
        const sender = senderOf.get(clientMessageId);
        if (sender === undefined || clientMessageId === common) continue;
        const [expected, actual] = [sender.userId, senderId].map((id) => `sender_id of seq ${seq}: ${id}`) as [
          string,
          string,
        ];
        const violation = `with ${senders.length} senders, a message is shown with another sender than its own`;
        t.that(senderId === sender.userId, "AUTH-SENDER", violation, expected, actual);
      }
      const withCommonId = phone.stored.filter(({ clientMessageId }) => clientMessageId === common);
      const different = new Set(withCommonId.map(({ senderId }) => senderId)).size;
      const violation = `of the messages of ${senders.length} senders with the same client_message_id, some are missing`;
      t.equal({ senders: different }, { senders: senders.length }, "SEND-ID-SCOPE", violation);
      expectExactly(t, phone.stored, bob.base + 1, sent, "SEND-VISIBLE");
    },
  },
  {
    // § AUTH-ISOLATION: A Sync MUST NOT deliver a message that was not sent to the caller's account, and MUST NOT
    // § change any inbox but the caller's.
    id: "auth/a-thousand-accounts",
    title: `Each of ${ACCOUNTS.wanted} accounts gets exactly the messages that were sent to it`,
    requirements: ["AUTH-ISOLATION", "AUTH-SENDER", "SEND-VISIBLE"],
    thorough: true,
    bulk: true,
    needs: { accounts: 0 },
    async run(t: Context) {
      const accounts = await leaseAccounts(t, { ...ACCOUNTS, nameOf: (n) => `user ${n + 1}` });
      const rounds: Map<TestAccount, VolumeMessage>[] = [];
      // Every account sends to its neighbour, then to one far away.
      for (const distance of [1, 512]) {
        const outgoing = accounts.map((from, index): Outgoing => {
          const to = accounts[(index + distance) % accounts.length] ?? from;
          return { from, to, id: t.newId(), payload: t.filler(`from ${from.name} to ${to.name}`) };
        });
        const sent = await sendVolume(t, outgoing);
        requireAtLeast(outgoing.length, sent.length, "messages to as many accounts");
        rounds.push(new Map(sent.map((message) => [message.to, message])));
        await forEachAtOnce(accounts, async (account) => {
          const own = rounds.flatMap((round) => round.get(account) ?? []);
          const page = await account.device("phone").sync();
          const violation = `one of ${accounts.length} accounts does not get exactly the messages that were sent to it`;
          t.page(page, account.base + 1, own, "AUTH-ISOLATION", violation);
          for (const [index, { seq, senderId }] of page.messages.entries()) {
            const wrong = `with ${accounts.length} accounts, a message is shown with another sender than its own`;
            const sender = own[index]?.from.userId;
            t.that(
              senderId === sender,
              "AUTH-SENDER",
              wrong,
              `sender_id of seq ${seq}: ${sender}`,
              `sender_id of seq ${seq}: ${senderId}`,
            );
          }
        });
      }
    },
  },
];
