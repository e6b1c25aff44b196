import { expectExactly } from "../../harness/backlog.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import { expectStart, messagesTo, type Outgoing, requireAtLeast, sendVolume } from "../../harness/volume.js";
import { expectFrameCovering, Watcher } from "../../harness/watcher.js";

const MAX_UINT32 = 0xffff_ffff;

/** Number of pending messages that the cases want, and without which they show nothing that others do not. */
const WANTED = 5000;
const MINIMUM = 1500;

/** The same for a case with Watches: a server may send a frame for each message, and the suite reads 4000 of a Watch. */
const WATCHED = 2000;

/** Bytes of payloads that are pending, and the limit that the case must cross: a usual bound of buffers is 8 MiB. */
const WANTED_BYTES = 20 << 20;
const MINIMUM_BYTES = 9 << 20;

/** Cases with many pending messages in one inbox. */
export const pending: readonly Case[] = [
  {
    // § PAGE-UNION: The pages of a run of Syncs, each with the `next_cli_seq` of the previous response as its
    // § `cli_seq`, MUST together hold each message after the first page's `acked_seq`, up to the last page's
    // § `next_cli_seq`, exactly once, and MUST reach the first page's `svr_seq`, while no other device acknowledges.
    id: "page/thousands-pending",
    title: "Thousands of pending messages are all delivered, in order, in pages of several sizes",
    requirements: ["PAGE-UNION", "ACK-REDELIVER", "SEND-VISIBLE"],
    thorough: true,
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      let { base } = bob;
      for (const pageSize of [0, 1000, 97]) {
        const sent = await sendVolume(t, messagesTo(t, alice, bob, WANTED));
        requireAtLeast(MINIMUM, sent.length, "unacknowledged messages in an inbox");
        const what = `svr_seq does not cover ${sent.length} accepted messages`;
        t.fields(await bob.state(), { svrSeq: base + sent.length }, "SEND-VISIBLE", what);
        for (const size of [1, 100, 1000, MAX_UINT32, 0]) {
          const page = await bob.device("new device").sync({ pageSize: size });
          const violation = `with ${sent.length} messages pending, a page for page_size ${size} does not begin with the first`;
          expectStart(t, page, base + 1, "ACK-REDELIVER", violation);
        }
        const phone = bob.device("phone");
        await phone.drain(pageSize);
        expectExactly(t, phone.stored, base + 1, sent, "PAGE-UNION");
        base += sent.length;
      }
    },
  },
  {
    // § SEND-VISIBLE: Once a Send has succeeded, every Sync of the recipient that begins later MUST report a `svr_seq`
    // § that covers its message, within the epoch in which it was accepted.
    id: "send/mebibytes-pending",
    title: "Messages are accepted and delivered unchanged while 20 MiB are pending in an inbox",
    requirements: ["SEND-VISIBLE", "SEND-BYTES", "PAGE-PROGRESS", "ACK-REDELIVER"],
    thorough: true,
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const outgoing = mebibytes(t);
      const sent = await sendVolume(t, outgoing);
      const size = sent.reduce((sum, { payload }) => sum + payload.length, 0);
      requireAtLeast(MINIMUM_BYTES, size, "bytes of unacknowledged payloads in an inbox");
      // The message that a full buffer drops may be any one: the next ones are small and large.
      const largest = outgoing[0]?.payload ?? "";
      const next = ["the next one", largest, ""].map((payload) => ({ from: alice, to: bob, id: t.newId(), payload }));
      for (const message of next) sent.push(...(await sendVolume(t, [message])));
      const what = `svr_seq does not cover ${sent.length} accepted messages of together ${size} bytes`;
      t.fields(await bob.state(), { svrSeq: bob.base + sent.length }, "SEND-VISIBLE", what);
      const violation = `with ${size} bytes pending, a page does not begin with the first message`;
      expectStart(t, await bob.device("tablet").sync(), bob.base + 1, "ACK-REDELIVER", violation);
      const phone = bob.device("phone");
      await phone.drain();
      // The judge compares the payloads.
      expectExactly(t, phone.stored, bob.base + 1, sent, "SEND-VISIBLE");
    },
  },
  {
    // § WATCH-WAKE: Within 5 seconds after a Send has succeeded, every open Watch of the recipient whose reader keeps
    // § up MUST have received a frame whose `svr_seq` covers the message.
    id: "watch/beside-thousands-pending",
    title: "While thousands of messages are pending, Watches old and new get a frame for each further message",
    requirements: ["WATCH-WAKE", "WATCH-FIRST"],
    thorough: true,
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const old = new Watcher(t, bob);
      await old.expectFirstFrame();
      let count = (await sendVolume(t, messagesTo(t, alice, bob, WATCHED))).length;
      requireAtLeast(MINIMUM, count, "unacknowledged messages in an inbox");
      const phone = bob.device("phone");
      // Room for the next messages, should the inbox be full. Nearly all others stay pending.
      await phone.fetch(100);
      await phone.sync({ cliSeq: bob.base + 50, pageSize: 1 });
      const added = new Watcher(t, bob);
      await added.expectFirstFrame();
      for (let n = 1; n <= 3; n += 1) {
        await alice.send(bob, t.filler(`next message ${n}`));
        count += 1;
        const violation = `with ${count} messages, most of them pending, a Watch got no frame for a new one`;
        for (const watcher of [old, added]) await expectFrameCovering(watcher, bob.base + count, violation);
      }
    },
  },
  {
    // § DEV-LAGGING: A Sync whose `cli_seq` is below the acknowledged seq MUST be served like any other, with an
    // § `acked_seq` above that `cli_seq` and the page that follows this `acked_seq`.
    id: "devices/thousands-behind",
    title: "Devices that are thousands of messages behind get the first unacknowledged one, and then all others",
    requirements: ["DEV-LAGGING", "ACK-REDELIVER", "DEV-SHARED-ACK", "ACK-UNFETCHED"],
    thorough: true,
    bulk: true,
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await sendVolume(t, messagesTo(t, alice, bob, WANTED));
      requireAtLeast(MINIMUM, sent.length, "unacknowledged messages in an inbox");
      const end = bob.base + sent.length;
      const behind = (count: number) => `a device that is ${count} messages behind`;
      const expectFirst = async (cliSeq: number, firstSeq: number, what: string) => {
        const page = await bob.device(`device at ${cliSeq}`).sync({ cliSeq });
        const requirement = cliSeq < firstSeq - 1 ? "DEV-LAGGING" : "ACK-REDELIVER";
        expectStart(t, page, firstSeq, requirement, `${what} does not get the first unacknowledged message`);
      };
      await expectFirst(bob.base, bob.base + 1, behind(sent.length));
      // Each device acknowledges for all of them, whether or not it has fetched what it acknowledges.
      const steps = [10, 257, 1025, Math.floor(sent.length / 2)].map((step) => bob.base + step);
      for (const acked of steps) {
        await bob.device("phone").sync({ cliSeq: acked });
        for (const cliSeq of [bob.base, bob.base + 5, acked - 1, acked])
          await expectFirst(cliSeq, acked + 1, behind(end - cliSeq));
      }
      const acked = steps.at(-1) ?? bob.base;
      const tablet = bob.device("tablet");
      tablet.cliSeq = bob.base + 5;
      await tablet.catchUp(100);
      t.equal({ cliSeq: tablet.cliSeq }, { cliSeq: end }, "PAGE-UNION", "the pages of a device do not reach svr_seq");
      const seqs = tablet.stored.map(({ seq }) => seq);
      const gap = seqs.findIndex((seq, index) => seq !== acked + 1 + index);
      const place = `message ${gap + 1} that the device fetched`;
      t.that(
        gap < 0,
        "ACK-REDELIVER",
        "a device that was thousands of messages behind did not get every unacknowledged one",
        `${place}: seq ${acked + 1 + gap}`,
        `${place}: seq ${seqs[gap]}`,
      );
      t.equal(
        { count: seqs.length },
        { count: end - acked },
        "ACK-REDELIVER",
        "the wrong number of messages was fetched",
      );
    },
  },
];

/** Messages of together 20 MiB, large ones first, or as many as the suite sends. All payloads differ. */
function mebibytes(t: Context): Outgoing[] {
  const { bob, alice } = t;
  const { maxPayloadBytes } = t.info;
  const messages: Outgoing[] = [];
  for (let total = 0; total < WANTED_BYTES && messages.length < WANTED; ) {
    const size = Math.min(maxPayloadBytes, total < WANTED_BYTES / 2 ? 1 << 20 : 64 << 10);
    const payload = Buffer.alloc(size, `${messages.length} `);
    messages.push({ from: alice, to: bob, id: t.newId(), payload });
    total += size;
  }
  return messages;
}
