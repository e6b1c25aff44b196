import { SeqSyncService } from "../../../proto/gen/seqsync/v1/service_pb.js";
import { NoResponseFailure } from "../../findings.js";
import type { SentMessage, TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectFrameCovering, Watcher } from "../../harness/watcher.js";
import { encode, isRetryableStatus } from "../../rpc/connect.js";
import { envelope } from "../../rpc/envelope.js";
import { authorization, pathOf } from "../../rpc/session.js";

/** Watches that an account can have open at the same time (WATCH-ALL). */
const WATCHES = 20;

export const watchFrames: readonly Case[] = [
  {
    // § WATCH-FIRST: The first frame of a Watch MUST come without waiting for an event, and report the inbox's `epoch`
    // § and `svr_seq` as they are at some moment after the call began.
    id: "watch/first-frame",
    title: "The first frame comes without an event and reports the inbox's epoch and svr_seq",
    requirements: ["WATCH-FIRST", "EPOCH-PRESENT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const { epoch } = await bob.state();
      const expectFrame = async (count: number, what: string) => {
        const frame = await new Watcher(t, bob).expectFirstFrame();
        const reported = { epoch: frame.epoch, svrSeq: frame.svrSeq };
        const violation = `the first frame of ${what} does not report its epoch and svr_seq`;
        t.equal(reported, { epoch, svrSeq: bob.base + count }, "WATCH-FIRST", violation);
      };
      await expectFrame(0, "an inbox without pending messages");
      await alice.sendMany(bob, 3);
      await expectFrame(3, "an inbox with three pending messages");
      await bob.device("phone").sync({ cliSeq: bob.base + 2 });
      await expectFrame(3, "a partly acked inbox");
      await bob.device("phone").sync({ cliSeq: bob.base + 3 });
      await expectFrame(3, "a fully acked inbox");
    },
  },
  {
    // § WATCH-WAKE: Within 5 seconds after a Send has succeeded, every open Watch of the recipient whose reader keeps
    // § up MUST have received a frame whose `svr_seq` covers the message.
    id: "watch/opened-before",
    title: "An open Watch at each front end gets a frame for each of ten messages",
    requirements: ["WATCH-WAKE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const watchers = t.session.transport.urls.map((_, endpoint) => new Watcher(t, bob, { endpoint }));
      for (const watcher of watchers) await watcher.expectFirstFrame();
      for (let n = 1; n <= 10; n += 1) {
        await alice.send(bob, n % 3 === 0 ? "" : `message ${n}`);
        for (const watcher of watchers)
          await expectFrameCovering(watcher, bob.base + n, `a Watch got no frame for message ${n}`);
      }
    },
  },
  {
    // § WATCH-FIRST: The first frame of a Watch MUST come without waiting for an event, and report the inbox's `epoch`
    // § and `svr_seq` as they are at some moment after the call began.
    id: "watch/opened-during",
    title: "A Watch that is opened during a Send gets a frame that covers the message",
    requirements: ["WATCH-FIRST", "WATCH-WAKE"],
    async run(t: Context) {
      const { bob, alice } = t;
      for (let n = 1; n <= 25; n += 1) {
        const watcher = new Watcher(t, bob);
        const other = n % 2 === 0 ? watcher.expectFirstFrame() : bob.state();
        await Promise.all([alice.send(bob, `message ${n}`), other]);
        await expectFrameCovering(watcher, bob.base + n, "a Watch got no frame for a message sent while it was opened");
        watcher.cancel();
      }
    },
  },
  {
    id: "watch/opened-after",
    title: "The first frame of a Watch covers all earlier messages",
    requirements: ["WATCH-FIRST"],
    async run(t: Context) {
      const { bob, alice } = t;
      for (let n = 1; n <= 6; n += 1) {
        const before = new Watcher(t, bob);
        await before.expectFirstFrame();
        before.cancel();
        await alice.send(bob, `message ${n}`);
        const { svrSeq } = await new Watcher(t, bob).expectFirstFrame();
        const violation = "the first frame does not count a message that was accepted before the Watch";
        t.equal({ svrSeq }, { svrSeq: bob.base + n }, "WATCH-FIRST", violation);
      }
    },
  },
  {
    id: "watch/high-seqs",
    title: "The frames of an inbox that passes 2147483647 report its svr_seq",
    requirements: ["WATCH-FIRST", "WATCH-WAKE", "SEQ-UNSIGNED"],
    needs: { startSeq: 0x7fff_fffe },
    async run(t: Context) {
      const { bob, alice } = t;
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      for (let n = 1; n <= 3; n += 1) {
        await alice.send(bob, `message ${n}`);
        await t.blaming("SEQ-UNSIGNED", () =>
          expectFrameCovering(watcher, bob.base + n, "a Watch got no frame with a svr_seq above 2147483647"),
        );
      }
      const { svrSeq } = await new Watcher(t, bob).expectFirstFrame();
      t.equal(
        { svrSeq },
        { svrSeq: bob.base + 3 },
        "SEQ-UNSIGNED",
        "the first frame does not report a svr_seq above 2147483647",
      );
    },
  },
  {
    // § WATCH-WAKE: Within 5 seconds after a Send has succeeded, every open Watch of the recipient whose reader keeps
    // § up MUST have received a frame whose `svr_seq` covers the message.
    id: "watch/wake-after-ack",
    title: "A Watch gets a frame for each message after an ack, also for messages to oneself",
    requirements: ["WATCH-WAKE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      const phone = bob.device("phone");
      for (let n = 1; n <= 6; n += 1) {
        await (n % 3 === 0 ? bob : alice).send(bob, `message ${n}`);
        await expectFrameCovering(watcher, bob.base + n, "a Watch got no frame for a message after an ack");
        await phone.drain();
      }
    },
  },
  {
    id: "watch/burst",
    title: "After 100 concurrent Sends the frames of a Watch reach the last message",
    requirements: ["WATCH-WAKE", "WATCH-MONOTONE"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      await alice.sendAtOnce(bob, 100);
      await expectFrameCovering(watcher, bob.base + 100, "a Watch got no frame for the last message of a burst");
    },
  },
  {
    // § WATCH-WAKE-SOON: The frame that WATCH-WAKE requires SHOULD come within 1 second.
    id: "watch/wake-soon",
    title: "A Watch gets a frame for each of five messages within 1 second",
    requirements: ["WATCH-WAKE-SOON"],
    async run(t: Context) {
      const { bob, alice } = t;
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      for (let n = 1; n <= 5; n += 1) {
        await alice.send(bob, `message ${n}`);
        const what = "a Watch got no frame within 1 second after a Send";
        await watcher.expectFrame(({ svrSeq }) => svrSeq >= bob.base + n, "WATCH-WAKE-SOON", what, { ms: 1000 });
      }
    },
  },
  {
    // § WATCH-MONOTONE: Within an epoch the `svr_seq` of the frames of one Watch MUST NOT fall.
    id: "watch/monotone",
    title: "svr_seq of the frames never decreases while messages arrive and are acked",
    requirements: ["WATCH-MONOTONE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      const phone = bob.device("phone");
      for (let round = 1; round <= 5; round += 1) {
        await Promise.all([alice.sendAtOnce(bob, 8), bob.sendAtOnce(bob, 2), phone.fetch()]);
        await expectFrameCovering(watcher, bob.base + round * 10, "a Watch got no frame for a burst of messages");
        await phone.drain();
      }
      const seqs = watcher.frames.map(({ svrSeq }) => svrSeq);
      const fall = seqs.findIndex((svrSeq, index) => svrSeq < (seqs[index - 1] ?? 0));
      const decrease = seqs.slice(Math.max(0, fall - 2), fall + 1).join(", ");
      t.that(
        fall === -1,
        "WATCH-MONOTONE",
        "svr_seq of the frames decreased",
        "svr_seq: never lower than before",
        `svr_seq: ${decrease}`,
      );
    },
  },
  {
    // § WATCH-NO-ACK: A Watch MUST NOT change its inbox: it acknowledges nothing.
    id: "watch/no-ack",
    title: "A Watch acknowledges nothing, and all messages are still delivered",
    requirements: ["WATCH-NO-ACK"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: SentMessage[] = [];
      for (let n = 1; n <= 4; n += 1) {
        const watcher = new Watcher(t, bob);
        await watcher.expectFirstFrame();
        sent.push(await alice.send(bob, `message ${n}`));
        await expectFrameCovering(watcher, bob.base + n, "a Watch got no frame for a message");
        if (n % 2 === 0) watcher.cancel();
        const { ackedSeq } = await bob.state();
        t.equal({ ackedSeq }, { ackedSeq: bob.base }, "WATCH-NO-ACK", "a Watch acknowledged messages");
      }
      const violation = "after several Watches the delivered messages are not exactly the unacknowledged ones";
      t.all(await bob.device().drain(), bob.base + 1, sent, "WATCH-NO-ACK", violation);
    },
  },
  {
    // § WATCH-SYNC: A Sync that begins after a frame was received MUST report at least the frame's `svr_seq`, within an
    // § epoch.
    id: "watch/sync-after-frame",
    title: "A Sync after a frame returns the messages that svr_seq of the frame counts",
    requirements: ["WATCH-SYNC"],
    async run(t: Context) {
      const { bob, alice } = t;
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      const phone = bob.device("phone");
      for (let n = 1; n <= 20; n += 1) {
        const send = alice.send(bob, `message ${n}`);
        // The Sync follows the frame and not the response to the Send, as the frame may come first.
        const [, sent] = await Promise.all([
          expectFrameCovering(watcher, bob.base + n, "a Watch got no frame for a message", send).then(
            async ({ svrSeq }) => {
              const page = await phone.fetch();
              const what = "a Sync after a frame reports a lower svr_seq than the frame";
              t.that(
                page.svrSeq >= svrSeq,
                "WATCH-SYNC",
                what,
                `svr_seq: at least ${svrSeq}`,
                `svr_seq: ${page.svrSeq}`,
              );
            },
          ),
          send,
        ]);
        const has = phone.stored.some(({ clientMessageId }) => clientMessageId === sent.clientMessageId);
        const violation = "a Sync after a frame did not return the message";
        t.that(
          has,
          "WATCH-SYNC",
          violation,
          `message ${sent.clientMessageId}: delivered`,
          `message ${sent.clientMessageId}: in no page`,
        );
      }
    },
  },
  {
    // § WATCH-ALL: A server MUST let an account have 20 Watches open at once, and each of them MUST get the frames that
    // § this chapter promises.
    id: "watch/twenty",
    title: "20 open Watches of an account all get a first frame and a frame for each message",
    requirements: ["WATCH-ALL"],
    async run(t: Context) {
      const { bob, alice } = t;
      const twentyOf = (account: TestAccount) =>
        Array.from({ length: WATCHES }, (_, n) => new Watcher(t, account, {}, `watcher ${n + 1}`));
      const [alices, watchers] = [twentyOf(alice), twentyOf(bob)];
      const expectFrameOnAll = (svrSeq: number, what: string) =>
        t.blaming("WATCH-ALL", () =>
          Promise.all(watchers.map((watcher) => expectFrameCovering(watcher, svrSeq, what))),
        );
      await expectFrameOnAll(bob.base, "one of 20 Watches got no first frame");
      await t.blaming("WATCH-ALL", () => Promise.all(alices.map((watcher) => watcher.expectFirstFrame())));
      await alice.send(bob, "first");
      await expectFrameOnAll(bob.base + 1, "one of 20 Watches got no frame for a message");
      for (const watcher of watchers.splice(0, 5)) watcher.cancel();
      await alice.send(bob, "second");
      const violation = "one of 15 Watches got no frame for a message after five others were cancelled";
      await expectFrameOnAll(bob.base + 2, violation);
    },
  },
  {
    id: "watch/second-does-not-replace-first",
    title: "A second Watch does not replace the first, neither while it is open nor after it is closed",
    requirements: ["WATCH-ALL"],
    async run(t: Context) {
      const { bob, alice } = t;
      const [first, second] = [new Watcher(t, bob, {}, "first"), new Watcher(t, bob, {}, "second")];
      await first.expectFirstFrame();
      await second.expectFirstFrame();
      await t.blaming("WATCH-ALL", async () => {
        await alice.send(bob, "while both are open");
        for (const watcher of [first, second])
          await expectFrameCovering(watcher, bob.base + 1, "one of two Watches got no frame for a message");
        second.cancel();
        await alice.send(bob, "after one was cancelled");
        const violation = "a Watch got no frame for a message after another was cancelled";
        await expectFrameCovering(first, bob.base + 2, violation);
      });
    },
  },
  {
    // § WATCH-PRIVATE: A frame MUST report the caller's inbox and no other.
    id: "watch/private",
    title: "The frames of a Watch report the caller's inbox only",
    requirements: ["WATCH-PRIVATE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const [bobs, alices] = [new Watcher(t, bob), new Watcher(t, alice)];
      await bobs.expectFirstFrame();
      await alices.expectFirstFrame();
      await bob.sendAtOnce(alice, 30);
      await expectFrameCovering(alices, alice.base + 30, "alice's Watch got no frame for her messages");
      await alice.send(bob, "the marker");
      await expectFrameCovering(bobs, bob.base + 1, "bob's Watch got no frame for his messages");
      const states = [
        [bob, bobs, 1],
        [alice, alices, 30],
      ] as const;
      for (const [account, watcher, count] of states) {
        const { epoch } = await account.state();
        for (const { svrSeq, epoch: reported } of watcher.frames) {
          const own = svrSeq >= account.base && svrSeq <= account.base + count;
          const what = `a frame of ${account.name} reports the state of another inbox`;
          t.that(
            own,
            "WATCH-PRIVATE",
            what,
            `svr_seq: from ${account.base} to ${account.base + count}`,
            `svr_seq: ${svrSeq}`,
          );
          t.equal({ epoch: reported }, { epoch }, "WATCH-PRIVATE", what);
        }
      }
    },
  },
  {
    // § WATCH-STALLED: A Watch whose client does not read MUST NOT hold up any Send, any Sync or any other Watch.
    id: "watch/stalled",
    title: "Watches that are never read do not delay Sends, Syncs or other Watches",
    requirements: ["WATCH-STALLED"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      for (let n = 0; n < 3; n += 1) await openStalledWatch(t, bob);
      const reader = new Watcher(t, bob);
      await reader.expectFirstFrame();
      const phone = bob.device("phone");
      await t.blaming("WATCH-STALLED", async () => {
        const sent: SentMessage[] = [];
        for (let round = 0; round < 5; round += 1) {
          sent.push(...(await alice.sendAtOnce(bob, 20)));
          await phone.drain();
          const violation = "a Watch got no frame for a message while others were stalled";
          await expectFrameCovering(reader, bob.base + sent.length, violation);
        }
        const message = "some messages were not delivered while Watches were stalled";
        t.equal({ messages: phone.stored.length }, { messages: sent.length }, "SEND-VISIBLE", message);
      });
    },
  },
  {
    // § WATCH-EPOCH: When an inbox gets a new epoch, every open Watch on it whose reader keeps up MUST get, within 5
    // § seconds, a frame with the new epoch, or end.
    id: "watch/new-epoch",
    title: "After data loss each open Watch gets a frame with the new epoch, or ends",
    requirements: ["WATCH-EPOCH"],
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const watchers = [new Watcher(t, bob, {}, "first"), new Watcher(t, bob, {}, "second")];
      await alice.sendMany(bob, 3);
      for (const watcher of watchers)
        await expectFrameCovering(watcher, bob.base + 3, "bob's Watch got no frame for his messages");
      for (let loss = 1; loss <= 3; loss += 1) {
        await t.rotateEpoch(bob);
        const { epoch } = await bob.state();
        // A Watch that ends is reopened, and its first frame then has the new epoch.
        for (const watcher of watchers) {
          await watcher.expectFrame(
            (frame) => frame.epoch === epoch,
            "WATCH-EPOCH",
            "a Watch got no frame with the new epoch",
          );
        }
        // No message is sent between the first two losses, so that the frames differ in the epoch only.
        if (loss === 1) continue;
        await alice.send(bob, `after data loss ${loss}`);
        for (const watcher of watchers) {
          const what = "a Watch got no frame for a message under the new epoch";
          await watcher.expectFrame((frame) => frame.epoch === epoch && frame.svrSeq >= 1, "WATCH-WAKE", what);
        }
      }
    },
  },
];

/** Opens a Watch and never reads its frames. */
async function openStalledWatch(t: Context, account: TestAccount): Promise<void> {
  const { watch: method } = SeqSyncService.method;
  const opening = t.session.transport.stream({
    endpoint: t.session.nextEndpoint(),
    path: pathOf(method),
    headers: { "content-type": `application/connect+${t.session.codec}`, ...authorization(account.token) },
    body: envelope(encode(t.session.codec, method.input, {})),
  });
  const stream = await opening.catch((error: Error) => {
    throw new NoResponseFailure("WATCH-FIRST", "Watch", error.message);
  });
  t.onEnd(() => stream.cancel());
  if (isRetryableStatus(stream.status)) return; // rate limited: the case continues with one stalled Watch fewer
  t.fields(stream, { status: 200 }, "HTTP-STREAM", "a Watch was not opened");
}
