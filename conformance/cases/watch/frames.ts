import { SeqSyncService } from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { Sent, TestAccount } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectFrameCovering, Watcher } from "../../harness/watcher.js";
import { encode, isRetryableStatus } from "../../rpc/connect.js";
import { envelope } from "../../rpc/envelope.js";
import { authorization, pathOf } from "../../rpc/session.js";

/** So many Watches an account must be able to have. */
const WATCHES = 20;

export const watchFrames: readonly Case[] = [
  {
    // § WATCH-FIRST: The first frame of a Watch MUST come without waiting for an event, and report the inbox's `epoch`
    // § and `svr_seq` as they are at some moment after the call began.
    id: "watch/first-frame",
    title: "the first frame comes by itself and tells epoch and svr_seq: of an empty inbox, of one with a backlog",
    requirements: ["WATCH-FIRST", "EPOCH-PRESENT"],
    async run(t: Context) {
      const { bob, alice } = t;
      const { epoch } = await bob.state();
      const look = async (count: number, what: string) => {
        const frame = await new Watcher(t, bob).expectFirstFrame();
        const told = { epoch: frame.epoch, svrSeq: frame.svrSeq };
        t.equal(told, { epoch, svrSeq: bob.base + count }, "WATCH-FIRST", `the first frame of ${what}`);
      };
      await look(0, "an inbox with nothing pending");
      await alice.sendMany(bob, 3);
      await look(3, "an inbox with three messages");
      await bob.device("phone").sync({ cliSeq: bob.base + 2 });
      await look(3, "an inbox of which some is acked");
      await bob.device("phone").sync({ cliSeq: bob.base + 3 });
      await look(3, "an inbox of which all is acked");
    },
  },
  {
    // § WATCH-WAKE: After a Send was answered with success, every open Watch of the recipient whose reader keeps up
    // § MUST have got, within 5 seconds, a frame whose `svr_seq` covers the message.
    id: "watch/opened-before",
    title: "bob watches when alice sends; he is woken ten times over on one Watch, from each endpoint",
    requirements: ["WATCH-WAKE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const watchers = t.session.transport.urls.map((_, endpoint) => new Watcher(t, bob, { endpoint }));
      for (const watcher of watchers) await watcher.expectFirstFrame();
      for (let n = 1; n <= 10; n += 1) {
        await alice.send(bob, n % 3 === 0 ? "" : `message ${n}`);
        for (const watcher of watchers)
          await expectFrameCovering(watcher, bob.base + n, `message ${n} has woken nobody`);
      }
    },
  },
  {
    // § WATCH-FIRST: The first frame of a Watch MUST come without waiting for an event, and report the inbox's `epoch`
    // § and `svr_seq` as they are at some moment after the call began.
    id: "watch/opened-during",
    title:
      "bob opens a Watch while alice's Send is under way, 25 times: he hears of each message, one way or the other",
    requirements: ["WATCH-FIRST", "WATCH-WAKE"],
    async run(t: Context) {
      const { bob, alice } = t;
      for (let n = 1; n <= 25; n += 1) {
        const watcher = new Watcher(t, bob);
        const other = n % 2 === 0 ? watcher.expectFirstFrame() : bob.state();
        await Promise.all([alice.send(bob, `message ${n}`), other]);
        await expectFrameCovering(watcher, bob.base + n, `a message sent while the Watch was opened is missed`);
        watcher.cancel();
      }
    },
  },
  {
    id: "watch/opened-after",
    title: "bob goes away, alice sends, bob watches again, six times: each first frame covers what came in between",
    requirements: ["WATCH-FIRST"],
    async run(t: Context) {
      const { bob, alice } = t;
      for (let n = 1; n <= 6; n += 1) {
        const before = new Watcher(t, bob);
        await before.expectFirstFrame();
        before.cancel();
        await alice.send(bob, `message ${n}`);
        const { svrSeq } = await new Watcher(t, bob).expectFirstFrame();
        t.equal(svrSeq, bob.base + n, "WATCH-FIRST", "the first frame does not cover what came before the Watch");
      }
    },
  },
  {
    id: "watch/high-seqs",
    title: "bob watches while his inbox passes 2147483647; each frame tells its svr_seq",
    requirements: ["WATCH-FIRST", "WATCH-WAKE", "SEQ-UNSIGNED"],
    needs: { startSeq: 0x7fff_fffe },
    async run(t: Context) {
      const { bob, alice } = t;
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      for (let n = 1; n <= 3; n += 1) {
        await alice.send(bob, `message ${n}`);
        await t.blaming("SEQ-UNSIGNED", () =>
          expectFrameCovering(watcher, bob.base + n, "a frame does not tell a high svr_seq"),
        );
      }
      const { svrSeq } = await new Watcher(t, bob).expectFirstFrame();
      t.equal(svrSeq, bob.base + 3, "SEQ-UNSIGNED", "svr_seq of the first frame");
    },
  },
  {
    // § WATCH-WAKE: After a Send was answered with success, every open Watch of the recipient whose reader keeps up
    // § MUST have got, within 5 seconds, a frame whose `svr_seq` covers the message.
    id: "watch/wake-after-ack",
    title: "bob watches, syncs and acks; the next message wakes him all the same, and so does one to himself",
    requirements: ["WATCH-WAKE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      const phone = bob.device("phone");
      for (let n = 1; n <= 6; n += 1) {
        await (n % 3 === 0 ? bob : alice).send(bob, `message ${n}`);
        await expectFrameCovering(watcher, bob.base + n, "a message after an ack has woken nobody");
        await phone.drain();
      }
    },
  },
  {
    id: "watch/burst",
    title: "alice sends 100 messages at once; bob's Watch gets to the last one, in however few frames",
    requirements: ["WATCH-WAKE", "WATCH-MONOTONE"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      await alice.sendAtOnce(bob, 100);
      await expectFrameCovering(watcher, bob.base + 100, "the last messages of a burst have woken nobody");
    },
  },
  {
    // § WATCH-WAKE-SOON: That frame SHOULD come within 1 second.
    id: "watch/wake-soon",
    title: "alice sends five messages, one a moment; bob's Watch tells of each within a second",
    requirements: ["WATCH-WAKE-SOON"],
    async run(t: Context) {
      const { bob, alice } = t;
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      for (let n = 1; n <= 5; n += 1) {
        await alice.send(bob, `message ${n}`);
        const what = "a frame took more than a second";
        await watcher.expectFrame(({ svrSeq }) => svrSeq >= bob.base + n, "WATCH-WAKE-SOON", what, { ms: 1000 });
      }
    },
  },
  {
    // § WATCH-MONOTONE: Within an epoch the `svr_seq` of the frames of one Watch MUST NOT fall.
    id: "watch/monotone",
    title: "messages come and are acked while bob watches; svr_seq of the frames never falls",
    requirements: ["WATCH-MONOTONE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      const phone = bob.device("phone");
      for (let round = 1; round <= 5; round += 1) {
        await Promise.all([alice.sendAtOnce(bob, 8), bob.sendAtOnce(bob, 2), phone.fetch()]);
        await expectFrameCovering(watcher, bob.base + round * 10, "a burst has woken nobody");
        await phone.drain();
      }
      const seqs = watcher.frames.map(({ svrSeq }) => svrSeq);
      const fall = seqs.findIndex((svrSeq, index) => svrSeq < (seqs[index - 1] ?? 0));
      t.equal(fall, -1, "WATCH-MONOTONE", `svr_seq fell: ${seqs.slice(Math.max(0, fall - 2), fall + 1)}`);
    },
  },
  {
    // § WATCH-NO-ACK: A Watch MUST NOT change its inbox: it acknowledges nothing.
    id: "watch/no-ack",
    title: "bob watches, is woken, goes away, watches again; nothing is acked by it, and all messages are there",
    requirements: ["WATCH-NO-ACK"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent: Sent[] = [];
      for (let n = 1; n <= 4; n += 1) {
        const watcher = new Watcher(t, bob);
        await watcher.expectFirstFrame();
        sent.push(await alice.send(bob, `message ${n}`));
        await expectFrameCovering(watcher, bob.base + n, "a message has woken nobody");
        if (n % 2 === 0) watcher.cancel();
        const { ackedSeq } = await bob.state();
        t.equal(ackedSeq, bob.base, "WATCH-NO-ACK", "a Watch has acked");
      }
      t.all(await bob.device().drain(), bob.base + 1, sent, "WATCH-NO-ACK", "a Watch has taken messages away");
    },
  },
  {
    // § WATCH-SYNC: A Sync that begins after a frame was received MUST report at least the frame's `svr_seq`, within an
    // § epoch.
    id: "watch/sync-after-frame",
    title: "bob syncs the moment that a frame comes, 20 times: the message is there",
    requirements: ["WATCH-SYNC"],
    async run(t: Context) {
      const { bob, alice } = t;
      const watcher = new Watcher(t, bob);
      await watcher.expectFirstFrame();
      const phone = bob.device("phone");
      for (let n = 1; n <= 20; n += 1) {
        const send = alice.send(bob, `message ${n}`);
        // Not the Send's answer is waited for, but the frame: it may come first, and then the Sync must not come too early.
        const [, sent] = await Promise.all([
          expectFrameCovering(watcher, bob.base + n, "a message has woken nobody", send).then(async ({ svrSeq }) => {
            const page = await phone.fetch();
            const [told, what] = [`at least ${svrSeq}`, "a Sync after a frame knows less than the frame"];
            t.that(page.svrSeq >= svrSeq, "WATCH-SYNC", what, told, String(page.svrSeq));
          }),
          send,
        ]);
        const has = phone.stored.some(({ clientMessageId }) => clientMessageId === sent.clientMessageId);
        t.that(has, "WATCH-SYNC", "a Sync after a frame does not have its message", sent.clientMessageId, "not there");
      }
    },
  },
  {
    // § WATCH-ALL: A server MUST let an account have 20 Watches open at once, and each of them MUST get the frames that
    // § this chapter promises.
    id: "watch/twenty",
    title: "bob has 20 Watches open at once, and alice as many; each has its first frame, and each of bob's is woken",
    requirements: ["WATCH-ALL"],
    async run(t: Context) {
      const { bob, alice } = t;
      const twentyOf = (party: TestAccount) =>
        Array.from({ length: WATCHES }, (_, n) => new Watcher(t, party, {}, `watcher ${n + 1}`));
      const [hers, watchers] = [twentyOf(alice), twentyOf(bob)];
      const all = (svrSeq: number, what: string) =>
        t.blaming("WATCH-ALL", () =>
          Promise.all(watchers.map((watcher) => expectFrameCovering(watcher, svrSeq, what))),
        );
      await all(bob.base, "one of 20 Watches has no first frame");
      await t.blaming("WATCH-ALL", () => Promise.all(hers.map((watcher) => watcher.expectFirstFrame())));
      await alice.send(bob, "first");
      await all(bob.base + 1, "one of 20 Watches was not woken");
      for (const watcher of watchers.splice(0, 5)) watcher.cancel();
      await alice.send(bob, "second");
      await all(bob.base + 2, "after five have gone one of 15 Watches was not woken");
    },
  },
  {
    id: "watch/second-does-not-replace-first",
    title: "bob opens a second Watch and closes it again; the first one is woken before and after",
    requirements: ["WATCH-ALL"],
    async run(t: Context) {
      const { bob, alice } = t;
      const [first, second] = [new Watcher(t, bob, {}, "first"), new Watcher(t, bob, {}, "second")];
      await first.expectFirstFrame();
      await second.expectFirstFrame();
      await t.blaming("WATCH-ALL", async () => {
        await alice.send(bob, "while both are open");
        for (const watcher of [first, second])
          await expectFrameCovering(watcher, bob.base + 1, "one of two Watches was not woken");
        second.cancel();
        await alice.send(bob, "after one has gone");
        await expectFrameCovering(first, bob.base + 2, "a Watch was not woken after another had gone");
      });
    },
  },
  {
    // § WATCH-PRIVATE: A frame MUST report the caller's inbox and no other.
    id: "watch/private",
    title: "bob watches while 30 messages go to alice; his frames tell of his inbox only, hers of hers",
    requirements: ["WATCH-PRIVATE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const [his, hers] = [new Watcher(t, bob), new Watcher(t, alice)];
      await his.expectFirstFrame();
      await hers.expectFirstFrame();
      await bob.sendAtOnce(alice, 30);
      await expectFrameCovering(hers, alice.base + 30, "alice was not woken");
      await alice.send(bob, "the marker");
      await expectFrameCovering(his, bob.base + 1, "bob was not woken");
      const states = [
        [bob, his, 1],
        [alice, hers, 30],
      ] as const;
      for (const [party, watcher, count] of states) {
        const { epoch } = await party.state();
        for (const { svrSeq, epoch: told } of watcher.frames) {
          const own = svrSeq >= party.base && svrSeq <= party.base + count;
          const what = `a frame of ${party.name} tells of another inbox`;
          t.that(own, "WATCH-PRIVATE", what, `up to ${party.base + count}`, String(svrSeq));
          t.equal(told, epoch, "WATCH-PRIVATE", what);
        }
      }
    },
  },
  {
    // § WATCH-STALLED: A Watch whose client does not read MUST NOT hold up any Send, any Sync or any other Watch.
    id: "watch/stalled",
    title: "three Watches of bob are never read while alice sends and bob syncs; nothing and nobody is held up",
    requirements: ["WATCH-STALLED"],
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      for (let n = 0; n < 3; n += 1) await stall(t, bob);
      const reader = new Watcher(t, bob);
      await reader.expectFirstFrame();
      const phone = bob.device("phone");
      await t.blaming("WATCH-STALLED", async () => {
        const sent: Sent[] = [];
        for (let round = 0; round < 5; round += 1) {
          sent.push(...(await alice.sendAtOnce(bob, 20)));
          await phone.drain();
          await expectFrameCovering(
            reader,
            bob.base + sent.length,
            "a Watch that is read was not woken beside stalled ones",
          );
        }
        t.equal(phone.stored.length, sent.length, "SEND-VISIBLE", "beside stalled Watches not all messages came");
      });
    },
  },
  {
    // § WATCH-EPOCH: When an inbox gets a new epoch, every open Watch on it whose reader keeps up MUST get, within 5
    // § seconds, a frame with the new epoch, or end.
    id: "watch/new-epoch",
    title:
      "bob's inbox loses its data three times while two Watches are open; each gets a frame with each new epoch, or ends",
    requirements: ["WATCH-EPOCH"],
    needs: { rotateEpoch: true },
    async run(t: Context) {
      const { bob, alice } = t;
      const watchers = [new Watcher(t, bob, {}, "first"), new Watcher(t, bob, {}, "second")];
      await alice.sendMany(bob, 3);
      for (const watcher of watchers) await expectFrameCovering(watcher, bob.base + 3, "bob was not woken");
      for (let loss = 1; loss <= 3; loss += 1) {
        await t.rotateEpoch(bob);
        const { epoch } = await bob.state();
        // One that ends is opened again, and then its first frame has the new epoch.
        for (const watcher of watchers) {
          await watcher.expectFrame(
            (frame) => frame.epoch === epoch,
            "WATCH-EPOCH",
            "a Watch does not tell the new epoch",
          );
        }
        // Once nothing is sent between two losses: then a frame differs from the one before it by its epoch alone.
        if (loss === 1) continue;
        await alice.send(bob, `after loss ${loss}`);
        for (const watcher of watchers) {
          const what = "under a new epoch a message has woken nobody";
          await watcher.expectFrame((frame) => frame.epoch === epoch && frame.svrSeq >= 1, "WATCH-WAKE", what);
        }
      }
    },
  },
];

/** Opens a Watch and never reads a byte of its frames. */
async function stall(t: Context, party: TestAccount): Promise<void> {
  const { watch: method } = SeqSyncService.method;
  const opening = t.session.transport.stream({
    endpoint: t.session.nextEndpoint(),
    path: pathOf(method),
    headers: { "content-type": `application/connect+${t.session.codec}`, ...authorization(party.token) },
    body: envelope(encode(t.session.codec, method.input, {})),
  });
  const stream = await opening.catch((error: Error) =>
    t.fail("WATCH-FIRST", "a Watch was not opened", "the head of an answer, and a first frame", error.message),
  );
  t.onEnd(() => stream.cancel());
  if (isRetryableStatus(stream.status)) return; // asked to try again: then there are fewer that stall
  t.equal(stream.status, 200, "HTTP-STREAM", "a Watch was not opened");
}
