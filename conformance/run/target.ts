import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { type GetServerInfoResponse, SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { RETRY_DELAYS, type RetryDelays } from "../rpc/result.js";
import { Session } from "../rpc/session.js";
import { responseListener } from "../transport/exchange-log.js";
import type { Transport } from "../transport/http.js";
import type { HttpResponse } from "../transport/messages.js";
import { describeOther } from "./other-server.js";

/** Why a server cannot be checked. */
export interface Problem {
  /** The reason and what to do, in one line. */
  problem: string;
  /** A server that gave no response, or asked the client to retry, may be starting. */
  cause: "no response" | "not ready" | "definite";
  /** Index of the URL. */
  endpoint: number;
}

/** What the server declares, or why it cannot be checked. */
export type ProbeResult = { info: GetServerInfoResponse } | Problem;

/** An address where nothing listens is reported soon, but one broken connection says nothing about the server. */
const DELAYS: RetryDelays = { ...RETRY_DELAYS, noResponse: [20, 100, 400] };

/** Time after which an attempt without a response is not repeated, in milliseconds. */
const SLOW_MS = 1000;

/** Calls GetServerInfo at every front end, before any case: no case can pass if the target is not a Seq Sync server. */
export async function probe(transport: Transport, delays = DELAYS): Promise<ProbeResult> {
  for (const endpoint of transport.urls.keys()) {
    const probed = await probeOne(transport, endpoint, delays);
    if ("problem" in probed || endpoint === transport.urls.length - 1) return probed;
  }
  throw new Error("a target has at least one URL");
}

async function probeOne(transport: Transport, endpoint: number, delays: RetryDelays): Promise<ProbeResult> {
  let last: HttpResponse | undefined;
  const watched = transport.withExchangeListener(
    responseListener((response) => {
      last = response;
    }),
  );
  const session = new Session(watched, "proto", 0, delays);
  const result = await session.retry(async () => {
    const started = performance.now();
    const attempt = await session.attempt(SeqSyncService.method.getServerInfo, {}, { endpoint });
    const isSlow = attempt.kind === "no-response" && performance.now() - started > SLOW_MS;
    return isSlow ? { kind: "slow" as const, attempt } : attempt;
  });
  const outcome = result.kind === "slow" ? result.attempt : result;
  const base = transport.base(endpoint);
  const url = withoutUserInfo(base.href);
  const failed = (problem: string, cause: Problem["cause"] = "definite"): Problem => ({
    problem: `${url} ${problem}`,
    cause,
    endpoint,
  });
  const notSeqSync = (why: string): Problem => {
    const found = last && describeOther(base, last);
    return failed(`does not look like a Seq Sync server: ${found ?? why}`);
  };
  switch (outcome.kind) {
    case "response":
      return looksReal(outcome.value)
        ? { info: outcome.value }
        : notSeqSync("GetServerInfo returned a message without spec_version, profiles and limits");
    case "refusal": {
      const { code } = outcome.refusal;
      if (code === "unauthenticated" || code === "permission_denied")
        return failed(
          `refuses GetServerInfo with ${code}; it must be open to everybody (INFO-OPEN); a gateway's header can be passed with --header-env NAME=VARIABLE`,
        );
      return notSeqSync(`GetServerInfo returned the error ${code}`);
    }
    case "malformed":
      return notSeqSync(`GetServerInfo: ${outcome.why}${outcome.actual === undefined ? "" : ` (${outcome.actual})`}`);
    case "retryable":
      return failed(`is not ready: GetServerInfo returned ${outcome.why}`, "not ready");
    case "no-response": {
      const { why, hint, isPermanent = false } = outcome;
      const problem = `cannot be reached: ${why}${hint === undefined ? "" : `; ${hint}`}`;
      return failed(problem, isPermanent ? "definite" : "no response");
    }
  }
}

/** An empty body decodes to an empty message: only a response with content shows that this is a Seq Sync server. */
function looksReal({ specVersion, profiles, maxPageSize }: GetServerInfoResponse): boolean {
  return specVersion !== "" || profiles.includes(Profile.CORE) || maxPageSize > 0;
}

/** Returns a URL without user and password, for reports. */
export function withoutUserInfo(url: string): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  return shown.href.replace(/\/$/, "");
}
