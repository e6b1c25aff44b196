import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { describeEvent } from "./describe.js";

/** A step of a sequence diagram: an arrow between a client and the server, or a note over both. */
export interface Arrow {
  client: string;
  /** `to` the server, `from` it, `lost` on the way, or about `both`. */
  direction: "to" | "from" | "lost" | "both";
  text: string;
}

/** Turns events into the arrows of a sequence diagram. What concerns no call is left out. */
export function arrowsOf(events: readonly Event[]): Arrow[] {
  const names = userNames(events);
  const clients = new Map<bigint, string>();
  return events.flatMap((event): Arrow[] => {
    const text = describeEvent(event, names);
    switch (event.what.case) {
      case undefined:
      case "header":
      case "accountOpened":
        return [];
      case "sendCall":
      case "syncCall":
      case "watchCall":
        clients.set(event.op, event.client);
        return [{ client: event.client, direction: "to", text }];
      case "rotateCall":
      case "revokeCall":
      case "restartCall":
        clients.set(event.op, "");
        return [{ client: event.client, direction: "both", text }];
      case "done":
        return [];
      default:
        return [{ client: clients.get(event.op) ?? "", direction: event.what.case === "lost" ? "lost" : "from", text }];
    }
  });
}

/** Accounts go by the names of their clients, where those tell them. */
function userNames(events: readonly Event[]): (userId: string) => string {
  const names = new Map<string, string>();
  for (const { client, what } of events) {
    const owner = client.split("'", 1)[0] ?? "";
    if (owner === "" || owner === "suite") continue;
    if (what.case === "sendCall") names.set(what.value.senderId, owner);
    if (what.case === "syncCall" || what.case === "watchCall") names.set(what.value.userId, owner);
  }
  return (userId) => names.get(userId) ?? userId;
}

/** A sequence diagram as text: a column for the clients, one for the server, time going down. */
export function textDiagram(events: readonly Event[], width = 100): string[] {
  const arrows = arrowsOf(events);
  const left = Math.max(...arrows.map(({ client }) => client.length), 0);
  const inner = Math.max(width - left - 12, 24);
  const shorten = (text: string, room: number) => (text.length > room ? `${text.slice(0, room - 1)}…` : text);
  return arrows.map(({ client, direction, text }) => {
    const shown = shorten(text, inner - 5);
    const dashes = "─".repeat(Math.max(inner - shown.length - 3, 1));
    const line = {
      to: `│ ${shown} ${dashes}▶│ server`,
      from: `│◀${dashes} ${shown} │ server`,
      lost: `│ ✗${"╌".repeat(Math.max(inner - shown.length - 4, 1))} ${shown} │ server`,
      both: `│ ${shorten(`── ${text} `, inner - 2).padEnd(inner - 1, "─")}│ server`,
    }[direction];
    return `${client.padStart(left)} ${line}`;
  });
}
