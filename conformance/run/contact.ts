import { setTimeout as sleep } from "node:timers/promises";
import type { RetryDelays } from "../rpc/result.js";
import type { Transport } from "../transport/http.js";
import { otherProtocol } from "../transport/identify.js";
import { asHttps } from "./other-server.js";
import { type ProbeResult, type Problem, probe, withoutUserInfo } from "./target.js";

/** Options for a server that may be starting. */
export interface WaitOptions {
  /**
   * How long to wait for a server that is starting, in milliseconds: one that cannot be reached, or asks to retry.
   * @default 0
   */
  waitMs?: number;
  /** Ends the wait. */
  signal?: AbortSignal;
}

/** Delays between two attempts during the wait, in milliseconds: they double from the first to the last. */
const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 1000;

/** Retries of one attempt: enough for a server that asks to retry at random, and short, so that the reason comes soon. */
const DELAYS: RetryDelays = { noResponse: [20, 100, 400], retryable: [20, 100, 400, 1000, 1000, 1000] };

/**
 * Calls GetServerInfo at every front end until each has answered, or the wait is over. Looks closer at a server that
 * gave no response: a wrong scheme is the most frequent reason.
 */
export async function contact(transport: Transport, { waitMs = 0, signal }: WaitOptions = {}): Promise<ProbeResult> {
  const end = performance.now() + waitMs;
  for (let delay = FIRST_DELAY_MS; ; delay = Math.min(2 * delay, LAST_DELAY_MS)) {
    const probed = await probe(transport, DELAYS);
    if (!("problem" in probed)) return probed;
    const result = await lookCloser(transport, probed);
    if (result.cause === "definite") return result;
    const left = end - performance.now();
    if (left <= 0 || signal?.aborted) return waited(result, waitMs);
    await sleep(Math.min(delay, left), undefined, { ...(signal === undefined ? {} : { signal }) }).catch(() => {});
  }
}

function waited(result: Problem, waitMs: number): Problem {
  if (waitMs > 0) return { ...result, problem: `${result.problem} (waited ${waitMs / 1000} s)` };
  return result.cause === "not ready"
    ? { ...result, problem: `${result.problem}; --wait SECONDS waits for a server that is starting` }
    : result;
}

/** Replaces the reason if the server speaks another protocol than the URL names. */
async function lookCloser(transport: Transport, problem: Problem): Promise<Problem> {
  if (problem.cause !== "no response") return problem;
  const base = transport.base(problem.endpoint);
  const found = await otherProtocol(base, transport.connection);
  if (found === undefined) return problem;
  const advice =
    found === "TLS"
      ? `the server speaks TLS on this port; did you mean ${asHttps(base)}?`
      : "the server speaks HTTP/2 only, as a gRPC server does; serve HTTP/1.1 too, by the HTTP binding of the specification";
  return { ...problem, cause: "definite", problem: `${withoutUserInfo(base.href)} cannot be reached: ${advice}` };
}
