import { durationMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { SentMessage } from "../harness/account.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";
import { expectSameResponseOnRetry } from "../harness/retries.js";
import { expectFrameCovering, Watcher } from "../harness/watcher.js";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Offsets of the server's clock, one after the other, in milliseconds: steps in both directions, small and large. */
const OFFSETS_MS = [-HOUR_MS, -DAY_MS, HOUR_MS, DAY_MS, 0];

/** Number of times that the clock shows the same instants, and of messages or data losses in each of them. */
const ROUNDS = 4;
const IN_EACH_ROUND = 10;

/** Time in which a Watch gets a heartbeat, in milliseconds, with some latency. */
const HEARTBEAT_MS = 31_000;

/** Describes an offset in a message about a violation. */
const describe = (offsetMs: number) =>
  offsetMs === 0
    ? "after the server's clock was set to the true time"
    : `after the server's clock was set to ${Math.abs(offsetMs) / HOUR_MS} h ${offsetMs < 0 ? "before" : "after"} the true time`;

/**
 * Cases in which the server's clock is set (ruling R46). They change nothing but the time of day. Each runs once, since
 * nothing else can run at the same time.
 */
export const clockSteps: readonly Case[] = [
  {
    // § ACK-REDELIVER: An unacknowledged message MUST be delivered again by every Sync whose page reaches its seq,
    // § however often, however long ago and to whichever device it was delivered before.
    id: "ack/clock-steps",
    title: "After each step of the server's clock pending messages are delivered, new ones follow them, and acks count",
    requirements: ["ACK-REDELIVER", "ACK-IMPLICIT", "SEND-VISIBLE", "SYNC-RANGE", "SEQ-IMMUTABLE"],
    bulk: true,
    needs: { stepClock: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const old = bob.device("old device");
      old.cliSeq = bob.base;
      const sent = await alice.sendMany(bob, 3);
      let acked = 0;
      const expectPending = async (what: string) => {
        const violation = `the page does not hold the pending messages ${what}`;
        t.page(await old.sync(), bob.base + acked + 1, sent.slice(acked), "ACK-REDELIVER", violation);
      };
      await expectPending("before the first step of the clock");
      for (const offset of OFFSETS_MS) {
        await t.stepClock(offset);
        await expectPending(describe(offset));
        sent.push(await alice.send(bob, t.filler(`message ${sent.length + 1}`)));
        const { svrSeq } = await bob.state();
        const notStored = `a message is not counted ${describe(offset)}`;
        t.equal({ svrSeq }, { svrSeq: bob.base + sent.length }, "SEND-VISIBLE", notStored);
        acked += 1;
        await bob.device("phone").sync({ cliSeq: bob.base + acked });
        const { ackedSeq } = await bob.state();
        t.equal({ ackedSeq }, { ackedSeq: bob.base + acked }, "ACK-IMPLICIT", `an ack is lost ${describe(offset)}`);
        await expectPending(describe(offset));
      }
      const violation = "after several steps of the clock the pending messages are not delivered";
      t.all(await old.drain(), bob.base + acked + 1, sent.slice(acked), "ACK-REDELIVER", violation);
    },
  },
  {
    // § SEND-RETRY: Within the dedup window a retry of an accepted Send MUST succeed with the first one's
    // § `accepted_at`, and MUST NOT create a message.
    id: "send/retries-and-clock-steps",
    title: "Retries are recognised after the server's clock was set forward within the window, and back by a day",
    requirements: ["SEND-RETRY", "SEND-ID-REUSED"],
    bulk: true,
    needs: { stepClock: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const window = t.info.dedupWindow === undefined ? 0 : durationMs(t.info.dedupWindow);
      // Whether a server measures the window by the time of day or by a timer, half of it is left.
      const forward = Math.floor(Math.min(HOUR_MS, window / 2));
      const phone = bob.device("phone");
      const sent = [await alice.send(bob, t.filler("before"))];
      // All steps but the first are steps back: a step forward may end windows.
      for (const offset of [forward, 0, -HOUR_MS, -DAY_MS]) {
        await t.stepClock(offset);
        for (const message of sent) await expectSameResponseOnRetry(t, alice, bob, message, "SEND-RETRY");
        const [first] = sent as [SentMessage];
        const other = first.payload.length === 0 ? Buffer.from("x") : new Uint8Array();
        const reused = await alice.trySend(bob, other, { id: first.clientMessageId });
        const what = "a Send with a used id and another payload, after a step of the clock,";
        t.refused(reused, Reason.CLIENT_MESSAGE_ID_REUSED, "SEND-ID-REUSED", what);
        await phone.drain();
        sent.push(await alice.send(bob, t.filler(`message ${sent.length + 1}`)));
      }
      const violation = "a retry after a step of the clock created a message";
      t.fields(await bob.state(), { svrSeq: bob.base + sent.length }, "SEND-RETRY", violation);
    },
  },
  {
    // § SEND-VISIBLE: Once a Send has succeeded, every Sync of the recipient that begins later MUST report a `svr_seq`
    // § that covers its message, within the epoch in which it was accepted.
    id: "send/the-same-instants-again",
    title: "New messages are stored, after each other, although the server's clock shows the same instants again",
    requirements: ["SEND-VISIBLE", "SEND-ACCEPT", "SEND-ORDER"],
    bulk: true,
    needs: { stepClock: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const phone = bob.device("phone");
      phone.cliSeq = bob.base;
      await sameInstants(t, async (round) => {
        const sent = await alice.sendMany(bob, IN_EACH_ROUND);
        const violation = "messages that were sent after a step back of the clock are not delivered";
        t.all(await phone.drain(), bob.base + 1 + round * IN_EACH_ROUND, sent, "SEND-VISIBLE", violation);
      });
    },
  },
  {
    // § AUTH-REVOKED: A credential that was revoked MUST be refused in every call that begins after the revocation took
    // § effect, and all other credentials, of this account and of others, MUST stay as they were.
    id: "auth/revoked-and-clock-steps",
    title: "A revoked token is refused after each step of the server's clock",
    requirements: ["AUTH-REVOKED"],
    bulk: true,
    needs: { stepClock: true, revokeToken: true },
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.send(bob);
      await t.revokeToken(alice);
      for (const offset of OFFSETS_MS) {
        await t.stepClock(offset);
        const what = `with a revoked token, ${describe(offset)},`;
        t.refused(await alice.device().trySync(), Reason.CREDENTIAL_INVALID, "AUTH-REVOKED", `a Sync ${what}`);
        t.refused(await alice.trySend(bob), Reason.CREDENTIAL_INVALID, "AUTH-REVOKED", `a Send ${what}`);
      }
    },
  },
  {
    // § EPOCH-RENEWED: When an inbox has lost an assigned seq, an accepted unacknowledged message or an
    // § acknowledgement, or the server cannot rule that out, the server MUST give the inbox an epoch that it never had
    // § before.
    id: "epoch/clock-steps",
    title: "Epochs are new although the server's clock shows the same instants again, or is an hour behind",
    requirements: ["EPOCH-RENEWED", "EPOCH-RESTART", "EPOCH-STABLE"],
    bulk: true,
    needs: { stepClock: true, rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const epochs = [(await bob.state()).epoch];
      const lose = async () => {
        const before = epochs.at(-1);
        const { epoch: kept } = await bob.state();
        t.equal({ epoch: kept }, { epoch: before }, "EPOCH-STABLE", "the epoch has changed at a step of the clock");
        await alice.send(bob, t.filler("lost"));
        await t.rotateEpoch(bob);
        const { epoch, svrSeq, ackedSeq } = await bob.state();
        t.that(
          !epochs.includes(epoch),
          "EPOCH-RENEWED",
          "after a step of the clock and a data loss the inbox has an epoch that it had before",
          "epoch: one that the inbox never had",
          `epoch: "${epoch}"`,
        );
        epochs.push(epoch);
        const violation = "after a step of the clock and a data loss the inbox does not start again";
        t.equal({ svrSeq, ackedSeq }, { svrSeq: 0, ackedSeq: 0 }, "EPOCH-RESTART", violation);
      };
      await sameInstants(t, async () => {
        for (let n = 1; n <= IN_EACH_ROUND / 2; n += 1) await lose();
      });
    },
  },
  {
    // § WATCH-WAKE: Within 5 seconds after a Send has succeeded, every open Watch of the recipient whose reader keeps
    // § up MUST have received a frame whose `svr_seq` covers the message.
    id: "watch/clock-steps",
    title:
      "After each step of the server's clock open Watches get a frame for the next message, and new ones the first",
    requirements: ["WATCH-WAKE", "WATCH-FIRST"],
    bulk: true,
    needs: { stepClock: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const phone = bob.device("phone");
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      for (const [index, offset] of OFFSETS_MS.entries()) {
        await t.stepClock(offset);
        const { svrSeq } = await new Watcher(t, bob, {}, "new watcher").expectFirstFrame();
        const stale = `the first frame of a Watch does not report the inbox's svr_seq ${describe(offset)}`;
        t.equal({ svrSeq }, { svrSeq: bob.base + index }, "WATCH-FIRST", stale);
        await alice.send(bob, t.filler(`message ${index + 1}`));
        const silent = `a Watch that is open got no frame for a message ${describe(offset)}`;
        await expectFrameCovering(watcher, bob.base + index + 1, silent);
        await phone.drain();
      }
    },
  },
  {
    // § WATCH-HEARTBEAT: A server SHOULD send a frame on an open Watch at least every 30 seconds, repeating the last
    // § one if nothing has changed.
    id: "watch/heartbeats-and-clock-steps",
    title: "An idle Watch gets a frame within 30 seconds after the server's clock was set back by a day",
    requirements: ["WATCH-HEARTBEAT"],
    bulk: true,
    thorough: true,
    needs: { stepClock: true },
    async run(t: Context) {
      const watcher = new Watcher(t, t.bob);
      await watcher.expectFirstFrame();
      await t.stepClock(-DAY_MS);
      const seen = new Set(watcher.frames);
      const what = `an idle Watch got no further frame ${describe(-DAY_MS)}`;
      await watcher.expectFrame((frame) => !seen.has(frame), "WATCH-HEARTBEAT", what, { ms: HEARTBEAT_MS });
    },
  },
];

/**
 * Runs `act` several times, and sets the clock back before each time to where it was before the first; then in the hour
 * before, and in this hour again.
 */
async function sameInstants(t: Context, act: (round: number) => Promise<void>): Promise<void> {
  const started = performance.now();
  for (let round = 0; round < ROUNDS; round += 1) {
    if (round > 0) await t.stepClock(-Math.ceil(performance.now() - started));
    await act(round);
  }
  for (const [index, offset] of [-HOUR_MS, 0].entries()) {
    await t.stepClock(offset);
    await act(ROUNDS + index);
  }
}
