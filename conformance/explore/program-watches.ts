import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import type { SyncResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { ViolationDetail } from "../findings.js";
import type { Recorder } from "../history/recorder.js";
import { Client } from "../rpc/client.js";
import { type Codec, describeRefusal } from "../rpc/connect.js";
import type { Session } from "../rpc/session.js";
import type { WatchStream } from "../rpc/watch-stream.js";
import type { ProgramAccount } from "./program-account.js";
import type { Findings } from "./run-findings.js";

/** Time limit for a frame about a new message, and for the end of a Watch whose token was revoked, in milliseconds. */
export const WAKE_MS = 5000;

/** How long to wait for the first frame, in milliseconds. */
const OPEN_MS = 1000;

interface OpenedWatch {
  account: ProgramAccount;
  stream: WatchStream;
  /** Whether the token had been revoked before the Watch was opened. */
  isRefused: boolean;
}

/** The Watches of a program. */
export class ProgramWatches {
  readonly #session: Session;
  readonly #recorder: Recorder;
  readonly #findings: Findings;
  readonly #all: OpenedWatch[] = [];

  constructor(session: Session, recorder: Recorder, findings: Findings) {
    this.#session = session;
    this.#recorder = recorder;
    this.#findings = findings;
  }

  /** Opens a Watch, and waits a moment for its first frame, so that the steps after it find it open. */
  async open(account: ProgramAccount, codec: Codec): Promise<void> {
    const isRefused = account.token === "revoked";
    const client = new Client(this.#session, this.#recorder, account.lease, `${account.name}'s watch`);
    const stream = client.watch({ codec });
    this.#all.push({ account, stream, isRefused });
    await stream.waitForFrame(() => true, OPEN_MS);
  }

  /** Closes the Watch of an account that was opened first, or last, if there is one. */
  closeOne(account: ProgramAccount, which: "oldest" | "newest"): void {
    const isOpen = (it: OpenedWatch) => it.account === account && it.stream.end === undefined;
    const index = which === "oldest" ? this.#all.findIndex(isOpen) : this.#all.findLastIndex(isOpen);
    if (index >= 0) this.#close(index);
  }

  /** Closes all Watches: after a crash a connection may be dead without a sign. */
  closeAll(): void {
    while (this.#all.length > 0) this.#close(this.#all.length - 1);
  }

  #close(index: number): void {
    for (const watch of this.#all.splice(index, 1)) {
      this.#judgeEnd(watch);
      watch.stream.cancel();
    }
  }

  /**
   * Expects each Watch to be up to date with the last page of its account, and one with a revoked token to have ended.
   */
  async finish(states: ReadonlyMap<ProgramAccount, SyncResponse>, wakeMs: number): Promise<void> {
    await Promise.all(
      this.#all.map(async (watch) => {
        const { account, stream } = watch;
        if (account.token === "revoked") await this.#expectRevoked(watch, wakeMs);
        const state = states.get(account);
        if (account.token === "valid" && state !== undefined) await this.#expectFrame(watch, state, wakeMs);
        if (stream.end !== undefined) this.#judgeEnd(watch);
      }),
    );
  }

  async #expectFrame({ account, stream }: OpenedWatch, state: SyncResponse, wakeMs: number): Promise<void> {
    if (stream.end !== undefined) return;
    const { epoch, svrSeq } = state;
    const isWoken = await stream.waitForFrame((it) => it.epoch === epoch && it.svrSeq >= svrSeq, wakeMs);
    if (isWoken || stream.end !== undefined) return;
    this.#findings.report(missingFrame(state, stream), this.#eventsOf(account.lease.userId));
  }

  async #expectRevoked({ account, stream, isRefused }: OpenedWatch, wakeMs: number): Promise<void> {
    const hasEnded = await stream.waitForEnd(wakeMs);
    const evidence = this.#eventsOf(account.lease.userId);
    const expected = "an end-of-stream message with unauthenticated and CREDENTIAL_INVALID";
    const { end, frames } = stream;
    if (isRefused && frames.length > 0)
      this.#findings.report(
        {
          requirement: "AUTH-REVOKED",
          message: "a Watch with a revoked token received a frame",
          expected,
          actual: `frames: ${frames.length}`,
        },
        evidence,
      );
    else if (!hasEnded)
      this.#findings.report(
        {
          requirement: isRefused ? "AUTH-REVOKED" : "AUTH-REVOKED-WATCH",
          message: "a Watch did not end within 5 seconds after its token was revoked",
          expected,
          actual: "the Watch is still open",
        },
        evidence,
      );
    else if (end?.kind === "refusal" && ![Reason.CREDENTIAL_INVALID, Reason.UNSPECIFIED].includes(end.refusal.reason))
      this.#findings.report(
        {
          requirement: isRefused ? "AUTH-REVOKED" : "AUTH-REVOKED-WATCH",
          message: "a Watch whose token was revoked ended with another error",
          expected,
          actual: describeRefusal(end.refusal),
        },
        evidence,
      );
  }

  /** Judges how a Watch has ended. */
  #judgeEnd({ account, stream: { end } }: OpenedWatch): void {
    const violation = end === undefined ? undefined : endViolation(end);
    if (violation !== undefined) this.#findings.report(violation, this.#eventsOf(account.lease.userId));
  }

  /** Closes the Watches without a judgement. */
  end(): void {
    for (const { stream } of this.#all) stream.cancel();
  }

  /** The Watches, data losses and revocations of an account, and its last Sync: they show which frame is missing. */
  #eventsOf(userId: string): Event[] {
    const { events } = this.#recorder;
    const callsOf = (kinds: readonly string[]) =>
      events.filter(
        ({ body }) => kinds.includes(body.case ?? "") && (body.value as { userId?: string }).userId === userId,
      );
    const calls = [...callsOf(["watchCall", "rotateCall", "revokeCall"]), ...callsOf(["syncCall"]).slice(-1)];
    const ops = new Set(calls.map(({ op }) => op));
    return events.filter(({ op }) => ops.has(op));
  }
}

/** The violation that the end of a Watch shows by itself; undefined if there is none. */
function endViolation(end: NonNullable<WatchStream["end"]>): ViolationDetail | undefined {
  if (end.kind === "malformed")
    return {
      requirement: end.requirement,
      message: `the stream of a Watch is malformed: ${end.why}`,
      expected: "a stream as the HTTP binding requires",
      actual: end.why,
    };
  if (end.kind === "unfinished")
    return {
      requirement: "WATCH-END",
      message: "a Watch ended without an end-of-stream message",
      expected: "an end-of-stream message",
      actual: end.why,
    };
  return undefined;
}

function missingFrame({ svrSeq, epoch }: SyncResponse, { frames }: WatchStream): ViolationDetail {
  const last = frames.at(-1);
  const isNewEpoch = last !== undefined && last.epoch !== epoch;
  return {
    requirement: isNewEpoch ? "WATCH-EPOCH" : "WATCH-WAKE",
    message: isNewEpoch
      ? "an open Watch got no frame with the new epoch of its inbox"
      : "an open Watch got no frame about accepted messages",
    expected: `a frame with epoch "${epoch}" and svr_seq ${svrSeq}, within ${WAKE_MS / 1000} s`,
    actual: last === undefined ? "no frame" : `last frame: epoch "${last.epoch}" and svr_seq ${last.svrSeq}`,
  };
}
