import { durationMs } from "@bufbuild/protobuf/wkt";
import { type GetServerInfoResponse, SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { shortenText } from "../history/shorten.js";
import { RETRY_DELAYS } from "../rpc/result.js";
import { Session } from "../rpc/session.js";
import type { Transport } from "../transport/http.js";

/** Maximum number of declared profiles that are kept. */
const MAX_PROFILES = 64;

/** Few attempts: a server that does not respond has not raised its limits. */
const DELAYS = { ...RETRY_DELAYS, noResponse: [20, 100, 400] };

/** Returns a declaration without more text and profiles than a report can show. */
export function bounded(info: GetServerInfoResponse): GetServerInfoResponse {
  const { specVersion, implementation, profiles } = info;
  return {
    ...info,
    specVersion: shortenText(specVersion),
    implementation: shortenText(implementation),
    profiles: profiles.slice(0, MAX_PROFILES),
  };
}

/**
 * Asks the server again what it declares. Returns its new declaration if a limit or a profile differs: an operator may
 * have raised a limit during the run (info.md), and what was found by the old one is then no violation.
 */
export async function changedInfo(
  transport: Transport,
  known: GetServerInfoResponse,
): Promise<GetServerInfoResponse | undefined> {
  const session = new Session(transport, "proto", 0, DELAYS);
  const result = await session.call(SeqSyncService.method.getServerInfo, {});
  if (result.kind !== "response") return undefined;
  const info = bounded(result.value);
  return limitsOf(info) === limitsOf(known) ? undefined : info;
}

function limitsOf({ maxPageSize, maxPayloadBytes, dedupWindow, profiles }: GetServerInfoResponse): string {
  const window = dedupWindow && durationMs(dedupWindow);
  return JSON.stringify([maxPageSize, maxPayloadBytes, window, [...profiles].sort()]);
}
