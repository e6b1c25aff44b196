import { setTimeout as sleep } from "node:timers/promises";
import { ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { Inconclusive, NoResponseFailure, RetriesExhausted } from "../findings.js";
import type { Session } from "../rpc/session.js";

/** How long an exploration waits for a server that has stopped responding, in milliseconds. */
export const RECOVERY_MS = 30_000;
/** Delay between two attempts, in milliseconds. */
const DELAY_MS = 100;

/** Whether an error can be the result of a server that was down, or restarted, for a moment. */
const mayBeOutage = (error: unknown) =>
  error instanceof NoResponseFailure ||
  error instanceof RetriesExhausted ||
  (error instanceof Inconclusive && error.code === ReasonCode.ACCOUNT_UNAVAILABLE);

/**
 * Acts; once more if that fails and the server may have been down meanwhile. Somebody may restart the server, or its
 * database, while an exploration runs: that must neither end the exploration nor look like a violation.
 *
 * @throws Inconclusive if the server does not respond again within `recoveryMs`; otherwise the error of the second time.
 */
export async function despiteOutage<T>(session: Session, recoveryMs: number, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!mayBeOutage(error)) throw error;
    await untilUp(session, recoveryMs);
    return await act();
  }
}

/** Waits until each front end responds to GetServerInfo. */
async function untilUp(session: Session, recoveryMs: number): Promise<void> {
  const end = performance.now() + recoveryMs;
  for (const [endpoint, url] of session.transport.urls.entries()) {
    for (;;) {
      const result = await session.attempt(SeqSyncService.method.getServerInfo, {}, { endpoint });
      if (result.kind === "response") break;
      if (performance.now() >= end) {
        const { origin, pathname } = new URL(url);
        const why = "why" in result ? result.why : `it refused GetServerInfo with ${result.refusal.code}`;
        throw new Inconclusive(
          `the server stopped responding: ${origin}${pathname.replace(/\/$/, "")} did not come back within ${recoveryMs / 1000} s: ${why}`,
          ReasonCode.SERVER_UNREACHABLE,
        );
      }
      await sleep(DELAY_MS);
    }
  }
}
