import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationText } from "../findings.js";

/** The state of an inbox at one moment, as an answer has shown it. */
export interface Snapshot {
  ackedSeq: number;
  svrSeq: number;
  /** When the call began: the moment is later. */
  begun: number;
  evidence: readonly Event[];
}

/**
 * The states that answers have shown. Both numbers only grow, so any two states of one numbering are comparable: of two that go
 * different ways, one is of a moment that never was. Keeps a few of them for each number, not each answer.
 */
export class Snapshots {
  /** For each acked seq the answers with the lowest and the highest `svr_seq`. */
  readonly #byAck = new Map<number, { low: Snapshot; high: Snapshot }>();
  /** For each `svr_seq` the answer whose call began last. */
  readonly #latest = new Map<number, Snapshot>();

  add(snapshot: Snapshot): void {
    const { ackedSeq, svrSeq, begun } = snapshot;
    const same = this.#byAck.get(ackedSeq);
    if (same === undefined) this.#byAck.set(ackedSeq, { low: snapshot, high: snapshot });
    else if (svrSeq < same.low.svrSeq) same.low = snapshot;
    else if (svrSeq > same.high.svrSeq) same.high = snapshot;
    const before = this.#latest.get(svrSeq);
    if (before === undefined || begun > before.begun) this.#latest.set(svrSeq, snapshot);
  }

  /** Two answers that cannot both be states of one inbox: one has more acks, the other has more messages. */
  contradiction(): readonly [Snapshot, Snapshot] | undefined {
    let high: Snapshot | undefined;
    for (const ackedSeq of [...this.#byAck.keys()].sort((a, b) => a - b)) {
      const { low, high: here } = this.#byAck.get(ackedSeq) as { low: Snapshot; high: Snapshot };
      if (high !== undefined && high.svrSeq > low.svrSeq) return [high, low];
      if (high === undefined || here.svrSeq > high.svrSeq) high = here;
    }
    return undefined;
  }

  /** Answers, for ascending seqs, the latest call whose answer reported a `svr_seq` below the seq. */
  latestBelow(): (seq: number) => Snapshot | undefined {
    const ascending = [...this.#latest.keys()].sort((a, b) => a - b);
    let next = 0;
    let latest: Snapshot | undefined;
    return (seq) => {
      for (; next < ascending.length && (ascending[next] as number) < seq; next += 1) {
        const here = this.#latest.get(ascending[next] as number) as Snapshot;
        if (latest === undefined || here.begun > latest.begun) latest = here;
      }
      return latest;
    };
  }
}

/** What two states break that contradict each other. */
export function contradicting(pair: readonly [Snapshot, Snapshot]): ViolationText {
  return {
    requirement: "SYNC-LINEARIZABLE",
    message: "two answers show states of which neither can come before the other",
    expected: "both numbers only grow, so one of two states is nowhere below the other",
    actual: pair.map(({ ackedSeq, svrSeq }) => `acked_seq ${ackedSeq} with svr_seq ${svrSeq}`).join(", and "),
  };
}
