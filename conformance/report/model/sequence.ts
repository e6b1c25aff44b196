import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { describeEvent } from "./describe.js";

/** A step of a sequence diagram: an arrow between a client and the server, or a note over both. */
export interface SequenceStep {
  client: string;
  /** `to` the server, `from` it, `lost` on the way, or about `both`. */
  direction: "to" | "from" | "lost" | "both";
  text: string;
}

/**
 * Turns events into the arrows of a sequence diagram. What concerns no call is left out. `all` is the history that they were taken
 * from: it tells whose call an answer belongs to, and the names of accounts.
 */
export function sequenceOf(events: readonly Event[], all: readonly Event[] = events): SequenceStep[] {
  const names = userNames(all.length > 0 ? all : events);
  const severalUrls = [...all, ...events].some(({ endpoint }) => endpoint > 0);
  const clients = new Map<bigint, string>();
  for (const { op, client, body: what } of [...all, ...events])
    if (what.case?.endsWith("Call")) clients.set(op, client);
  return events.flatMap((event): SequenceStep[] => {
    const text = describeEvent(event, names);
    switch (event.body.case) {
      case undefined:
      case "header":
      case "accountOpened":
      case "done":
        return [];
      case "sendCall":
      case "syncCall":
      case "watchCall":
        return [
          { client: event.client, direction: "to", text: severalUrls ? `${text} at URL ${event.endpoint + 1}` : text },
        ];
      case "rotateCall":
      case "revokeCall":
      case "restartCall":
        return [{ client: event.client, direction: "both", text }];
      default:
        return [
          { client: clients.get(event.op) ?? "", direction: event.body.case === "noResponse" ? "lost" : "from", text },
        ];
    }
  });
}

/** The clients that have a lifeline: those that call or are answered, in the order in which they come. */
export function lifelines(arrows: readonly SequenceStep[]): string[] {
  return [...new Set(arrows.flatMap(({ client, direction }) => (direction === "both" ? [] : [client])))];
}

/** Accounts go by the names of their clients, where those tell them. */
function userNames(events: readonly Event[]): (userId: string) => string {
  const names = new Map<string, string>();
  for (const { client, body: what } of events) {
    const owner = client.split("'", 1)[0] ?? "";
    if (owner === "" || owner === "suite") continue;
    if (what.case === "sendCall") names.set(what.value.senderId, owner);
    if (what.case === "syncCall" || what.case === "watchCall") names.set(what.value.userId, owner);
  }
  return (userId) => names.get(userId) ?? userId;
}
