import type { Event, WatchFrame } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationDetail } from "../findings.js";
import type { AliveTime } from "./alive-time.js";

/** Time within which a Watch must show an accepted message, in seconds (spec, "Watch"). */
const WAKE_SECONDS = 5;

/** An accepted message that a Watch has not shown yet. */
interface Owed {
  /** The lowest `svr_seq` that covers the message. */
  svrSeq: number;
  event: Event;
}

/** A Watch that has shown its first frame and has not ended. */
interface OpenWatch {
  userId: string;
  call: Event;
  last: Event;
  frame: WatchFrame;
  /** In ascending order. */
  owed: Owed[];
}

/** A Watch that was not woken in time. */
export interface MissedWake {
  userId: string;
  evidence: Event[];
  violation: ViolationDetail;
}

/** Judges by the times of events whether each Watch shows each accepted message in time. */
export class Wakes {
  readonly #alive: AliveTime;
  readonly #seconds: number;
  readonly #watches = new Map<bigint, OpenWatch>();

  /** `timeoutScale` multiplies the time limit. */
  constructor(alive: AliveTime, timeoutScale = 1) {
    this.#alive = alive;
    this.#seconds = WAKE_SECONDS * timeoutScale;
  }

  /** A frame of a Watch arrived. Returns whether it shows a message that the Watch owed. */
  frame(userId: string, call: Event, event: Event, frame: WatchFrame): boolean {
    const watch = this.#watches.get(call.op);
    if (watch === undefined) {
      this.#watches.set(call.op, { userId, call, last: event, frame, owed: [] });
      return false;
    }
    const isSame = watch.frame.epoch === frame.epoch;
    const left = isSame ? watch.owed.filter(({ svrSeq }) => svrSeq > frame.svrSeq) : [];
    const isWake = isSame && left.length < watch.owed.length;
    Object.assign(watch, { last: event, frame, owed: left });
    return isWake;
  }

  /** A Watch has ended. */
  end(op: bigint): void {
    this.#watches.delete(op);
  }

  /** A message was accepted under this epoch: `svr_seq` of the recipient's inbox is at least this. */
  accepted(userId: string, epoch: string | undefined, svrSeq: number, event: Event): void {
    for (const watch of this.#watches.values())
      if (watch.userId === userId && watch.frame.epoch === epoch && watch.frame.svrSeq < svrSeq)
        watch.owed.push({ svrSeq, event });
  }

  /** An inbox may have lost its data, or a credential of its account was revoked: its Watches may end or start anew. */
  disturb(userId: string): void {
    for (const [op, watch] of this.#watches) if (watch.userId === userId) this.#watches.delete(op);
  }

  /** Returns the Watches that have not been woken in time by now, once each. */
  missed(nowMicros: bigint): MissedWake[] {
    const missed: MissedWake[] = [];
    for (const [op, { userId, call, last, frame, owed }] of this.#watches) {
      const [first] = owed;
      if (first === undefined || this.#alive.seconds(first.event.atMicros, nowMicros) <= this.#seconds) continue;
      this.#watches.delete(op);
      missed.push({
        userId,
        evidence: [call, last, first.event],
        violation: {
          requirement: "WATCH-WAKE",
          message: "a Watch was not woken by a message that was accepted",
          expected: `a frame with svr_seq at least ${first.svrSeq} within ${this.#seconds} s after the response to the Send`,
          actual: `last frame: svr_seq ${frame.svrSeq}, while other calls were answered`,
        },
      });
    }
    return missed;
  }
}
