import { create } from "@bufbuild/protobuf";
import { type SyncRequest, type SyncResponse, SyncResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Caller } from "../accounts.js";
import type { Service } from "../service.js";

/** Acks all messages up to `cli_seq` and returns the next page (spec, "Sync"). See `Inbox.sync`. */
export function sync(_service: Service, { account }: Caller, request: SyncRequest): SyncResponse {
  return create(SyncResponseSchema, account.inbox.sync(request.cliSeq, request.epoch, request.pageSize));
}
