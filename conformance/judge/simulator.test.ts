import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { ModelInbox, simulate } from "../selftest/histories/simulator.js";

/** How many histories for each check. */
const SAMPLES = 150;

const choices = fc.array(fc.nat(100_000), { minLength: 10, maxLength: 150 });

describe("histories of a right server", () => {
  it.each([false, true])("are blamed for nothing (calls get lost: %s)", (faults) => {
    fc.assert(
      fc.property(choices, (numbers) => {
        expect(simulate(numbers, new ModelInbox(), faults).judged()).toEqual([]);
      }),
      { numRuns: 2 * SAMPLES, seed: 7 },
    );
  });
});

/** Wrong models. Of what the judge finds first, one of these must be blamed. */
const MUTANTS: Record<string, [right: string[], model: () => ModelInbox]> = {
  "an ack is the last one sent": [
    ["ACK-MONOTONE", "ACK-NO-REDELIVERY", "ACK-IMPLICIT", "SYNC-LINEARIZABLE"],
    () =>
      new (class extends ModelInbox {
        override acknowledge(cli: number) {
          this.ack = cli;
        }
      })(),
  ],
  "an ack is forgotten": [
    ["ACK-IMPLICIT", "SYNC-BASE", "ACK-NO-REDELIVERY"],
    () =>
      new (class extends ModelInbox {
        override acknowledge() {}
      })(),
  ],
  "an ack is one short": [
    ["SYNC-BASE"],
    () =>
      new (class extends ModelInbox {
        override acknowledge(cli: number) {
          super.acknowledge(cli - 1);
        }
      })(),
  ],
  "answering acks": [
    ["ACK-NOT-ON-ANSWER", "ACK-REDELIVER", "ACK-FAILED"], // where the answer was lost; where a refused Sync named that seq
    () =>
      new (class extends ModelInbox {
        override sync(cli: number, epoch: string, size: number) {
          const answer = super.sync(cli, epoch, size);
          if (typeof answer !== "number") super.acknowledge(answer.page.at(-1)?.seq ?? 0);
          return answer;
        }
      })(),
  ],
  "a refused Sync acks": [
    ["ACK-FAILED", "ACK-REDELIVER", "ACK-NOT-ON-ANSWER"], // the others where its refusal was never seen
    () =>
      new (class extends ModelInbox {
        override sync(cli: number, epoch: string, size: number) {
          super.acknowledge(cli > this.svr ? 0 : cli);
          return super.sync(cli, epoch, size);
        }
      })(),
  ],
  "a retry is stored again": [
    ["SEND-RETRY", "SEND-RETRY-CONCURRENT"],
    () =>
      new (class extends ModelInbox {
        override send(from: string, id: string, text: string, at: number) {
          this.sent.clear();
          return super.send(from, id, text, at);
        }
      })(),
  ],
  "a retry has a new time": [
    ["SEND-RETRY", "SEND-RETRY-CONCURRENT", "SEND-ACCEPTED-AT"], // the last where the first answer was lost
    () =>
      new (class extends ModelInbox {
        override send(from: string, id: string, text: string, at: number) {
          const result = super.send(from, id, text, at);
          return typeof result === "number" ? result : { at };
        }
      })(),
  ],
  "each fifth message is lost": [
    ["SEND-VISIBLE"],
    () =>
      new (class extends ModelInbox {
        #count = 0;
        override send(from: string, id: string, text: string, at: number) {
          this.#count += 1;
          if (this.#count % 5 !== 0 || this.sent.has(`${from} ${id}`)) return super.send(from, id, text, at);
          this.sent.set(`${from} ${id}`, { seq: 0, id, from, text, at }); // so that each repetition "succeeds"
          return { at };
        }
      })(),
  ],
  "a seq is burnt now and then": [
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
          const answer = super.sync(cli, epoch, size);
          return typeof answer === "number" ? answer : { ...answer, svr: Math.max(answer.acked, answer.svr - 1) };
        }
      })(),
  ],
  "pages begin at cli_seq": [
    ["ACK-NO-REDELIVERY", "SYNC-LINEARIZABLE"],
    () =>
      new (class extends ModelInbox {
        override sync(cli: number, epoch: string, size: number) {
          const answer = super.sync(cli, epoch, size);
          if (typeof answer === "number") return answer;
          const page = this.messages.filter(({ seq }) => seq > cli).slice(0, size === 0 ? undefined : size);
          return { ...answer, acked: cli, page };
        }
      })(),
  ],
  "pages ignore their size": [
    ["PAGE-CAP"],
    () =>
      new (class extends ModelInbox {
        override page() {
          return super.page(0);
        }
      })(),
  ],
  "newest first": [
    ["SYNC-RANGE"],
    () =>
      new (class extends ModelInbox {
        override page(size: number) {
          return super.page(size).reverse();
        }
      })(),
  ],
  "payloads are cut": [
    ["SEND-BYTES"],
    () =>
      new (class extends ModelInbox {
        override page(size: number) {
          return super.page(size).map((it) => ({ ...it, text: it.text.slice(0, 5) }));
        }
      })(),
  ],
  "an ack ahead is taken": [
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
  "the epoch stays after a loss": [
    ["EPOCH-RENEWED"],
    () =>
      new (class extends ModelInbox {
        override name() {
          return "e1";
        }
      })(),
  ],
  "the numbering goes on after a loss": [
    ["SEQ-CONSECUTIVE", "ACK-REDELIVER"],
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

describe("histories of a wrong server", () => {
  it.each(Object.entries(MUTANTS))("%s: caught and blamed", (_name, [right, model]) => {
    const samples = fc.sample(choices, { numRuns: SAMPLES, seed: 11 });
    const blamed = samples.map((numbers) => simulate(numbers, model(), true).blamed()).filter((it) => it.length > 0);
    expect(blamed.length).toBeGreaterThan(0);
    const wrong = blamed.filter((ids) => !ids.some((id) => right.includes(id)));
    expect(wrong).toEqual([]);
  });
});
