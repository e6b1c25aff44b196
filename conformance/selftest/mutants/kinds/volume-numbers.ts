import { Inbox, type NewMessage } from "../../../../reference-server/inbox.js";
import { mapPage } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

const kind = "volumes";

/** Mutants that are wrong only after many: numbers, senders, accounts and epochs that outgrow what holds them. */
export const volumeNumbers: readonly Mutant[] = [
  {
    name: "volume-senders-256",
    breaks: "AUTH-SENDER",
    about: "numbers the senders of an inbox in one byte, so that the 257th is shown as the first",
    kind,
    inbox: class extends Inbox {
      readonly #senders: string[] = [];
      override append(message: NewMessage) {
        let index = this.#senders.indexOf(message.senderId);
        if (index < 0) index = this.#senders.push(message.senderId) - 1;
        return super.append({ ...message, senderId: this.#senders[index & 0xff] as string });
      }
    },
  },
  {
    name: "volume-block-of-1000-seqs",
    breaks: "SEQ-CONSECUTIVE",
    about: "takes seqs in blocks of 1000, and assigns the last seq of a block again as the first of the next",
    kind,
    inbox: class extends Inbox {
      #doubled = 0;
      override append(message: NewMessage) {
        if (this.svrSeq > 0 && this.svrSeq % 1000 === 0 && this.#doubled !== this.svrSeq) {
          this.#doubled = this.svrSeq;
          this.svrSeq -= 1;
        }
        return super.append(message);
      }
    },
  },
  {
    name: "volume-batches-of-512",
    breaks: "SEND-ORDER",
    about: "exchanges the last message of each batch of 512 with the first of the next",
    seenIn: "streamnative/kop#247",
    kind,
    inbox: class extends Inbox {
      #accepted = 0;
      override append(message: NewMessage) {
        const stored = super.append(message);
        this.#accepted += 1;
        const before = this.pending.get(stored.seq - 1);
        if (this.#accepted % 512 !== 1 || before === undefined) return stored;
        this.pending.set(before.seq, { ...stored, seq: before.seq });
        this.pending.set(stored.seq, { ...before, seq: stored.seq });
        return stored;
      }
    },
  },
  {
    name: "volume-seqs-sorted-as-text",
    breaks: "SYNC-RANGE",
    about: "sorts the messages of a page by their seq as a text of four digits, which is wrong from 10000 on",
    seenIn: "Hylozoic/hylo-evo#100",
    kind,
    inbox: mapPage((page) => {
      const text = (seq: number) => String(seq).padStart(4, "0");
      const messages = page.messages.toSorted((a, b) => (text(a.seq) < text(b.seq) ? -1 : 1));
      return { ...page, messages, nextCliSeq: messages.at(-1)?.seq ?? page.nextCliSeq };
    }),
  },
  {
    name: "volume-accounts-1000",
    breaks: "AUTH-ISOLATION",
    about: "has 1000 places for inboxes, so that the 1001st account shares the inbox of the first",
    kind,
    operations: (real) => {
      const inboxes: Inbox[] = [];
      return {
        createAccount: (service, request) => {
          const response = real.createAccount(service, request);
          const account = service.accounts.get(response.userId);
          if (account === undefined) return response;
          const index = inboxes.push(account.inbox) - 1;
          Object.assign(account, { inbox: inboxes[index % 1000] });
          return response;
        },
      };
    },
  },
  {
    name: "volume-epochs-of-one-digit",
    breaks: "EPOCH-RENEWED",
    about: "numbers the epochs of an inbox with one hexadecimal digit, so that the 17th is the first again",
    kind,
    inbox: class extends Inbox {
      readonly #epochs = [this.epoch];
      #losses = 0;
      override rotate(epoch: string): void {
        this.#losses += 1;
        const place = this.#losses % 16;
        this.#epochs[place] ??= epoch;
        super.rotate(this.#epochs[place]);
      }
    },
  },
];
