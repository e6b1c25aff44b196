import type { DeliveredMessage, Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";

/** Says an event in a few words, for people. `name` makes user ids readable. */
export function describeEvent({ body: what }: Event, name: (userId: string) => string = (userId) => userId): string {
  switch (what.case) {
    case "header":
      return `recorded from ${what.value.implementation || "an unnamed server"}`;
    case "accountOpened":
      return `${name(what.value.userId)} stands at ${what.value.startSeq ?? "a place not known"}`;
    case "sendCall": {
      const { recipientId, clientMessageId, payload } = what.value;
      return `Send to ${name(recipientId)}, id ${shortId(clientMessageId)}, ${payload?.size ?? 0} B`;
    }
    case "sendReturn":
      return "accepted";
    case "syncCall": {
      const { cliSeq, epoch, pageSize } = what.value;
      return `Sync(${cliSeq}${epoch === "" ? "" : `, epoch ${shortId(epoch)}`}${pageSize === 0 ? "" : `, at most ${pageSize}`})`;
    }
    case "syncReturn": {
      const { ackedSeq, svrSeq, nextCliSeq, messages, epoch } = what.value;
      return `${pageText(messages)}; acked ${ackedSeq}, next ${nextCliSeq}, svr ${svrSeq}, epoch ${shortId(epoch)}`;
    }
    case "watchCall":
      return "Watch";
    case "watchFrame":
      return `frame: svr ${what.value.svrSeq}, epoch ${shortId(what.value.epoch)}`;
    case "watchEnd":
      return "end of the stream";
    case "refused": {
      const { code, reason, svrSeq, epoch } = what.value;
      const state = epoch === "" ? "" : `; svr ${svrSeq}, epoch ${shortId(epoch)}`;
      return `refused: ${code || "no code"}${reason === Reason.UNSPECIFIED ? "" : ` ${Reason[reason]}`}${state}`;
    }
    case "noResponse":
      return `no answer: ${what.value.why}`;
    case "rotateCall":
      return `${name(what.value.userId)}'s inbox loses its data`;
    case "revokeCall":
      return `${name(what.value.userId)}'s token is revoked`;
    case "restartCall":
      return "the server is killed and started again";
    case "done":
      return "done";
    case undefined:
      return "an event that this version does not know";
  }
}

function pageText(messages: readonly DeliveredMessage[]): string {
  const [first, second] = messages;
  if (first === undefined) return "no message";
  if (second === undefined) return `message ${first.seq} (${shortId(first.clientMessageId)})`;
  const consecutive = messages.every(({ seq }, index) => seq === first.seq + index);
  if (consecutive && messages.length > 4) return `messages ${first.seq}…${first.seq + messages.length - 1}`;
  const shown = messages.length > 8 ? messages.slice(0, 8) : messages;
  const list = shown.map(({ seq, clientMessageId }) => `${seq} (${shortId(clientMessageId)})`).join(", ");
  return `messages ${list}${messages.length > 8 ? "…" : ""}`;
}

/** The part of an id that tells it from its neighbours. */
export const shortId = (id: string) => (id.length <= 8 ? id : `…${id.slice(-6)}`);
