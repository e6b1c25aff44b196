import { setTimeout as pause } from "node:timers/promises";
import type { WatchResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { ClientCallOptions, Watching } from "../rpc/client.js";
import { describeRefusal, isRetryable } from "../rpc/connect.js";
import { RETRY_DELAYS } from "../rpc/session.js";
import type { StreamEnd } from "../rpc/watch.js";
import { Deadline } from "../transport/deadline.js";
import type { Device, TestAccount } from "./account.js";
import type { Context } from "./context.js";

/** How long a frame may take, in milliseconds (spec, "Watch"). */
export const FRAME_MS = 5000;

/** Pauses before a Watch that was told to try again is opened again. A bound refuses each; a limiter lets one in three through. */
const BUSY = [...RETRY_DELAYS.retryable, 3000, 3000, 3000];

/** Somebody who watches an inbox as clients do: a Watch that the server has ended in order is opened again. */
export class Watcher {
  /** All frames so far, over all of its Watches. */
  readonly frames: WatchResponse[] = [];
  readonly #t: Context;
  readonly #device: Device;
  readonly #options: ClientCallOptions;
  #watching: Watching;
  #taken = 0;

  constructor(t: Context, party: TestAccount, options: ClientCallOptions = {}, name = "watcher") {
    this.#t = t;
    this.#device = party.device(name);
    this.#options = options;
    this.#watching = this.#device.watch(options);
  }

  /** How the Watch that is open now has ended; undefined while it has not. */
  get end(): StreamEnd | undefined {
    return this.#watching.end;
  }

  /** Goes away without a word. */
  cancel(): void {
    this.#watching.cancel();
  }

  /** Waits until its Watch has ended. False if it has not within `ms` milliseconds. */
  ended(ms: number): Promise<boolean> {
    return this.#watching.ended(this.#t.deadline(ms));
  }

  /** Expects its Watch, which has ended, to be over: nothing comes any more, and nobody waits for more. */
  expectClosed(): Promise<void> {
    return expectClosed(this.#t, this.#watching);
  }

  /** Expects a frame that fits, among those that have come or within `ms` milliseconds from now, or from the end of what it comes `after`. */
  async expectFrame(
    fits: (frame: WatchResponse) => boolean,
    requirement: RequirementId,
    what: string,
    { ms = FRAME_MS, after }: { ms?: number; after?: Promise<unknown> } = {},
  ): Promise<WatchResponse> {
    let waiting = after !== undefined;
    const begin = () => {
      waiting = false;
    };
    after?.then(begin, begin);
    let patience = new Deadline(this.#t.deadline(ms));
    for (let slice = patience.next(), tries = 0; ; slice = patience.next()) {
      if (waiting) patience = new Deadline(this.#t.deadline(ms));
      await this.#watching.until(fits, slice);
      this.frames.push(...this.#watching.frames.slice(this.#taken));
      this.#taken = this.#watching.frames.length;
      const frame = this.frames.find(fits);
      if (frame !== undefined) return frame;
      const { end } = this.#watching;
      if (slice <= 0 || (end !== undefined && !mayEndLikeThat(end))) return this.#missed(requirement, what, ms);
      if (end === undefined) continue;
      // Who is told to try again waits longer each time, and in the end lacks the frame: a bound on Watches looks like that, too.
      const wait = end.kind === "refusal" ? BUSY[tries++] : 20;
      if (wait === undefined) return this.#missed(requirement, what, ms);
      await pause(wait);
      // The deadline is that of an open Watch, and there was none.
      if (end.kind === "refusal") patience = new Deadline(this.#t.deadline(ms));
      if (!mayEndLikeThat(this.#watching.end)) continue; // more came after its end
      this.#watching = this.#device.watch(this.#options);
      this.#taken = 0;
    }
  }

  /** Expects the first frame, which every Watch has. */
  expectFirstFrame(): Promise<WatchResponse> {
    return this.expectFrame(() => true, "WATCH-FIRST", "a Watch got no first frame");
  }

  #missed(requirement: RequirementId, what: string, ms: number): never {
    const { end } = this.#watching;
    const last = this.frames.at(-1);
    const seen =
      last === undefined ? "no frame" : `the last frame has epoch "${last.epoch}" and svr_seq ${last.svrSeq}`;
    const actual = end === undefined ? seen : `${seen}; the Watch has ended: ${describeEnd(end)}`;
    // A stream that is cut off is a fault of its own, and explains why nothing came.
    const cut = end?.kind === "cut" ? "WATCH-END" : end?.kind === "malformed" ? "HTTP-STREAM" : requirement;
    return this.#t.fail(cut, what, `such a frame within ${ms} ms`, actual);
  }
}

/** Expects a frame that covers a seq. */
export const expectFrameCovering = (watcher: Watcher, svrSeq: number, what: string, after?: Promise<unknown>) =>
  watcher.expectFrame((frame) => frame.svrSeq >= svrSeq, "WATCH-WAKE", what, after === undefined ? {} : { after });

/** Expects the answer to a Watch whose stream has ended to be over, too. */
export async function expectClosed(t: Context, watching: Watching): Promise<void> {
  const closes = await watching.closes(t.deadline(FRAME_MS));
  const { end } = watching;
  if (end?.kind === "malformed")
    t.fail("HTTP-STREAM", "the end of a Watch", "the end-of-stream message, and no more", end.why);
  const what = "the end-of-stream message has come, and the answer is not over";
  t.that(closes, "WATCH-END", what, `its end within ${FRAME_MS} ms`, "it is open");
}

/** Whether a server may end a Watch like that at any time: in order, or asking to try again. */
function mayEndLikeThat(end: StreamEnd | undefined): boolean {
  if (end?.kind !== "refusal") return end?.kind === "end";
  const { refusal } = end;
  return isRetryable(refusal);
}

export function describeEnd(end: StreamEnd): string {
  switch (end.kind) {
    case "end":
      return "in order";
    case "refusal":
      return describeRefusal(end.refusal);
    default:
      return end.why;
  }
}
