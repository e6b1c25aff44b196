import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { ViolationDetail } from "../findings.js";
import type { AliveTime } from "./alive-time.js";
import type { Numbering, SyncTicket } from "./numbering.js";

/** Time after which a Sync is taken to wait for a message, in seconds, if other calls are answered meanwhile. */
const WAIT_SECONDS = 5;
/** Number of such Syncs of one inbox that are no accident, such as a packet that was sent again. */
const TOO_MANY = 2;

/** Finds Syncs that wait for a message when nothing is pending. */
export class SlowSyncs {
  readonly #alive: AliveTime;
  readonly #seconds: number;
  readonly #counts = new WeakMap<Numbering, number>();

  /** `timeoutScale` multiplies the time limit. */
  constructor(alive: AliveTime, timeoutScale = 1) {
    this.#alive = alive;
    this.#seconds = WAIT_SECONDS * timeoutScale;
  }

  /** Judges the duration of a Sync that was answered. */
  judge({ nothingPending, numbering }: SyncTicket, call: Event, event: Event): ViolationDetail | undefined {
    if (!nothingPending || this.#alive.seconds(call.atMicros, event.atMicros) < this.#seconds) return undefined;
    const count = (this.#counts.get(numbering) ?? 0) + 1;
    this.#counts.set(numbering, count);
    if (count < TOO_MANY) return undefined;
    return {
      requirement: "SYNC-EMPTY",
      message: "Syncs wait although nothing is pending, while other calls are answered",
      expected: "a response at once",
      actual: `a response after ${(Number(event.atMicros - call.atMicros) / 1_000_000).toFixed(1)} s, for ${count} Syncs`,
    };
  }
}
