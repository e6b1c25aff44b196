import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { Inbox } from "../../../reference-server/inbox.js";
import type { Mutant } from "./mutant.js";

const DURABLE = [Profile.JSON, Profile.WATCH, Profile.DURABLE];

/** Faults of the chapter "Durability": what a crash leaves. A server that loses nothing in one keeps all that there is to keep. */
export const durable: readonly Mutant[] = [
  {
    name: "crash-loses-all-in-silence",
    breaks: "DUR-NEW-EPOCH",
    about: "after a crash all inboxes are empty, under their old epochs",
    seenIn: "element-hq/synapse#17226",
    crash: ({ inboxes, forgetSends }) => {
      for (const inbox of inboxes) inbox.rotate(inbox.epoch);
      forgetSends();
    },
  },
  {
    name: "crash-loses-the-latest-message",
    breaks: "DUR-NEW-EPOCH",
    about: "what came last was answered before it was on disk, and its seq is given again after a crash",
    crash: ({ inboxes }) => {
      for (const inbox of inboxes) if (inbox.pending.delete(inbox.svrSeq)) inbox.svrSeq -= 1;
    },
  },
  {
    name: "crash-loses-dedup-records",
    breaks: "DUR-NEW-EPOCH",
    about: "the dedup records are kept in memory only, while messages and epochs survive a crash",
    crash: ({ forgetSends }) => forgetSends(),
  },
  {
    name: "durable-in-name-only",
    breaks: "DUR-KEEP",
    about: "DURABLE is declared, and after a crash all is gone, under new epochs",
    options: { profiles: DURABLE },
    crash: ({ inboxes, newEpoch, forgetSends }) => {
      for (const inbox of inboxes) inbox.rotate(newEpoch());
      forgetSends();
    },
  },
  {
    name: "durable-but-for-acks",
    breaks: "DUR-KEEP",
    about: "DURABLE is declared, and acks are written a while later: a crash takes them back",
    options: { profiles: DURABLE },
    inbox: class extends Inbox {
      protected override ack(cliSeq: number): void {
        this.ackedSeq = Math.max(this.ackedSeq, cliSeq);
      }
    },
    crash: ({ inboxes }) => {
      for (const inbox of inboxes) inbox.ackedSeq = inbox.svrSeq - inbox.pending.size;
    },
  },
  {
    name: "crash-counts-from-the-table",
    breaks: "DUR-NEW-EPOCH",
    about:
      "after a crash the counter is the highest seq in the table: an inbox whose messages are all acked counts from 1 again",
    crash: ({ inboxes }) => {
      for (const inbox of inboxes)
        if (inbox.pending.size === 0) {
          inbox.svrSeq = 0;
          inbox.ackedSeq = 0;
        }
    },
  },
  {
    name: "crash-epoch-by-a-counter",
    breaks: "DUR-NEW-EPOCH",
    about:
      "after a crash all is gone, under an epoch from a counter that is gone as well: the second crash brings it back",
    crash: ({ inboxes, forgetSends }) => {
      for (const inbox of inboxes) inbox.rotate("epoch-1");
      forgetSends();
    },
  },
];
