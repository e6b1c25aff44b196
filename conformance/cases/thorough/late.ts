import { setTimeout as pause } from "node:timers/promises";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { ReasonCode } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Inconclusive } from "../../findings.js";
import type { SentMessage } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectSameResponseOnRetry } from "../../harness/retries.js";
import { every } from "./steady-traffic.js";

/** When messages are sent again, in milliseconds after they were accepted: around usual expiry times. */
const RETRIES_MS = [10_000, 30_000, 60_000, 65_000];
/** The last retry comes this long before the end of the dedup window, in milliseconds. */
const BEFORE_END_MS = 3000;
/** Longest time for which the case waits for the end of the dedup window, in milliseconds. */
const LONGEST_WAIT_MS = 150_000;

/** How long messages stay unacknowledged, and how often they are fetched, in milliseconds. */
const UNACKNOWLEDGED_MS = 100_000;
const BETWEEN_FETCHES_MS = 10_000;
/** Number of messages to other inboxes between two fetches. */
const OTHERS = 20;

/** Cases about messages that are minutes old. */
export const late: readonly Case[] = [
  {
    // § SEND-RETRY-LATER: Within the dedup window a retry MUST be recognised whatever other Sends came in between, from
    // § this sender or others, and even after the recipient has acknowledged the message.
    id: "send/retries-up-to-the-window",
    title: "Retries after 10, 30, 60 and 65 seconds, and just before the end of the dedup window, are recognised",
    requirements: ["SEND-RETRY-LATER", "SEND-RETRY"],
    thorough: true,
    waits: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const window = t.info.dedupWindow === undefined ? Number.POSITIVE_INFINITY : durationMs(t.info.dedupWindow);
      const end = window - BEFORE_END_MS;
      const moments = [...RETRIES_MS, end]
        .filter((ms) => ms > 0 && ms <= Math.min(end, LONGEST_WAIT_MS))
        .sort((a, b) => a - b);
      if (moments.length === 0)
        throw new Inconclusive(`needs a dedup_window of more than ${BEFORE_END_MS} ms`, ReasonCode.SERVER_LIMIT);
      // A retry may lengthen the life of a record: each moment has messages of its own, and two are retried each time.
      const always = await alice.sendMany(bob, 2);
      const acked = await alice.sendMany(bob, moments.length);
      await bob.device("phone").sync({ cliSeq: bob.base + 1 + moments.length });
      const unacked = await alice.sendMany(bob, moments.length);
      const count = always.length + acked.length + unacked.length;
      const started = performance.now();
      for (const [index, moment] of moments.entries()) {
        await pause(Math.max(0, moment - (performance.now() - started)), undefined, { signal: t.signal });
        const due = [...always, acked[index], unacked[index]] as SentMessage[];
        for (const message of due) await expectSameResponseOnRetry(t, alice, bob, message, "SEND-RETRY-LATER");
        const violation = `a retry after ${Math.round(moment / 1000)} seconds created a message`;
        t.fields(await bob.state(), { svrSeq: bob.base + count }, "SEND-RETRY-LATER", violation);
      }
    },
  },
  {
    // § ACK-REDELIVER: An unacknowledged message MUST be delivered again by every Sync whose page reaches its seq,
    // § however often, however long ago and to whichever device it was delivered before.
    id: "ack/unacknowledged-for-minutes",
    title: "Messages that are unacknowledged for 100 seconds stay, whether fetched or not, while other messages come",
    requirements: ["ACK-REDELIVER", "SEND-VISIBLE"],
    thorough: true,
    waits: true,
    needs: { accounts: 4 },
    async run(t: Context) {
      const { bob, alice, carol, dave } = t;
      const sent = await alice.sendMany(bob, 5);
      // Nobody fetches dave's messages until the end.
      const unfetched = await alice.sendMany(dave, 5);
      const phone = carol.device("phone");
      let round = 0;
      await every(t, BETWEEN_FETCHES_MS / 2, UNACKNOWLEDGED_MS, async (elapsed) => {
        round += 1;
        for (let n = 0; n < OTHERS; n += 1) await alice.send(carol, t.filler(`message ${n + 1} of round ${round}`));
        await phone.drain();
        if (round % 2 === 0) return;
        const page = await bob.device("tablet").sync();
        const violation = `messages that were unacknowledged for ${Math.round(elapsed / 1000)} seconds are not delivered again`;
        t.page(page, bob.base + 1, sent, "ACK-REDELIVER", violation);
        sent.push(await alice.send(bob, t.filler(`one more in round ${round}`)));
      });
      const seconds = UNACKNOWLEDGED_MS / 1000;
      const lost = `messages that were not fetched for ${seconds} seconds are not delivered`;
      t.all(await dave.device().drain(), dave.base + 1, unfetched, "SEND-VISIBLE", lost);
      const violation = `messages that were unacknowledged for ${seconds} seconds are not delivered again`;
      t.all(await bob.device("phone").drain(), bob.base + 1, sent, "ACK-REDELIVER", violation);
    },
  },
];
