import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { ModelInbox, simulate } from "../selftest/histories/simulator.js";

/** Number of histories for each check. */
const SAMPLES = 150;

const choices = fc.array(fc.nat(100_000), { minLength: 10, maxLength: 150 });

describe("histories of a correct server", () => {
  it.each([false, true])("cause no finding (with network faults: %s)", (faults) => {
    fc.assert(
      fc.property(choices, (numbers) => {
        expect(simulate(numbers, new ModelInbox(), faults).findings()).toEqual([]);
      }),
      { numRuns: 2 * SAMPLES, seed: 7 },
    );
  });
});

/** Wrong models, and the requirements of which the judge must blame at least one. */
const MUTANTS: Record<string, [expected: string[], model: () => ModelInbox]> = {
  "the last Sync wins, even with a lower cli_seq": [
    ["ACK-MONOTONE", "ACK-NO-REDELIVERY", "ACK-IMPLICIT", "SYNC-LINEARIZABLE"],
    () =>
      new (class extends ModelInbox {
        override acknowledge(cli: number) {
          this.ack = cli;
        }
      })(),
  ],
  "no Sync acks": [
    ["ACK-IMPLICIT", "SYNC-BASE", "ACK-NO-REDELIVERY"],
    () =>
      new (class extends ModelInbox {
        override acknowledge() {}
      })(),
  ],
  "a Sync acks one message too few": [
    ["SYNC-BASE"],
    () =>
      new (class extends ModelInbox {
        override acknowledge(cli: number) {
          super.acknowledge(cli - 1);
        }
      })(),
  ],
  "a page acks its messages": [
    ["ACK-NOT-ON-ANSWER", "ACK-REDELIVER", "ACK-FAILED"], // without a response; with a refused Sync of that cli_seq
    () =>
      new (class extends ModelInbox {
        override sync(cli: number, epoch: string, size: number) {
          const response = super.sync(cli, epoch, size);
          if (typeof response !== "number") super.acknowledge(response.page.at(-1)?.seq ?? 0);
          return response;
        }
      })(),
  ],
  "a refused Sync acks": [
    ["ACK-FAILED", "ACK-REDELIVER", "ACK-NOT-ON-ANSWER"], // the others if the refusal has no response
    () =>
      new (class extends ModelInbox {
        override sync(cli: number, epoch: string, size: number) {
          super.acknowledge(cli > this.svr ? 0 : cli);
          return super.sync(cli, epoch, size);
        }
      })(),
  ],
  "a retry creates a second message": [
    ["SEND-RETRY", "SEND-RETRY-CONCURRENT"],
    () =>
      new (class extends ModelInbox {
        override send(from: string, id: string, text: string, at: number) {
          this.sent.clear();
          return super.send(from, id, text, at);
        }
      })(),
  ],
  "a retry has a new accepted_at": [
    ["SEND-RETRY", "SEND-RETRY-CONCURRENT", "SEND-ACCEPTED-AT"], // the last one if the first attempt has no response
    () =>
      new (class extends ModelInbox {
        override send(from: string, id: string, text: string, at: number) {
          const result = super.send(from, id, text, at);
          return typeof result === "number" ? result : { at };
        }
      })(),
  ],
  "every fifth message is lost": [
    ["SEND-VISIBLE"],
    () =>
      new (class extends ModelInbox {
        #count = 0;
        override send(from: string, id: string, text: string, at: number) {
          this.#count += 1;
          if (this.#count % 5 !== 0 || this.sent.has(`${from} ${id}`)) return super.send(from, id, text, at);
          this.sent.set(`${from} ${id}`, { seq: 0, id, from, text, at }); // so that each retry succeeds
          return { at };
        }
      })(),
  ],
  "some seqs are skipped": [
    ["SEQ-CONSECUTIVE", "SYNC-RANGE"],
    () =>
      new (class extends ModelInbox {
        override send(from: string, id: string, text: string, at: number) {
          if (at % 6 === 0) this.svr += 1;
          return super.send(from, id, text, at);
        }
      })(),
  ],
  "svr_seq is stale": [
    ["SEND-VISIBLE", "SEQ-MONOTONE", "SEQ-CONTIGUOUS", "SYNC-LINEARIZABLE"],
    () =>
      new (class extends ModelInbox {
        override sync(cli: number, epoch: string, size: number) {
          const response = super.sync(cli, epoch, size);
          return typeof response === "number"
            ? response
            : { ...response, svr: Math.max(response.acked, response.svr - 1) };
        }
      })(),
  ],
  "pages begin at cli_seq": [
    ["ACK-NO-REDELIVERY", "SYNC-LINEARIZABLE"],
    () =>
      new (class extends ModelInbox {
        override sync(cli: number, epoch: string, size: number) {
          const response = super.sync(cli, epoch, size);
          if (typeof response === "number") return response;
          const page = this.messages.filter(({ seq }) => seq > cli).slice(0, size === 0 ? undefined : size);
          return { ...response, acked: cli, page };
        }
      })(),
  ],
  "pages ignore page_size": [
    ["PAGE-CAP"],
    () =>
      new (class extends ModelInbox {
        override page() {
          return super.page(0);
        }
      })(),
  ],
  "pages have the newest message first": [
    ["SYNC-RANGE"],
    () =>
      new (class extends ModelInbox {
        override page(size: number) {
          return super.page(size).reverse();
        }
      })(),
  ],
  "payloads are truncated": [
    ["SEND-BYTES"],
    () =>
      new (class extends ModelInbox {
        override page(size: number) {
          return super.page(size).map((it) => ({ ...it, text: it.text.slice(0, 5) }));
        }
      })(),
  ],
  "a cli_seq ahead is accepted": [
    ["ACK-AHEAD"],
    () =>
      new (class extends ModelInbox {
        override sync(cli: number, epoch: string, size: number) {
          return super.sync(Math.min(cli, this.svr), epoch, size);
        }
      })(),
  ],
  "a lagging device is refused": [
    ["ACK-UNFETCHED", "SYNC-ANSWER"],
    () =>
      new (class extends ModelInbox {
        override sync(cli: number, epoch: string, size: number) {
          return cli < this.ack ? Reason.CLI_SEQ_AHEAD : super.sync(cli, epoch, size);
        }
      })(),
  ],
  "the epoch is not checked": [
    ["EPOCH-MISMATCH"],
    () =>
      new (class extends ModelInbox {
        override sync(cli: number, _epoch: string, size: number) {
          return super.sync(cli, "", size);
        }
      })(),
  ],
  "the epoch is the same after a data loss": [
    ["EPOCH-RENEWED"],
    () =>
      new (class extends ModelInbox {
        override epochName() {
          return "e1";
        }
      })(),
  ],
  "the numbering continues after a data loss": [
    ["EPOCH-RESTART", "SEQ-CONSECUTIVE", "ACK-REDELIVER"],
    () =>
      new (class extends ModelInbox {
        override rotate() {
          const { svr } = this;
          super.rotate();
          this.svr = svr;
          this.ack = svr;
        }
      })(),
  ],
  "a dedup record outlives its message": [
    ["SEND-VISIBLE"],
    () =>
      new (class extends ModelInbox {
        override rotate() {
          const sent = [...this.sent];
          super.rotate();
          for (const [key, message] of sent) this.sent.set(key, message);
        }
      })(),
  ],
};

describe("histories of a faulty server", () => {
  it.each(Object.entries(MUTANTS))("%s: found and blamed correctly", (_name, [expected, model]) => {
    const samples = fc.sample(choices, { numRuns: SAMPLES, seed: 11 });
    const blamed = samples.map((numbers) => simulate(numbers, model(), true).blamed()).filter((it) => it.length > 0);
    expect(blamed.length).toBeGreaterThan(0);
    const wrong = blamed.filter((ids) => !ids.some((id) => expected.includes(id)));
    expect(wrong).toEqual([]);
  });
});
