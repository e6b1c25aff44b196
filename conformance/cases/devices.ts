import type { Device, SentMessage } from "../harness/account.js";
import { expectExactly, fillBacklog } from "../harness/backlog.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";

export const devices: readonly Case[] = [
  {
    // § DEV-SHARED-ACK: A message that one device of an account has acknowledged MUST be acknowledged for all devices
    // § of the account.
    id: "devices/worked-example",
    title: "A device at 140 in an inbox acked up to 200 receives 201 to 260, not 141 to 200",
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
      const violation = "the response to a Sync with cli_seq 200 does not report acked_seq 200 and svr_seq 260";
      t.equal(numbers, { ackedSeq: 200, svrSeq: 260 }, "ACK-IMPLICIT", violation);
      const secondPage = await second.sync();
      const reported = { ackedSeq: secondPage.ackedSeq - bob.base, svrSeq: secondPage.svrSeq - bob.base };
      const message = "the response to a second device with cli_seq 140 does not report acked_seq 200 and svr_seq 260";
      t.equal(reported, { ackedSeq: 200, svrSeq: 260 }, "DEV-SHARED-ACK", message);
      t.equal(
        { seq: secondPage.messages[0]?.seq },
        { seq: bob.base + 201 },
        "DEV-SHARED-ACK",
        "the second device's page does not begin with message 201",
      );
      await second.catchUp();
      expectExactly(t, second.stored, bob.base + 201, later, "DEV-SHARED-ACK");
      t.fields(second, { cliSeq: bob.base + 260 }, "DEV-LAGGING", "the second device does not reach svr_seq");
    },
  },
  {
    id: "devices/shared-ack",
    title: "Three devices at different positions all receive the messages after the ack of a fourth",
    requirements: ["DEV-SHARED-ACK", "ACK-NO-REDELIVERY"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 9);
      // Each device syncs beforehand, so that a server with a cursor for each device has stored one.
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
          t.fields(
            page,
            { ackedSeq: bob.base + 6 },
            "DEV-SHARED-ACK",
            `${what} did not report the ack of another device`,
          );
          const violation = `${what} did not return the unacknowledged messages`;
          t.page(page, bob.base + 7, sent.slice(6), "DEV-SHARED-ACK", violation);
        }
      }
    },
  },
  {
    id: "devices/by-turns",
    title: "Two devices sync alternately; each receives only messages that the other has not acked",
    requirements: ["DEV-SHARED-ACK", "PAGE-UNION"],
    async run(t: Context) {
      const { bob, alice } = t;
      const devices = [bob.device("phone"), bob.device("tablet")];
      const sent: SentMessage[] = [];
      for (let round = 0; round < 6; round += 1) {
        const arrivals = await alice.sendMany(bob, 3);
        const device = devices[round % 2] as Device;
        const got = await device.drain(2);
        const violation = "a device received messages other than the new ones";
        t.all(got, bob.base + sent.length + 1, arrivals, "DEV-SHARED-ACK", violation);
        sent.push(...arrivals);
      }
      const all = devices.flatMap(({ stored }) => stored).sort((a, b) => a.seq - b.seq);
      t.all(all, bob.base + 1, sent, "PAGE-UNION", "the devices together did not receive each message exactly once");
    },
  },
  {
    // § DEV-TOGETHER: Devices that sync at the same time MUST each receive a page that starts right after the
    // § acknowledged seq: delivering a message to one device MUST NOT withhold it from another.
    id: "devices/together",
    title: "Six devices sync at the same time; each receives the page after acked_seq",
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
          t.fields(page, { ackedSeq: bob.base + acked }, "DEV-TOGETHER", "acked_seq of a concurrent Sync is wrong");
          const what = "a page of a concurrent Sync does not hold the messages after acked_seq";
          t.page(page, bob.base + acked + 1, sent.slice(acked), "DEV-TOGETHER", what);
        }
      }
    },
  },
  {
    id: "devices/together-through-the-pages",
    title: "Two devices fetch pages at the same time; both reach the end, and together they receive each message",
    requirements: ["DEV-TOGETHER", "DEV-SHARED-ACK"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 30);
      const [fast, slow] = [bob.device("fast"), bob.device("slow")];
      await Promise.all([fast.catchUp(5), slow.catchUp(2)]);
      for (const device of [fast, slow]) {
        const who = device === fast ? "the fast device" : "the slow device";
        t.fields(device, { cliSeq: bob.base + 30 }, "DEV-TOGETHER", `${who} did not reach svr_seq`);
        const last = device.stored.at(-1)?.seq;
        const violation = `${who} did not receive the last message, which is unacknowledged`;
        t.equal({ seq: last }, { seq: bob.base + 30 }, "DEV-TOGETHER", violation);
      }
      const all = new Map([...fast.stored, ...slow.stored].map((message) => [message.seq, message]));
      const got = [...all.values()].sort((a, b) => a.seq - b.seq);
      t.all(got, bob.base + 1, sent, "DEV-TOGETHER", "the devices together did not receive each message");
    },
  },
  {
    // § DEV-LAGGING: A Sync whose `cli_seq` is below the acknowledged seq MUST be served like any other, with an
    // § `acked_seq` above that `cli_seq` and the page that follows this `acked_seq`.
    id: "devices/lagging",
    title: "A device whose cli_seq is below acked_seq is served, with acked_seq and the page after it",
    requirements: ["DEV-LAGGING", "SYNC-BASE"],
    async run(t: Context) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 8);
      const { epoch } = await bob.device("phone").sync({ cliSeq: bob.base + 5 });
      for (const offset of [1, 3, 4]) {
        for (const sentEpoch of ["", epoch]) {
          const result = await bob.device("tablet").trySync({ cliSeq: bob.base + offset, epoch: sentEpoch });
          const page = await t.blaming("DEV-LAGGING", async () => t.accepted(result, "SYNC-ANSWER"));
          const violation = "a Sync with a cli_seq below acked_seq did not report acked_seq";
          t.fields(page, { ackedSeq: bob.base + 5 }, "DEV-LAGGING", violation);
          const message = "a Sync with a cli_seq below acked_seq did not return the page after acked_seq";
          t.page(page, bob.base + 6, sent.slice(5), "DEV-LAGGING", message);
        }
      }
    },
  },
  {
    id: "devices/lagging-with-nothing-pending",
    title: "In a fully acked inbox an empty response takes a lagging or new device to acked_seq",
    requirements: ["DEV-LAGGING", "SYNC-NEXT"],
    async run(t: Context) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 6);
      await bob.device("phone").drain();
      const tablet = bob.device("tablet");
      const { epoch } = await bob.state();
      for (const [offset, sentEpoch] of [
        [0, ""],
        [0, epoch],
        [2, epoch],
        [2, ""],
      ] as const) {
        tablet.cliSeq = offset === 0 ? 0 : bob.base + offset;
        const result = await tablet.trySync({ epoch: sentEpoch });
        const page = await t.blaming("DEV-LAGGING", async () => t.accepted(result, "SYNC-ANSWER"));
        const { ackedSeq, nextCliSeq, messages } = page;
        t.equal(
          { ackedSeq, nextCliSeq, messages: messages.length },
          { ackedSeq: bob.base + 6, nextCliSeq: bob.base + 6, messages: 0 },
          "DEV-LAGGING",
          "an empty response to a lagging device does not lead to acked_seq",
        );
        tablet.store(page);
      }
      const next = await alice.send(bob, "news");
      const violation = "a device that was taken to acked_seq did not receive the next message";
      t.page(await tablet.sync(), bob.base + 7, [next], "DEV-LAGGING", violation);
    },
  },
];
