import { setTimeout as pause } from "node:timers/promises";
import { SeqSyncService, type WatchResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { NoResponseFailure } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { ClientCallOptions } from "../rpc/client.js";
import { describeRefusal } from "../rpc/connect.js";
import { RETRY_DELAYS } from "../rpc/result.js";
import type { StreamEnd } from "../rpc/watch.js";
import type { WatchStream } from "../rpc/watch-stream.js";
import { Deadline } from "../transport/deadline.js";
import { retry } from "../transport/retry.js";
import type { Device, TestAccount } from "./account.js";
import type { Context } from "./context.js";

/** Time limit for a frame, in milliseconds (spec, "Watch"). */
export const FRAME_MS = 5000;

/** Longest wait until `keepOpen` looks whether the case has ended, in milliseconds. */
const KEEP_OPEN_SLICE_MS = 1000;

/** Delay before reopening a Watch that the server ended without an error, in milliseconds. */
const REOPEN_DELAY_MS = 20;

/**
 * Number of Watches in a row whose connections may break before that is a violation. A network breaks one connection,
 * or all at one moment; a server that ends its Watches by closing the connection breaks one after the other.
 */
const MAX_BROKEN = 4;

/**
 * Delays after retryable errors, in milliseconds: more than for calls. A server with a limit on Watches returns such an
 * error for each attempt above the limit; with a rate limiter, one in three attempts may succeed.
 */
const WATCH_RETRY_DELAYS_MS = [...RETRY_DELAYS.retryable, 3000, 3000, 3000];

type FrameResult = { kind: "response"; value: WatchResponse } | StreamEnd;

/**
 * Watches an inbox as clients do: opens the Watch again after the server has ended it, after a retryable error, and
 * after its connection broke. The first frame of the new Watch then covers what the old one may have missed.
 */
export class Watcher {
  /** All frames so far, of all its Watches. */
  readonly frames: WatchResponse[] = [];
  readonly #t: Context;
  readonly #device: Device;
  readonly #options: ClientCallOptions;
  #stream: WatchStream;
  /** Number of frames of the current Watch that are in `frames`. */
  #collected = 0;
  /** Number of Watches in a row, up to now, whose connections broke. */
  #brokenInARow = 0;
  #broken = 0;

  constructor(t: Context, account: TestAccount, options: ClientCallOptions = {}, name = "watcher") {
    this.#t = t;
    this.#device = account.device(name);
    this.#options = options;
    this.#stream = this.#device.watch(options);
  }

  /** How the current Watch ended; undefined while it is open. */
  get end(): StreamEnd | undefined {
    return this.#stream.end;
  }

  /** Number of Watches that were opened again because their connections broke. */
  get broken(): number {
    return this.#broken;
  }

  /** Closes the connection without a message. */
  cancel(): void {
    this.#stream.cancel();
  }

  /** Waits until the current Watch has ended. False if it has not within `ms` milliseconds. */
  waitForEnd(ms: number): Promise<boolean> {
    return this.#stream.waitForEnd(this.#t.deadline(ms));
  }

  /** Waits for `ms` milliseconds. Opens the Watch again if it ends in this time. */
  async keepOpen(ms: number): Promise<void> {
    const until = performance.now() + ms;
    for (;;) {
      const left = until - performance.now();
      this.#t.signal.throwIfAborted();
      if (left <= 0) return;
      if (!(await this.#stream.waitForEnd(Math.min(left, KEEP_OPEN_SLICE_MS)))) continue;
      const seen = new Set(this.frames);
      await this.expectFrame((frame) => !seen.has(frame), "WATCH-FIRST", "a Watch got no first frame");
      // A server may end every Watch at once: it is not asked again without a pause.
      await pause(KEEP_OPEN_SLICE_MS / 2);
    }
  }

  /** Expects the HTTP response of the current Watch to end after its stream has ended. */
  expectClosed(): Promise<void> {
    return expectClosed(this.#t, this.#stream);
  }

  /**
   * Expects a matching frame, among those received so far or within `ms` milliseconds. The time limit starts with the
   * call, or when `after` settles, and restarts after each retryable error and each broken connection.
   */
  async expectFrame(
    matches: (frame: WatchResponse) => boolean,
    requirement: RequirementId,
    what: string,
    { ms = FRAME_MS, after, expected = "a frame" }: { ms?: number; after?: Promise<unknown>; expected?: string } = {},
  ): Promise<WatchResponse> {
    const newDeadline = () => new Deadline(this.#t.deadline(ms));
    let deadline = newDeadline();
    let isPending = after !== undefined;
    const settle = () => {
      isPending = false;
    };
    after?.then(settle, settle);
    const nextSlice = () => {
      const slice = deadline.next();
      if (isPending) deadline = newDeadline();
      return slice;
    };
    let retryableErrors = 0;
    const result = await retry(
      (retries) => {
        if (retries > 0) this.#reopen();
        return this.#findFrame(matches, nextSlice);
      },
      ({ kind }) => {
        if (kind !== "end" && kind !== "retryable" && kind !== "broken") return undefined;
        if (kind === "broken") {
          deadline = newDeadline();
          this.#broken += 1;
          this.#brokenInARow += 1;
          return this.#brokenInARow < MAX_BROKEN ? RETRY_DELAYS.noResponse[this.#brokenInARow - 1] : undefined;
        }
        this.#brokenInARow = 0;
        if (kind === "end") return REOPEN_DELAY_MS;
        deadline = newDeadline();
        retryableErrors += 1;
        return WATCH_RETRY_DELAYS_MS[retryableErrors - 1];
      },
    );
    if (result.kind === "broken") return this.#failBroken(requirement, result);
    return result.kind === "response" ? result.value : this.#fail(requirement, what, `${expected} within ${ms} ms`);
  }

  /** Expects the first frame, which every Watch has. */
  expectFirstFrame(): Promise<WatchResponse> {
    return this.expectFrame(() => true, "WATCH-FIRST", "a Watch got no first frame");
  }

  /** Waits for a matching frame, for the end of the Watch, or for the deadline. */
  async #findFrame(matches: (frame: WatchResponse) => boolean, nextSlice: () => number): Promise<FrameResult> {
    let examined = 0;
    for (;;) {
      const slice = nextSlice();
      await this.#stream.waitForFrame(matches, slice);
      // Not by spreading: a flood of frames would exceed the maximum number of arguments.
      for (const frame of this.#stream.frames.slice(this.#collected)) this.frames.push(frame);
      this.#collected = this.#stream.frames.length;
      const frame = this.frames.slice(examined).find(matches);
      examined = this.frames.length;
      if (frame !== undefined) return { kind: "response", value: frame };
      if (slice <= 0) return { kind: "late", why: "the time limit has passed" };
      if (this.#stream.end !== undefined) return this.#stream.end;
    }
  }

  /** Opens the Watch again, unless its stream turned out to be malformed after its end. */
  #reopen(): void {
    const kind = this.#stream.end?.kind;
    if (kind !== "end" && kind !== "retryable" && kind !== "broken") return;
    this.#stream = this.#device.watch(this.#options);
    this.#collected = 0;
  }

  #fail(requirement: RequirementId, what: string, expected: string): never {
    const { end } = this.#stream;
    if (end?.kind === "refusal") this.#t.throwIfServerLimit(end.refusal);
    const last = this.frames.at(-1);
    const state = last === undefined ? "frames: none" : `last frame: svr_seq ${last.svrSeq}, epoch "${last.epoch}"`;
    const actual = end === undefined ? state : `${state}; the Watch has ended: ${describeEnd(end)}`;
    // A malformed stream is a violation of its own, and explains why there is no frame.
    const violated = end?.kind === "unfinished" ? "WATCH-END" : end?.kind === "malformed" ? "HTTP-STREAM" : requirement;
    return this.#t.fail(violated, what, expected, actual);
  }

  /** Fails after several broken Watches in a row. They are a violation only if the server responds to other calls. */
  async #failBroken(requirement: RequirementId, { why, opened }: Extract<StreamEnd, { kind: "broken" }>) {
    if (!opened) throw new NoResponseFailure(requirement, "Watch", why);
    const { kind } = await this.#t.session.call(SeqSyncService.method.getServerInfo, {});
    if (kind === "no-response") throw new NoResponseFailure("WATCH-END", "GetServerInfo", why);
    return this.#t.fail(
      "WATCH-END",
      `the connections of ${MAX_BROKEN} Watches in a row broke`,
      "Watches that stay open, or end with the end-of-stream message",
      `the last one ended: ${why}`,
    );
  }
}

/** Expects a frame with at least this svr_seq. */
export const expectFrameCovering = (watcher: Watcher, svrSeq: number, what: string, after?: Promise<unknown>) =>
  watcher.expectFrame((frame) => frame.svrSeq >= svrSeq, "WATCH-WAKE", what, {
    expected: `a frame with svr_seq at least ${svrSeq}`,
    ...(after === undefined ? {} : { after }),
  });

/** Expects the HTTP response of a Watch to end after its stream has ended. */
export async function expectClosed(t: Context, stream: WatchStream): Promise<void> {
  const closed = await stream.waitForClose(t.deadline(FRAME_MS));
  const { end } = stream;
  if (end?.kind === "malformed")
    t.fail(
      "HTTP-STREAM",
      "a Watch ended with a malformed stream",
      "one end-of-stream message, and nothing after it",
      end.why,
    );
  const what = "the response continues after the end-of-stream message";
  t.that(closed, "WATCH-END", what, `the end of the response within ${FRAME_MS} ms`, "the response is open");
}

/** Describes how a Watch ended, for people. */
export function describeEnd(end: StreamEnd): string {
  switch (end.kind) {
    case "end":
      return "without an error";
    case "refusal":
      return describeRefusal(end.refusal);
    case "retryable":
      return end.refusal === undefined ? end.why : describeRefusal(end.refusal);
    default:
      return end.why;
  }
}
