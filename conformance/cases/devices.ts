import type { Device, Sent } from "../harness/account.js";
import { expectExactly, fillBacklog } from "../harness/backlog.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";

export const devices: readonly Case[] = [
  {
    // § DEV-SHARED-ACK: What one device of an account has acknowledged MUST be acknowledged for all devices of the
    // § account.
    id: "devices/worked-example",
    title: "bob's first phone has acked 200 of 260; his second one stopped at 140 and gets 201 to 260, not 141 to 200",
    requirements: ["DEV-SHARED-ACK", "DEV-LAGGING"],
    bulk: true,
    async run(t: Context) {
      const { bob } = t;
      const [first, second] = [bob.device("first phone"), bob.device("second phone")];
      await fillBacklog(t, 200);
      second.cliSeq = bob.base + 140;
      first.cliSeq = bob.base + 100;
      await first.catchUp();
      const later = await fillBacklog(t, 60);
      const page = await first.sync();
      const numbers = { ackedSeq: page.ackedSeq - bob.base, svrSeq: page.svrSeq - bob.base };
      t.equal(numbers, { ackedSeq: 200, svrSeq: 260 }, "ACK-IMPLICIT", "the first phone's Sync with 200");
      const theirs = await second.sync();
      const told = { ackedSeq: theirs.ackedSeq - bob.base, svrSeq: theirs.svrSeq - bob.base };
      t.equal(told, { ackedSeq: 200, svrSeq: 260 }, "DEV-SHARED-ACK", "the second phone's Sync with 140");
      t.equal(theirs.messages[0]?.seq, bob.base + 201, "DEV-SHARED-ACK", "its page does not begin with 201");
      await second.catchUp();
      expectExactly(t, second.stored, bob.base + 201, later, "DEV-SHARED-ACK");
      t.equal(second.cliSeq, bob.base + 260, "DEV-LAGGING", "the second phone does not get to 260");
    },
  },
  {
    id: "devices/shared-ack",
    title: "three devices of bob, each behind in its own way, all go on after what the fourth has acked",
    requirements: ["DEV-SHARED-ACK", "ACK-NO-REDELIVERY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 9);
      // Each has asked before, so that a server that keeps a cursor for each has one.
      const others = [0, 1, 4].map((stored) => {
        const device = bob.device(`device at ${stored}`);
        device.cliSeq = stored === 0 ? 0 : bob.base + stored;
        return device;
      });
      for (const device of others) await device.sync({ cliSeq: 0 });
      await bob.device("phone").sync({ cliSeq: bob.base + 6 });
      for (const device of others) {
        for (const attempt of ["first", "second"]) {
          const page = await device.sync();
          const what = `the ${attempt} Sync of a ${device.client.name.split("'s ")[1]}`;
          t.equal(page.ackedSeq, bob.base + 6, "DEV-SHARED-ACK", `${what} does not know of the ack`);
          t.page(page, bob.base + 7, sent.slice(6), "DEV-SHARED-ACK", `${what} does not get what is unacked`);
        }
      }
    },
  },
  {
    id: "devices/by-turns",
    title:
      "bob uses his phone and his tablet by turns; together they have each message, and what one acked the other skips",
    requirements: ["DEV-SHARED-ACK", "PAGE-UNION"],
    async run(t: Context) {
      const { bob, alice } = t;
      const devices = [bob.device("phone"), bob.device("tablet")];
      const sent: Sent[] = [];
      for (let round = 0; round < 6; round += 1) {
        const news = await alice.sendMany(bob, 3);
        const device = devices[round % 2] as Device;
        const got = await device.drain(2);
        t.all(got, bob.base + sent.length + 1, news, "DEV-SHARED-ACK", "a device got something else than the news");
        sent.push(...news);
      }
      const all = devices.flatMap(({ stored }) => stored).sort((a, b) => a.seq - b.seq);
      t.all(all, bob.base + 1, sent, "PAGE-UNION", "the devices together do not have each message once");
    },
  },
  {
    // § DEV-TOGETHER: Devices that sync at the same time MUST each be answered with a page that starts right after the
    // § acknowledged seq: delivering a message to one MUST NOT keep it from another.
    id: "devices/together",
    title: "six devices of bob ask at the same moment, again and again: each gets the page after the acked seq",
    requirements: ["DEV-TOGETHER"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 5);
      for (const acked of [0, 0, 2, 2, 4]) {
        await bob.device("phone").sync({ cliSeq: bob.base + acked });
        const pages = await Promise.all(
          Array.from({ length: 6 }, (_, n) =>
            bob.device(`device ${n}`).sync({ cliSeq: bob.base + Math.min(acked, n) }),
          ),
        );
        for (const page of pages) {
          t.equal(page.ackedSeq, bob.base + acked, "DEV-TOGETHER", "a device's page starts elsewhere");
          const what = "a message that one device got was kept from another";
          t.page(page, bob.base + acked + 1, sent.slice(acked), "DEV-TOGETHER", what);
        }
      }
    },
  },
  {
    id: "devices/together-through-the-pages",
    title: "two devices of bob page at the same time, one faster; what either has not got the other has acked",
    requirements: ["DEV-TOGETHER", "DEV-SHARED-ACK"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 30);
      const [fast, slow] = [bob.device("fast"), bob.device("slow")];
      await Promise.all([fast.catchUp(5), slow.catchUp(2)]);
      for (const device of [fast, slow]) {
        t.equal(device.cliSeq, bob.base + 30, "DEV-TOGETHER", "a device does not get to the end");
        const last = device.stored.at(-1)?.seq;
        t.equal(last, bob.base + 30, "DEV-TOGETHER", "the last message, which nobody acked, was kept from a device");
      }
      const all = new Map([...fast.stored, ...slow.stored].map((message) => [message.seq, message]));
      const got = [...all.values()].sort((a, b) => a.seq - b.seq);
      t.all(got, bob.base + 1, sent, "DEV-TOGETHER", "the devices together do not have each message");
    },
  },
  {
    // § DEV-LAGGING: A Sync whose `cli_seq` is below the acknowledged seq MUST be answered like any other, with
    // § `acked_seq` above that `cli_seq` and the page that follows it.
    id: "devices/lagging",
    title:
      "bob has acked 5 of 8; a device at 1, at 3 and at 4 is answered, told of the 5, and goes on with what follows",
    requirements: ["DEV-LAGGING", "SYNC-BASE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 8);
      const { epoch } = await bob.device("phone").sync({ cliSeq: bob.base + 5 });
      for (const behind of [1, 3, 4]) {
        for (const named of ["", epoch]) {
          const answered = await bob.device("tablet").trySync({ cliSeq: bob.base + behind, epoch: named });
          const page = await t.blaming("DEV-LAGGING", async () => t.accepted(answered, "SYNC-ANSWER"));
          t.equal(page.ackedSeq, bob.base + 5, "DEV-LAGGING", "a device that is behind is not told");
          t.page(page, bob.base + 6, sent.slice(5), "DEV-LAGGING", "a device that is behind gets another page");
        }
      }
    },
  },
  {
    id: "devices/lagging-with-nothing-pending",
    title:
      "bob has acked everything; a device that stopped at 2, and a new one, is taken to the end by an empty answer",
    requirements: ["DEV-LAGGING", "SYNC-NEXT"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 6);
      await bob.device("phone").drain();
      const tablet = bob.device("tablet");
      const { epoch } = await bob.state();
      for (const [behind, named] of [
        [0, ""],
        [0, epoch],
        [2, epoch],
        [2, ""],
      ] as const) {
        tablet.cliSeq = behind === 0 ? 0 : bob.base + behind;
        const answered = await tablet.trySync({ epoch: named });
        const page = await t.blaming("DEV-LAGGING", async () => t.accepted(answered, "SYNC-ANSWER"));
        const { ackedSeq, nextCliSeq, messages } = page;
        t.equal(
          { ackedSeq, nextCliSeq, messages: messages.length },
          { ackedSeq: bob.base + 6, nextCliSeq: bob.base + 6, messages: 0 },
          "DEV-LAGGING",
          "a device that is behind is not taken to the acked seq",
        );
        tablet.store(page);
      }
      const next = await alice.send(bob, "news");
      t.page(await tablet.sync(), bob.base + 7, [next], "DEV-LAGGING", "it does not go on from there");
    },
  },
];
