import type { Message } from "../../../../proto/gen/seqsync/v1/message_pb.js";
import { Inbox, type NewMessage, type Page } from "../../../../reference-server/inbox.js";
import type { Mutant } from "../mutant.js";
import { loseUpTo } from "./shared.js";

const kind = "crashes";

/** Puts the pending messages of an inbox into another order, under the same seqs. */
function reorder(inbox: Inbox, sort: (messages: Message[]) => Message[]): void {
  const seqs = [...inbox.pending.keys()];
  sort([...inbox.pending.values()]).forEach((message, place) => {
    const seq = seqs[place] as number;
    inbox.pending.set(seq, { ...message, seq });
  });
}

/** Mutants that lose nothing at the moment of a crash, but recover it wrongly. */
export const crashRecovery: readonly Mutant[] = [
  {
    name: "crash-recovers-by-sender",
    breaks: "DUR-NEW-EPOCH",
    about: "recovers the messages of an inbox sender by sender after a crash, and numbers them anew",
    seenIn: "nextgenhealthcare/connect#3133",
    kind,
    crash: ({ inboxes }) => {
      for (const inbox of inboxes)
        reorder(inbox, (messages) => {
          const senders = [...new Set(messages.map(({ senderId }) => senderId))];
          return senders.flatMap((sender) => messages.filter(({ senderId }) => senderId === sender));
        });
    },
  },
  {
    name: "crash-recovers-in-the-order-of-file-names",
    breaks: "DUR-NEW-EPOCH",
    about: "recovers files named 1, 2, … 10 in the order of their names after a crash, and numbers messages anew",
    seenIn: "sbtourist/Journal.IO#15",
    kind,
    crash: ({ inboxes }) => {
      for (const inbox of inboxes)
        reorder(inbox, (messages) => messages.toSorted((a, b) => (String(a.seq) < String(b.seq) ? -1 : 1)));
    },
  },
  {
    name: "crash-shows-one-sender",
    breaks: "AUTH-SENDER",
    about: "shows all messages of an inbox as sent by the sender of the first after a crash",
    kind,
    crash: ({ inboxes }) => {
      for (const { pending } of inboxes) {
        const [first] = pending.values();
        for (const [seq, message] of pending) pending.set(seq, { ...message, senderId: first?.senderId as string });
      }
    },
  },
  {
    name: "crash-takes-the-ack-of-the-inbox-before",
    breaks: "DUR-NEW-EPOCH",
    about: "applies the ack of each inbox to the next one as well when it recovers after a crash",
    kind,
    crash: ({ inboxes }) => {
      const all = [...inboxes];
      const acks = all.map(({ ackedSeq }) => ackedSeq);
      all.forEach((inbox, index) => {
        loseUpTo(inbox, acks[index - 1] ?? 0);
      });
    },
  },
  {
    name: "crash-applies-its-journal-twice",
    breaks: "SEQ-CONSECUTIVE",
    about: "stores messages that were accepted within 100 ms before a crash again, under further seqs",
    seenIn: "oss-tsukuba/gfarm#257",
    kind,
    crash: ({ inboxes }) => {
      for (const inbox of inboxes)
        for (const message of [...inbox.pending.values()]) {
          const { seconds = 0n, nanos = 0 } = message.acceptedAt ?? {};
          if (Date.now() - Number(seconds) * 1000 - nanos / 1e6 < 100) inbox.append(message);
        }
    },
  },
  {
    name: "crash-loses-in-the-second-what-the-first-kept",
    breaks: "DUR-NEW-EPOCH",
    about: "does not write recovered messages again, so that a second crash loses what the first one kept",
    kind,
    inbox: class extends Inbox {
      #recovered = 0;
      override rotate(epoch: string): void {
        super.rotate(epoch);
        this.#recovered = 0;
      }
      recover(): void {
        loseUpTo(this, this.#recovered);
        this.#recovered = this.svrSeq;
      }
    },
    crash: ({ inboxes }) => {
      for (const inbox of inboxes) (inbox as Inbox & { recover(): void }).recover();
    },
  },
  {
    name: "crash-epochs-in-turns",
    breaks: "EPOCH-RENEWED",
    about: "loses everything in a crash, and returns to the first epoch of an inbox at the third",
    kind,
    inbox: class extends Inbox {
      readonly #epochs = [this.epoch];
      #losses = 0;
      lose(newEpoch: string): void {
        this.#losses += 1;
        const place = this.#losses % 3;
        this.#epochs[place] ??= newEpoch;
        this.rotate(this.#epochs[place]);
      }
    },
    crash: ({ inboxes, newEpoch, deleteDedupRecords }) => {
      for (const inbox of inboxes) (inbox as Inbox & { lose(epoch: string): void }).lose(newEpoch());
      deleteDedupRecords();
    },
  },
  {
    name: "crash-serves-while-it-loads",
    breaks: "DUR-NEW-EPOCH",
    about: "serves Syncs after a crash while it still loads what is above the first 500 pending messages of an inbox",
    kind,
    inbox: class extends Inbox {
      crashedAt: number | undefined;
      override append(message: NewMessage) {
        this.crashedAt = undefined; // A write waits until everything is loaded.
        return super.append(message);
      }
      override sync(cliSeq: number, epoch: string, pageSize: number): Page {
        const { svrSeq } = this;
        // 2000 messages are loaded in a second.
        const loaded = this.ackedSeq + 500 + (Date.now() - (this.crashedAt ?? 0)) * 2;
        this.svrSeq = Math.max(Math.min(svrSeq, loaded), Math.min(cliSeq, svrSeq));
        try {
          return super.sync(cliSeq, epoch, pageSize);
        } finally {
          this.svrSeq = svrSeq;
        }
      }
    },
    crash: ({ inboxes }) => {
      for (const inbox of inboxes) Object.assign(inbox, { crashedAt: Date.now() });
    },
  },
  {
    name: "crash-renews-drained-inboxes",
    breaks: "EPOCH-RESTART",
    about: "gives an inbox without pending messages a new epoch after a crash, and goes on with its numbering",
    kind,
    crash: ({ inboxes, newEpoch }) => {
      for (const inbox of inboxes) if (inbox.pending.size === 0 && inbox.svrSeq > 0) inbox.epoch = newEpoch();
    },
  },
];
