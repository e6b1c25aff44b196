import type { SentMessage } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import { codecsOf } from "../../harness/each-way.js";
import { deviceWithOwnConnection, type Manner } from "../../harness/own-connection.js";
import { expectSameAcceptedAt } from "../../harness/retries.js";

/** Headers of usual clients, which say nothing about the call. */
const HEADERS: readonly Readonly<Record<string, string>>[] = [
  { "user-agent": "okhttp/4.12.0" },
  { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "accept-language": "de" },
  { "user-agent": "connect-go/1.18.1 (go1.23.4)", "connect-protocol-version": "1" },
  { "user-agent": "python-requests/2.32.3", accept: "*/*", "x-request-id": "7b0e4f0c" },
];

/** Mixtures: devices of one account that differ in everything but the account. */
export const mixedDevices: readonly Case[] = [
  {
    // § DEV-SHARED-ACK: A message that one device of an account has acknowledged MUST be acknowledged for all devices
    // § of the account.
    id: "send/unlike-devices",
    title: "Devices that differ in codec, headers and connection share messages, acks and dedup records",
    requirements: ["DEV-SHARED-ACK", "DEV-TOGETHER", "SEND-RETRY"],
    async run(t) {
      const { bob, alice } = t;
      const codecs = codecsOf(t);
      const manners = HEADERS.map((headers, n): Manner => {
        const codec = codecs[n % codecs.length];
        return { headers, ...(codec && { codec }), ...(n % 2 === 0 ? {} : { http2: false }) };
      });
      const devices = manners.map((manner, n) => deviceWithOwnConnection(t, bob, `device ${n + 1}`, manner));
      const senders = manners.map((manner, n) => deviceWithOwnConnection(t, alice, `device ${n + 1}`, manner).client);
      const sent: SentMessage[] = [];
      for (const [n, sender] of senders.entries()) {
        const message = { recipientId: bob.userId, clientMessageId: t.newId(), payload: t.filler(`message ${n + 1}`) };
        const attempts: SentMessage[] = [];
        for (const each of [sender, ...senders]) {
          const { acceptedAt } = t.accepted(await each.send(message), "SEND-ACCEPT");
          attempts.push({ ...message, acceptedAt });
        }
        const [first] = attempts;
        if (first === undefined) continue;
        for (const retry of attempts) expectSameAcceptedAt(t, retry, first, "SEND-RETRY");
        sent.push(first);
      }
      for (let acked = 0; acked <= sent.length; acked += 1) {
        const acking = devices[acked % devices.length];
        if (acked > 0) await acking?.sync({ cliSeq: bob.base + acked });
        for (const device of devices) {
          const page = await device.sync({ cliSeq: 0 });
          const who = device.client.name;
          t.fields(page, { ackedSeq: bob.base + acked }, "DEV-SHARED-ACK", `${who} does not see another device's ack`);
          const violation = `${who} does not get the messages that other devices get`;
          t.page(page, bob.base + acked + 1, sent.slice(acked), "DEV-TOGETHER", violation);
        }
      }
    },
  },
];
