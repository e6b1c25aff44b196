import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationDetail } from "../findings.js";

/** The state of an inbox at one moment, as a response shows it. */
export interface Snapshot {
  ackedSeq: number;
  svrSeq: number;
  /** When the call began, which is before the moment of the state. */
  begun: number;
  evidence: readonly Event[];
}

/**
 * The states that responses have shown. Neither `acked_seq` nor `svr_seq` decreases. So if, of two states of one
 * numbering, each has one number that is higher than the other's, one of them never existed. Keeps a few states for
 * each number, not each response.
 */
export class Snapshots {
  /** For each `acked_seq` the responses with the lowest and the highest `svr_seq`. */
  readonly #byAck = new Map<number, { low: Snapshot; high: Snapshot }>();
  /** For each `svr_seq` the response whose call began last. */
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

  /** Returns two responses that cannot both be states of one inbox: one has more acks, the other has more messages. */
  contradiction(): readonly [Snapshot, Snapshot] | undefined {
    let highest: Snapshot | undefined;
    for (const ackedSeq of [...this.#byAck.keys()].sort((a, b) => a - b)) {
      const { low, high } = this.#byAck.get(ackedSeq) as { low: Snapshot; high: Snapshot };
      if (highest !== undefined && highest.svrSeq > low.svrSeq) return [highest, low];
      if (highest === undefined || high.svrSeq > highest.svrSeq) highest = high;
    }
    return undefined;
  }

  /**
   * Returns a function that finds, for ascending seqs, the latest call whose response reported a `svr_seq` below the
   * seq.
   */
  latestBelow(): (seq: number) => Snapshot | undefined {
    const ascending = [...this.#latest.keys()].sort((a, b) => a - b);
    let next = 0;
    let latest: Snapshot | undefined;
    return (seq) => {
      for (; next < ascending.length && (ascending[next] as number) < seq; next += 1) {
        const snapshot = this.#latest.get(ascending[next] as number) as Snapshot;
        if (latest === undefined || snapshot.begun > latest.begun) latest = snapshot;
      }
      return latest;
    };
  }
}

/** Returns the violation that two contradicting states show. */
export function contradictionViolation(pair: readonly [Snapshot, Snapshot]): ViolationDetail {
  return {
    requirement: "SYNC-LINEARIZABLE",
    message: "two responses show acked_seq and svr_seq that no order of the calls explains",
    expected: "one response in which both acked_seq and svr_seq are at least as high as in the other",
    actual: pair.map(({ ackedSeq, svrSeq }) => `acked_seq ${ackedSeq} with svr_seq ${svrSeq}`).join(", and "),
  };
}
