import type { DeliveredMessage, Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { describeRefusal } from "../../rpc/connect.js";

/** Describes an event in a few words. `name` maps user ids to readable names. */
export function describeEvent({ body }: Event, name: (userId: string) => string = (userId) => userId): string {
  switch (body.case) {
    case "header":
      return `recorded from ${body.value.implementation || "an unnamed server"}`;
    case "accountOpened":
      return `${name(body.value.userId)}'s inbox starts at ${body.value.startSeq ?? "an unknown seq"}`;
    case "sendCall": {
      const { recipientId, clientMessageId, payload } = body.value;
      return `Send to ${name(recipientId)}, id ${shortId(clientMessageId)}, ${payload?.size ?? 0} B`;
    }
    case "sendReturn":
      return "accepted";
    case "syncCall": {
      const { cliSeq, epoch, pageSize } = body.value;
      return `Sync(${cliSeq}${epoch === "" ? "" : `, epoch ${shortId(epoch)}`}${pageSize === 0 ? "" : `, at most ${pageSize}`})`;
    }
    case "syncReturn": {
      const { ackedSeq, svrSeq, nextCliSeq, messages, epoch } = body.value;
      return `${pageText(messages)}; acked ${ackedSeq}, next ${nextCliSeq}, svr ${svrSeq}, epoch ${shortId(epoch)}`;
    }
    case "watchCall":
      return "Watch";
    case "watchFrame":
      return `frame: svr ${body.value.svrSeq}, epoch ${shortId(body.value.epoch)}`;
    case "watchEnd":
      return "end of stream";
    case "refused": {
      const { code, reason, httpStatus: status, svrSeq, epoch } = body.value;
      const state = epoch === "" ? "" : `; svr ${svrSeq}, epoch ${shortId(epoch)}`;
      return describeRefusal({ code, reason, status }) + state;
    }
    case "noResponse":
      return `no response: ${body.value.why}`;
    case "rotateCall":
      return `${name(body.value.userId)}'s inbox loses its data`;
    case "revokeCall":
      return `${name(body.value.userId)}'s token is revoked`;
    case "restartCall":
      return "the server is killed and restarted";
    case "done":
      return "completed";
    case undefined:
      return "an unknown event";
  }
}

function pageText(messages: readonly DeliveredMessage[]): string {
  const [first, second] = messages;
  if (first === undefined) return "no messages";
  if (second === undefined) return `message ${first.seq} (${shortId(first.clientMessageId)})`;
  const consecutive = messages.every(({ seq }, index) => seq === first.seq + index);
  if (consecutive && messages.length > 4) return `messages ${first.seq}…${first.seq + messages.length - 1}`;
  const shown = messages.length > 8 ? messages.slice(0, 8) : messages;
  const list = shown.map(({ seq, clientMessageId }) => `${seq} (${shortId(clientMessageId)})`).join(", ");
  return `messages ${list}${messages.length > 8 ? "…" : ""}`;
}

/** Shortens a long id to its last characters, in which the ids of a case differ. */
export const shortId = (id: string) => (id.length <= 8 ? id : `…${id.slice(-6)}`);
