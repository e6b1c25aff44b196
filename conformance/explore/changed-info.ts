import { durationMs } from "@bufbuild/protobuf/wkt";
import { type GetServerInfoResponse, SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Session } from "../rpc/session.js";

/**
 * Asks the server again what it declares. Returns its declaration with the new limits if one of them differs: an operator
 * may have raised a limit during the run (info.md), and what a program found by the old one is then no violation.
 */
export async function changedInfo(
  session: Session,
  known: GetServerInfoResponse,
): Promise<GetServerInfoResponse | undefined> {
  const result = await session.attempt(SeqSyncService.method.getServerInfo, {});
  if (result.kind !== "response") return undefined;
  const { maxPageSize, maxPayloadBytes, dedupWindow } = result.value;
  const info = { ...known, maxPageSize, maxPayloadBytes };
  if (dedupWindow === undefined) delete info.dedupWindow;
  else info.dedupWindow = dedupWindow;
  return limitsOf(info) === limitsOf(known) ? undefined : info;
}

const limitsOf = ({ maxPageSize, maxPayloadBytes, dedupWindow }: GetServerInfoResponse) =>
  JSON.stringify([maxPageSize, maxPayloadBytes, dedupWindow && durationMs(dedupWindow)]);
