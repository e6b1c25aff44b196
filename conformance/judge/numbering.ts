import type { Event, WatchFrame } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { AckBounds } from "./acks.js";
import type { MessageLog } from "./messages.js";
import { Snapshots } from "./snapshots.js";

export const MAX_SEQ = 0xffff_ffff;

/** What a lower bound of `svr_seq` was learnt from; of two for the same seq the later in this list says more. */
const SOURCES = ["start", "accepted", "frame", "answer"] as const;
export type Source = (typeof SOURCES)[number];

/** The highest `svr_seq` that the server has owned up to, and how. */
export interface SvrFloor {
  seq: number;
  how: Source;
  event: Event | undefined;
}

/** One epoch of an inbox: bounds on what the server's state can be, from what clients saw. */
export class Numbering {
  /** Its name, once an answer has shown it. */
  epoch: string | undefined;
  /** `svr_seq` at its start; undefined until it is known. Messages up to here are of the past: nothing is known of them. */
  base: number | undefined;
  svrFloor: SvrFloor = { seq: 0, how: "start", event: undefined };
  /** Messages that may be in it, beyond the base; and those that must. */
  possible = 0;
  accepted = 0;
  /** Highest `svr_seq` that a Sync has answered. */
  answered = 0;
  /** The first frame beyond what can be explained, and the bound that it broke. */
  overrun: { svrSeq: number; svrCeiling: number; evidence: readonly Event[] } | undefined;
  /** Sends that were refused: they may have burnt a seq nevertheless, which would be their fault. */
  refused = 0;
  readonly acks = new AckBounds();
  readonly snapshots = new Snapshots();
  readonly log: MessageLog;

  constructor(log: MessageLog) {
    this.log = log;
  }

  /** Where it stands is known from here on. */
  open(svrSeq: number, ackedSeq: number, event: Event | undefined): void {
    this.base = svrSeq;
    this.svrFloor = { seq: svrSeq, how: "start", event };
    this.acks.open(ackedSeq);
  }

  /** The highest svr_seq that can be explained. */
  get svrCeiling(): number {
    return this.base === undefined ? MAX_SEQ : this.base + this.possible;
  }

  raise(seq: number, how: Source, event: Event): void {
    const { svrFloor } = this;
    const better = seq === svrFloor.seq && SOURCES.indexOf(how) > SOURCES.indexOf(svrFloor.how);
    if (seq > svrFloor.seq || better) this.svrFloor = { seq, how, event };
  }
}

/** What was known when a call began: no answer to it may fall behind that. */
export interface SyncTicket {
  begun: number;
  numbering: Numbering;
  svrFloor: SvrFloor;
  ackFloor: number;
}

export interface WatchTicket {
  begun: number;
  numbering: Numbering;
  svrFloor: SvrFloor;
  last: WatchFrame | undefined;
}

/** What was known to be acked at a moment. */
export interface AckedState {
  numbering: Numbering;
  ackFloor: number;
}
