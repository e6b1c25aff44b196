import { durationMs } from "@bufbuild/protobuf/wkt";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Transport } from "../transport/http.js";
import { bounded, probe } from "./target.js";

/**
 * Asks the server again what it declares. Returns its new declaration if a limit or a profile differs: an operator may
 * have raised a limit during the run (info.md), and what a case found by the old one is then no violation.
 */
export async function changedInfo(
  transport: Transport,
  known: GetServerInfoResponse,
): Promise<GetServerInfoResponse | undefined> {
  const probed = await probe(transport);
  if ("problem" in probed) return undefined;
  const info = bounded(probed.info);
  return limitsOf(info) === limitsOf(known) ? undefined : info;
}

function limitsOf({ maxPageSize, maxPayloadBytes, dedupWindow, profiles }: GetServerInfoResponse): string {
  const window = dedupWindow && durationMs(dedupWindow);
  return JSON.stringify([maxPageSize, maxPayloadBytes, window, [...profiles].sort()]);
}
