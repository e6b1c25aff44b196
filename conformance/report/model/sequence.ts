import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { describeEvent } from "./describe.js";

/** A step of a sequence diagram: an arrow between a client and the server, or a note over both. */
export interface SequenceStep {
  /** Name of the client; "client" if the history does not have it. */
  client: string;
  /** `to` the server, `from` the server, a response that was `lost`, or a note over `both`. */
  direction: "to" | "from" | "lost" | "both";
  text: string;
}

/**
 * Turns events into the steps of a sequence diagram; events that are no part of a call are left out. `history` is the
 * whole history that the events were taken from: it has the client of each response, and the names of the accounts.
 */
export function sequenceOf(events: readonly Event[], history: readonly Event[] = events): SequenceStep[] {
  const names = accountNames(history.length > 0 ? history : events);
  const severalUrls = [...history, ...events].some(({ endpoint }) => endpoint > 0);
  const callers = new Map<bigint, string>();
  // Only calls name their client.
  for (const { op, client } of [...history, ...events]) if (client !== "") callers.set(op, client);
  return events.flatMap((event): SequenceStep[] => {
    const text = describeEvent(event, names);
    const client = (callers.get(event.op) ?? event.client) || "client";
    switch (event.body.case) {
      case undefined:
      case "header":
      case "accountOpened":
      case "done":
        return [];
      case "sendCall":
      case "syncCall":
      case "watchCall":
        return [{ client, direction: "to", text: severalUrls ? `${text} at URL ${event.endpoint + 1}` : text }];
      case "rotateCall":
      case "revokeCall":
      case "restartCall":
        return [{ client, direction: "both", text }];
      case "noResponse":
        return [{ client, direction: "lost", text }];
      default:
        return [{ client, direction: "from", text }];
    }
  });
}

/** Describes a step in words, without its arrow. */
export function stepText({ client, direction, text }: SequenceStep): string {
  return {
    to: `${client} to server: ${text}`,
    from: `server to ${client}: ${text}`,
    lost: `${client}: ${text}`,
    both: text,
  }[direction];
}

/** The clients that have a lifeline: those with an arrow, in the order of their first one. */
export function lifelines(steps: readonly SequenceStep[]): string[] {
  return [...new Set(steps.flatMap(({ client, direction }) => (direction === "both" ? [] : [client])))];
}

/**
 * Names each account after its clients: "bob's phone" belongs to bob. An account without a named client keeps its user
 * id.
 */
function accountNames(events: readonly Event[]): (userId: string) => string {
  const names = new Map<string, string>();
  for (const { client, body } of events) {
    const owner = client.split("'", 1)[0] ?? "";
    if (owner === "" || owner === "suite") continue;
    if (body.case === "sendCall") names.set(body.value.senderId, owner);
    if (body.case === "syncCall" || body.case === "watchCall") names.set(body.value.userId, owner);
  }
  return (userId) => names.get(userId) ?? userId;
}
