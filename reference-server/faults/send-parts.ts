import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type SendRequest, type SendResponse, SendResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Caller } from "../accounts.js";
import type { Service } from "../service.js";

/** Stores a message without any look at what was sent before. */
export function storeAgain(
  service: Service,
  { account }: Caller,
  { recipientId, clientMessageId, payload }: SendRequest,
): SendResponse {
  const acceptedAt = timestampFromMs(service.options.now());
  const recipient = service.accounts.get(recipientId);
  recipient?.inbox.append({ senderId: account.userId, clientMessageId, payload, acceptedAt });
  for (const watcher of recipient?.watchers ?? []) watcher.changed();
  return create(SendResponseSchema, { acceptedAt });
}

/** What the server remembers of an earlier Send with this id. */
export const findRecord = (service: Service, { account }: Caller, id: string) =>
  service.dedup.find(account.userId, id, service.options.now());
