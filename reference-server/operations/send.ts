import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Reason } from "../../proto/gen/seqsync/v1/error_pb.js";
import { type SendRequest, type SendResponse, SendResponseSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { Caller } from "../accounts.js";
import { digest } from "../dedup.js";
import { refuse } from "../errors.js";
import type { Service } from "../service.js";

const MAX_ID_BYTES = 64;

/**
 * Accepts one message (spec, "Send"). All checks come before all changes, and the message and its dedup record are
 * stored in one synchronous step.
 *
 * @throws Refusal in the order of the table of errors (spec, "Errors").
 */
export function send(service: Service, { account: sender }: Caller, request: SendRequest): SendResponse {
  const { recipientId, clientMessageId, payload } = request;
  const idBytes = Buffer.byteLength(clientMessageId);
  if (idBytes === 0 || idBytes > MAX_ID_BYTES) {
    throw refuse(
      Reason.CLIENT_MESSAGE_ID_INVALID,
      `client_message_id has ${idBytes} bytes; 1 to ${MAX_ID_BYTES} are allowed`,
    );
  }
  const { maxPayloadBytes } = service.options;
  if (payload.length > maxPayloadBytes) {
    throw refuse(
      Reason.PAYLOAD_TOO_LARGE,
      `payload has ${payload.length} bytes; at most ${maxPayloadBytes} are allowed`,
    );
  }

  const now = service.options.now();
  const payloadDigest = digest(payload);
  const earlier = service.dedup.find(sender.userId, clientMessageId, now);
  // The record of a message that was lost with its epoch is void: the retry stores the message again.
  if (earlier !== undefined && service.accounts.get(earlier.recipientId)?.inbox.epoch === earlier.epoch) {
    if (earlier.recipientId !== recipientId || earlier.payloadDigest !== payloadDigest) {
      throw refuse(Reason.CLIENT_MESSAGE_ID_REUSED, "client_message_id was used for another recipient or payload");
    }
    return create(SendResponseSchema, { acceptedAt: earlier.acceptedAt });
  }

  const recipient = service.accounts.get(recipientId);
  if (recipient === undefined) throw refuse(Reason.RECIPIENT_UNKNOWN, "no account has this recipient_id");
  service.dedup.checkRoom();
  const acceptedAt = timestampFromMs(now);
  recipient.inbox.append({ senderId: sender.userId, clientMessageId, payload, acceptedAt });
  const { epoch } = recipient.inbox;
  service.dedup.add(sender.userId, clientMessageId, now, { recipientId, epoch, payloadDigest, acceptedAt });

  for (const watcher of recipient.watchers) watcher.changed();
  return create(SendResponseSchema, { acceptedAt });
}
