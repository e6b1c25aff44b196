import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Snapshot, Snapshots } from "./snapshots.js";

const seqs = fc.nat(6);
const states = fc.array(fc.record({ ackedSeq: seqs, svrSeq: seqs, begun: fc.nat(9) }), { maxLength: 12 });
type State = Omit<Snapshot, "evidence">;

function collect(all: readonly State[]): Snapshots {
  const snapshots = new Snapshots();
  for (const state of all) snapshots.add({ ...state, evidence: [] });
  return snapshots;
}

/** Whether each state has one number that is higher than the other's. */
const clash = (a: State, b: State) => a.ackedSeq < b.ackedSeq && a.svrSeq > b.svrSeq;

describe("states of an inbox", () => {
  it("contain a contradiction exactly if two of them contradict each other, and these two are returned", () => {
    fc.assert(
      fc.property(states, (all) => {
        const pair = collect(all).contradiction();
        expect(pair !== undefined).toBe(all.some((a) => all.some((b) => clash(a, b))));
        if (pair === undefined) return;
        expect(clash(pair[0], pair[1])).toBe(true);
        for (const one of pair) expect(all.map((it) => ({ ...it, evidence: [] }))).toContainEqual(one);
      }),
      { numRuns: 500, seed: 3 },
    );
  });

  it("yield, for ascending seqs, the call that began last among those with a lower svr_seq", () => {
    fc.assert(
      fc.property(states, fc.array(seqs, { maxLength: 5 }), (all, requested) => {
        const latestBelow = collect(all).latestBelow();
        for (const seq of requested.sort((a, b) => a - b)) {
          const below = all.filter(({ svrSeq }) => svrSeq < seq).map(({ begun }) => begun);
          expect(latestBelow(seq)?.begun).toBe(below.length === 0 ? undefined : Math.max(...below));
        }
      }),
      { numRuns: 500, seed: 3 },
    );
  });

  it("of equal rank: the first one is kept", () => {
    const first = { ackedSeq: 1, svrSeq: 4, begun: 5, evidence: [] };
    const snapshots = new Snapshots();
    for (const it of [first, { ...first }]) snapshots.add(it);
    expect(snapshots.latestBelow()(5)).toBe(first);
  });
});
