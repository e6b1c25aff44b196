import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { Case } from "./case.js";

export const ack: readonly Case[] = [
  {
    id: "ack/sync-acks-through-cli-seq",
    title: "bob's phone syncs with 3 of 5; his tablet, which has nothing, gets 4 and 5 only",
    requirements: ["ACK-IMPLICIT", "ACK-NO-REDELIVERY"],
    async run(t) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 5);
      const phone = bob.device("phone");
      await phone.sync({ cliSeq: bob.base + 3 });
      const page = await bob.device("tablet").sync();
      t.equal(page.ackedSeq, bob.base + 3, "ACK-IMPLICIT", "a Sync did not ack through its cli_seq");
      t.page(
        page,
        bob.base + 4,
        sent.slice(3),
        "ACK-NO-REDELIVERY",
        "another device got something else than what is unacked",
      );
    },
  },
  {
    id: "ack/no-redelivery-to-a-second-device",
    title: "bob's phone takes everything and acks it; his tablet finds nothing left",
    requirements: ["ACK-NO-REDELIVERY"],
    async run(t) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 4);
      await bob.device("phone").drain();
      const page = await bob.device("tablet").sync();
      t.page(page, bob.base + 5, [], "ACK-NO-REDELIVERY", "acked messages came again on another device");
      t.equal(page.nextCliSeq, bob.base + 4, "SYNC-NEXT", "an empty page must take the device to the acked seq");
    },
  },
  {
    id: "ack/answering-does-not-ack",
    title: "bob's phone gets 3 messages and dies; each later Sync from where it was gets them again",
    requirements: ["ACK-NOT-ON-ANSWER", "ACK-REDELIVER"],
    async run(t) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 3);
      const phone = bob.device("phone");
      for (const attempt of ["first", "second", "third"]) {
        const page = await phone.sync();
        t.equal(page.ackedSeq, bob.base, "ACK-NOT-ON-ANSWER", `the ${attempt} Sync found what was only answered acked`);
        t.page(page, bob.base + 1, sent, "ACK-REDELIVER", `the ${attempt} Sync did not get what nobody has acked`);
      }
    },
  },
  {
    id: "ack/old-device-does-not-lower",
    title: "bob's phone acks 4; his old tablet syncs with 2; what was acked stays acked",
    requirements: ["ACK-MONOTONE", "ACK-NO-REDELIVERY"],
    async run(t) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 6);
      await bob.device("phone").sync({ cliSeq: bob.base + 4 });
      const old = await bob.device("tablet").sync({ cliSeq: bob.base + 2 });
      // Asking from 0 shows what is stored: had the tablet lowered the ack, this would start at 3.
      const page = await bob.device("probe").sync();
      t.equal(page.ackedSeq, bob.base + 4, "ACK-MONOTONE", "a lower cli_seq lowered the ack");
      t.page(page, bob.base + 5, sent.slice(4), "ACK-MONOTONE", "a lower cli_seq brought acked messages back");
      t.page(old, bob.base + 5, sent.slice(4), "ACK-NO-REDELIVERY", "an old device got acked messages again");
    },
  },
  {
    id: "ack/unfetched-is-accepted",
    title: "bob's phone acks 5 messages that it never fetched, as after a restore from another device",
    requirements: ["ACK-UNFETCHED"],
    async run(t) {
      const { bob, alice } = t;
      await alice.sendMany(bob, 5);
      const answered = await bob.device("phone").trySync({ cliSeq: bob.base + 5 });
      const page = t.accepted(answered, "ACK-UNFETCHED");
      t.equal(page.ackedSeq, bob.base + 5, "ACK-UNFETCHED", "an ack of what was never fetched was not taken");
      t.page(page, bob.base + 6, [], "ACK-UNFETCHED", "messages came that the same call acked");
    },
  },
  {
    id: "ack/ahead-is-refused",
    title: "bob's phone claims to have one message more than there is",
    requirements: ["ACK-AHEAD", "ACK-FAILED", "ERR-UNCHANGED"],
    async run(t) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 3);
      const phone = bob.device("phone");
      const { epoch } = await phone.sync();
      for (const cliSeq of [bob.base + 4, 0xffff_ffff]) {
        const refusal = t.refused(
          await phone.trySync({ cliSeq, epoch }),
          Reason.CLI_SEQ_AHEAD,
          "ACK-AHEAD",
          "a cli_seq above svr_seq",
        );
        const state = { svrSeq: refusal.detail?.svrSeq, epoch: refusal.detail?.epoch };
        t.equal(state, { svrSeq: bob.base + 3, epoch }, "ACK-AHEAD", "the refusal does not tell the current state");
      }
      const page = await phone.sync();
      t.equal(page.ackedSeq, bob.base, "ACK-FAILED", "a refused Sync acked");
      t.page(page, bob.base + 1, sent, "ACK-FAILED", "after a refused Sync the unacked messages are not all there");
    },
  },
];
