import type { SentMessage } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectFrameCovering, Watcher } from "../../harness/watcher.js";

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
    id: "watch/own-message",
    title: "Watches get a frame for a message that their account sends to itself",
    requirements: ["WATCH-WAKE", "SEND-SELF"],
    async run(t: Context) {
      const { bob } = t;
      const watchers = [new Watcher(t, bob), new Watcher(t, bob)];
      for (const watcher of watchers) await watcher.expectFirstFrame();
      for (let n = 1; n <= 2; n += 1) {
        await bob.send(bob, t.filler(`note ${n}`));
        for (const watcher of watchers)
          await expectFrameCovering(watcher, bob.base + n, "a Watch got no frame for a message from its own account");
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
];
