import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { type GetServerInfoResponse, SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { RETRY_DELAYS } from "../rpc/result.js";
import { Session } from "../rpc/session.js";
import type { Transport } from "../transport/http.js";

/** What the server declares, or why it cannot be checked, in one line. */
export type ProbeResult = { info: GetServerInfoResponse } | { problem: string };

/** Calls GetServerInfo at every front end, before any case: no case can pass if the target is not a Seq Sync server. */
export async function probe(transport: Transport): Promise<ProbeResult> {
  for (const [endpoint, url] of transport.urls.entries()) {
    const probed = await probeOne(transport, endpoint, withoutUserInfo(url));
    if ("problem" in probed || endpoint === transport.urls.length - 1) return probed;
  }
  throw new Error("a target has at least one URL");
}

async function probeOne(transport: Transport, endpoint: number, url: string): Promise<ProbeResult> {
  // Retryable errors are retried; an address where nothing listens is reported at once.
  const session = new Session(transport, "proto", 0, { ...RETRY_DELAYS, noResponse: [] });
  const outcome = await session.call(SeqSyncService.method.getServerInfo, {}, { endpoint });
  const notSeqSync = (why: string): ProbeResult => ({
    problem: `${url} does not look like a Seq Sync server: GetServerInfo returned ${why}`,
  });
  switch (outcome.kind) {
    case "response":
      return looksReal(outcome.value)
        ? { info: outcome.value }
        : notSeqSync("a message without spec_version, profiles and limits");
    case "refusal":
      return notSeqSync(`the error ${outcome.refusal.code}`);
    case "malformed":
      return notSeqSync(outcome.why);
    case "retryable":
      return { problem: `${url} is not ready: GetServerInfo returned ${outcome.why}` };
    case "no-response":
      return {
        problem: `${url} cannot be reached: ${outcome.why}${outcome.hint === undefined ? "" : `; ${outcome.hint}`}`,
      };
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
