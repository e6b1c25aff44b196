import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Message, Profile } from "../../../../proto/gen/seqsync/v1/message_pb.js";
import type { Inbox } from "../../../../reference-server/inbox.js";
import type { Service } from "../../../../reference-server/service.js";
import { RetainingInbox, wrapWatch } from "../interceptors.js";
import type { CrashData, Mutant } from "../mutant.js";
import { ForgetfulInbox, loseAbove, loseUpTo, repeatWhen, reviveTokens, storeForgotten } from "./shared.js";

const kind = "crashes";

/** Applies a change to each inbox. */
const eachInbox =
  (change: (inbox: Inbox, index: number) => void) =>
  ({ inboxes }: CrashData) => {
    [...inboxes].forEach(change);
  };

/** Changes each pending message. */
const eachPending = (change: (message: Message) => Partial<Message>) =>
  eachInbox(({ pending }) => {
    for (const [seq, message] of pending) pending.set(seq, { ...message, ...change(message) });
  });

/** Milliseconds since a message was accepted. */
const ageMs = ({ acceptedAt }: Message) => (acceptedAt === undefined ? Infinity : Date.now() - timestampMs(acceptedAt));

/** Mutants that lose in a crash what only some servers have to lose: recent, large, many or acked messages. */
export const crashLosses: readonly Mutant[] = [
  {
    name: "crash-empties-large-payloads",
    breaks: "DUR-NEW-EPOCH",
    about: "empties payloads of more than 10 KiB in a crash, but keeps messages and epochs",
    seenIn: "eclipse-ee4j/openmq#322",
    kind,
    crash: eachPending(({ payload }) => (payload.length > 10 << 10 ? { payload: new Uint8Array() } : {})),
  },
  {
    name: "crash-cuts-payloads-at-a-block",
    breaks: "DUR-NEW-EPOCH",
    about: "keeps only the first 4096 bytes of each payload over a crash",
    kind,
    crash: eachPending(({ payload }) => ({ payload: payload.subarray(0, 4096) })),
  },
  {
    name: "crash-loses-the-last-25-ms",
    breaks: "DUR-NEW-EPOCH",
    about: "loses the messages that were accepted within 25 ms before a crash, and assigns their seqs again",
    seenIn: "electric-sql/electric#2982",
    kind,
    crash: eachInbox((inbox) => {
      const lost = [...inbox.pending.values()].find((message) => ageMs(message) < 25);
      if (lost !== undefined) loseAbove(inbox, lost.seq - 1);
    }),
  },
  {
    name: "crash-loses-what-is-paged-out",
    breaks: "DUR-NEW-EPOCH",
    about: "loses in a crash the messages of an inbox beyond the first 256 KiB, which it had paged out",
    seenIn: "apache/artemis#2324",
    kind,
    crash: eachInbox((inbox) => {
      let bytes = 0;
      for (const { seq, payload } of [...inbox.pending.values()]) {
        bytes += payload.length;
        if (bytes > 256 << 10) return loseAbove(inbox, seq - 1);
      }
    }),
  },
  {
    name: "crash-discards-the-snapshot",
    breaks: "DUR-NEW-EPOCH",
    about: "loses in a crash the messages that are in its snapshot, which it writes at each 100th message of an inbox",
    seenIn: "ClickHouse/ClickHouse#111339",
    kind,
    crash: eachInbox((inbox) => loseUpTo(inbox, inbox.svrSeq - (inbox.svrSeq % 100))),
  },
  {
    name: "crash-forgets-the-second-ack-of-a-second",
    breaks: "DUR-NEW-EPOCH",
    about: "writes at most one ack of an inbox each second, and loses the others in a crash",
    seenIn: "apache/pulsar#4849",
    kind,
    inbox: class extends RetainingInbox {
      #written = this.ackedSeq;
      #writtenAt = 0;
      protected override ack(cliSeq: number): void {
        super.ack(cliSeq);
        if (this.#written === this.ackedSeq || Date.now() - this.#writtenAt < 1000) return;
        this.#written = this.ackedSeq;
        this.#writtenAt = Date.now();
      }
      override rotate(epoch: string): void {
        super.rotate(epoch);
        this.retained.clear();
        this.#written = 0;
      }
      restore(): void {
        const restored = [...this.retained.values()].filter(({ seq }) => seq > this.#written && seq <= this.ackedSeq);
        const kept = [...this.pending.values()];
        this.pending.clear();
        for (const message of [...restored, ...kept]) this.pending.set(message.seq, message);
        this.ackedSeq = Math.min(this.#written, this.ackedSeq);
      }
    },
    crash: eachInbox((inbox) => (inbox as Inbox & { restore(): void }).restore()),
  },
  {
    name: "crash-loses-records-of-acked-messages",
    breaks: "DUR-NEW-EPOCH",
    about: "loses the dedup records of acked messages in a crash, as it restores records from the pending messages",
    kind,
    inbox: ForgetfulInbox,
    operations: storeForgotten,
    crash: eachInbox((inbox) => {
      if (!(inbox instanceof ForgetfulInbox)) return;
      for (const [key, seq] of inbox.seqs) if (seq <= inbox.ackedSeq) inbox.forgotten.add(key);
    }),
  },
  {
    name: "crash-keeps-50-records",
    breaks: "DUR-KEEP",
    about: "declares DURABLE, but keeps only the latest 50 dedup records of an inbox over a crash",
    kind,
    options: { profiles: [Profile.JSON, Profile.WATCH, Profile.DURABLE] },
    inbox: ForgetfulInbox,
    operations: storeForgotten,
    crash: eachInbox((inbox) => {
      if (!(inbox instanceof ForgetfulInbox)) return;
      for (const [key, seq] of inbox.seqs) if (seq <= inbox.svrSeq - 50) inbox.forgotten.add(key);
    }),
  },
  {
    name: "crash-loses-an-old-shard-in-silence",
    breaks: "DUR-NEW-EPOCH",
    about: "loses everything in a crash, and gives new epochs to all inboxes but every fifth",
    kind,
    crash: ({ inboxes, newEpoch, deleteDedupRecords }) => {
      [...inboxes].forEach((inbox, index) => {
        inbox.rotate(index % 5 === 4 ? inbox.epoch : newEpoch());
      });
      deleteDedupRecords();
    },
  },
  {
    name: "crash-mutes-watches",
    breaks: "WATCH-WAKE",
    about: "does not listen for changes again after a crash, so that no Watch wakes any more",
    seenIn: "ITISFoundation/osparc-simcore#2228",
    kind,
    ...(() => {
      const starts = new WeakMap<Service, number>();
      return {
        handler: (real, service) => {
          starts.set(service, (starts.get(service) ?? 0) + 1);
          return real;
        },
        operations: wrapWatch((stream, _, service) => repeatWhen(stream, () => (starts.get(service) ?? 0) > 1)),
      } satisfies Partial<Mutant>;
    })(),
    crash: () => undefined,
  },
  {
    name: "crash-brings-tokens-back",
    breaks: "AUTH-REVOKED",
    about: "forgets in a crash which tokens are revoked",
    seenIn: "wso2/product-apim#10283",
    kind,
    ...reviveTokens(({ restartsSince }) => restartsSince > 0),
    crash: () => undefined,
  },
];
