import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { DeliveredMessage, Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { payloadText } from "../../history/payload-text.js";
import { shortId } from "../../history/short-id.js";
import { describeRefusal } from "../../rpc/connect.js";

/** Maps user ids to readable names. */
export type NameOf = (userId: string) => string;

/** Describes an event in a few words. */
export const describeEvent = ({ body }: Event, name?: NameOf) => describeBody(body, name);

/** Describes the content of an event in a few words, with the names of the fields as in the specification. */
export function describeBody(body: Event["body"], name: NameOf = (userId) => userId): string {
  switch (body.case) {
    case "header":
      return `recorded from ${body.value.implementation || "an unnamed server"}`;
    case "accountOpened":
      return `${name(body.value.userId)}'s inbox starts at ${body.value.startSeq ?? "an unknown seq"}`;
    case "sendCall": {
      const { recipientId, clientMessageId, payload } = body.value;
      return `Send to ${name(recipientId)}, id ${shortId(clientMessageId)}, ${payloadText(payload)}`;
    }
    case "sendReturn":
      return `accepted${timeText(body.value.acceptedAt)}`;
    case "syncCall": {
      const { cliSeq, epoch, pageSize } = body.value;
      return `Sync cli_seq ${cliSeq}${epoch === "" ? "" : `, epoch ${shortId(epoch)}`}${pageSize === 0 ? "" : `, page_size ${pageSize}`}`;
    }
    case "syncReturn": {
      const { ackedSeq, svrSeq, nextCliSeq, messages, epoch } = body.value;
      return `${pageText(messages, name)}; acked_seq ${ackedSeq}, next_cli_seq ${nextCliSeq}, svr_seq ${svrSeq}, ${epochText(epoch)}`;
    }
    case "watchCall":
      return "Watch";
    case "watchFrame":
      return `frame: svr_seq ${body.value.svrSeq}, ${epochText(body.value.epoch)}`;
    case "watchEnd":
      return "end of stream";
    case "refused": {
      const { code, reason, httpStatus: status, svrSeq, epoch } = body.value;
      const state = epoch === "" && svrSeq === 0 ? "" : `; svr_seq ${svrSeq}, ${epochText(epoch)}`;
      return describeRefusal({ code, reason, status }) + state;
    }
    case "noResponse":
      return `no response: ${body.value.why}`;
    case "rotateCall":
      return `${name(body.value.userId)}'s inbox loses its data`;
    case "revokeCall":
      return `${name(body.value.userId)}'s token is revoked`;
    case "stepClockCall":
      return clockText(body.value.offsetMs);
    case "restartCall":
      return "the server is killed and restarted";
    case "done":
      return "completed";
    case undefined:
      return "an unknown event";
  }
}

const UNITS = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
] as const;

/** Describes a step of the clock, in the largest unit that gives a whole number. */
function clockText(offsetMs: number): string {
  if (offsetMs === 0) return "the server's clock is set to the true time";
  const size = Math.abs(offsetMs);
  const [unit, ms] = UNITS.find(([, length]) => size % length === 0) ?? ["ms", 1];
  const count = size / ms;
  const text = `${count} ${unit}${unit === "ms" || count === 1 ? "" : "s"}`;
  return `the server's clock is set to ${text} ${offsetMs < 0 ? "before" : "after"} the true time`;
}

/** Maximum number of messages of a page that are shown one by one. */
const MAX_SHOWN = 6;

function pageText(messages: readonly DeliveredMessage[], name: NameOf): string {
  const [first, second] = messages;
  if (first === undefined) return "no messages";
  if (second === undefined)
    return `message ${first.seq} (id ${shortId(first.clientMessageId)} from ${name(first.senderId)}, ${payloadText(first.payload)}${timeText(first.acceptedAt)})`;
  const consecutive = messages.every(({ seq }, index) => seq === first.seq + index);
  if (consecutive && messages.length > 4) return `messages ${first.seq} to ${first.seq + messages.length - 1}`;
  const list = messages
    .slice(0, MAX_SHOWN)
    .map(({ seq, clientMessageId }) => `${seq} (id ${shortId(clientMessageId)})`);
  const more = messages.length - MAX_SHOWN;
  return `messages ${list.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

const epochText = (epoch: string) => (epoch === "" ? "empty epoch" : `epoch ${shortId(epoch)}`);

/** A time of day; empty if it is absent. The day rarely matters. */
function timeText(at: Timestamp | undefined): string {
  if (at === undefined) return ", no accepted_at";
  const seconds = Number(at.seconds);
  const isShort = seconds > 1_577_836_800 && seconds < 4_102_444_800 && at.nanos >= 0 && at.nanos < 1e9;
  if (!isShort) return `, accepted_at ${at.seconds} s ${at.nanos} ns`;
  const time = new Date(seconds * 1000).toISOString().slice(11, 19);
  return `, accepted_at ${time}.${String(at.nanos)
    .padStart(9, "0")
    .replace(/(000){1,2}$/, "")}`;
}
