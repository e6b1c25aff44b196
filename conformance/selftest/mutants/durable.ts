import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import { Inbox } from "../../../reference-server/inbox.js";
import type { Mutant } from "./mutant.js";

const DURABLE = [Profile.JSON, Profile.WATCH, Profile.DURABLE];

/** Mutants of the chapter "Durability": data that a crash destroys. */
export const durable: readonly Mutant[] = [
  {
    name: "crash-loses-all-in-silence",
    breaks: "DUR-NEW-EPOCH",
    about: "loses all messages in a crash, but keeps the epochs",
    seenIn: "element-hq/synapse#17226",
    crash: ({ inboxes, deleteDedupRecords }) => {
      for (const inbox of inboxes) inbox.rotate(inbox.epoch);
      deleteDedupRecords();
    },
  },
  {
    name: "crash-loses-the-latest-message",
    breaks: "DUR-NEW-EPOCH",
    about: "loses the latest message of each inbox in a crash, and assigns its seq again",
    crash: ({ inboxes }) => {
      for (const inbox of inboxes) if (inbox.pending.delete(inbox.svrSeq)) inbox.svrSeq -= 1;
    },
  },
  {
    name: "crash-loses-dedup-records",
    breaks: "DUR-NEW-EPOCH",
    about: "loses the dedup records in a crash, but keeps messages and epochs",
    crash: ({ deleteDedupRecords }) => deleteDedupRecords(),
  },
  {
    name: "durable-in-name-only",
    breaks: "DUR-KEEP",
    about: "declares DURABLE, but loses everything in a crash, under new epochs",
    options: { profiles: DURABLE },
    crash: ({ inboxes, newEpoch, deleteDedupRecords }) => {
      for (const inbox of inboxes) inbox.rotate(newEpoch());
      deleteDedupRecords();
    },
  },
  {
    name: "durable-but-for-acks",
    breaks: "DUR-KEEP",
    about: "declares DURABLE, but loses acks in a crash",
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
    about: "restarts the numbering of an inbox without pending messages at 1 after a crash",
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
    about: "loses everything in a crash, and uses the same epoch after each crash",
    crash: ({ inboxes, deleteDedupRecords }) => {
      for (const inbox of inboxes) inbox.rotate("epoch-1");
      deleteDedupRecords();
    },
  },
];
