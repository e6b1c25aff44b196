import type { Event, WatchFrame } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { AckBounds } from "./acks.js";
import type { MessageLog } from "./messages.js";
import { Snapshots } from "./snapshots.js";

export const MAX_SEQ = 0xffff_ffff;

/**
 * Sources of a lower bound of `svr_seq`, the weakest first. If two sources give the same seq, the stronger one counts.
 */
const SOURCES = ["start", "accepted", "frame", "response"] as const;
export type Source = (typeof SOURCES)[number];

/** The highest `svr_seq` that the server is known to have reached. */
export interface SvrFloor {
  seq: number;
  source: Source;
  event: Event | undefined;
}

/** One epoch of an inbox: bounds on the state of the server, from what clients saw. */
export class Numbering {
  /** Undefined until a response shows it. */
  epoch: string | undefined;
  /** `svr_seq` at the start of the numbering; undefined until it is known. Nothing is known of messages up to here. */
  base: number | undefined;
  svrFloor: SvrFloor = { seq: 0, source: "start", event: undefined };
  /** Number of messages that may follow `base`. */
  possibleMessages = 0;
  /** Number of messages that must follow `base`. */
  acceptedMessages = 0;
  /** Highest `svr_seq` in a response to a Sync. */
  highestReported = 0;
  /** The first frame with a `svr_seq` above the ceiling, and the ceiling at that time. */
  excessFrame: { svrSeq: number; svrCeiling: number; evidence: readonly Event[] } | undefined;
  /** Number of Sends that were refused. If `svr_seq` is too high, they are the likely cause. */
  refusedSends = 0;
  /** The numbers of the epoch before it, as far as they are known; undefined if it is the first one. */
  previous: { svrSeq: number; ackedSeq: number } | undefined;
  /** Whether a Sync has returned a page. */
  isSeen = false;
  readonly acks = new AckBounds();
  readonly snapshots = new Snapshots();
  readonly log: MessageLog;

  constructor(log: MessageLog) {
    this.log = log;
  }

  /** Sets the state in which the numbering starts, once it is known. */
  startAt(svrSeq: number, ackedSeq: number, event: Event | undefined): void {
    this.base = svrSeq;
    this.svrFloor = { seq: svrSeq, source: "start", event };
    this.acks.startAt(ackedSeq);
  }

  /** The highest `svr_seq` that the Sends of the history explain. */
  get svrCeiling(): number {
    return this.base === undefined ? MAX_SEQ : this.base + this.possibleMessages;
  }

  raiseSvrFloor(seq: number, source: Source, event: Event): void {
    const { svrFloor } = this;
    const stronger = seq === svrFloor.seq && SOURCES.indexOf(source) > SOURCES.indexOf(svrFloor.source);
    if (seq > svrFloor.seq || stronger) this.svrFloor = { seq, source, event };
  }
}

/** What was known when a Sync began: its response must not show an older state. */
export interface SyncTicket {
  begun: number;
  numbering: Numbering;
  svrFloor: SvrFloor;
  ackFloor: number;
  /** Whether no message can have been pending then, once the call took effect. */
  nothingPending: boolean;
}

/** What was known when a Watch began, and its last frame. */
export interface WatchTicket {
  begun: number;
  numbering: Numbering;
  svrFloor: SvrFloor;
  last: WatchFrame | undefined;
}

/** What was known to be acked at some time. */
export interface AckedState {
  numbering: Numbering;
  ackFloor: number;
}
