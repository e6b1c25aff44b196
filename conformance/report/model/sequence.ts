import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { CaseAccount } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { describeEvent, type NameOf } from "./describe.js";

/** A step of a sequence diagram: an arrow between a client and the server, or a note over both. */
export interface SequenceStep {
  /** Name of the client; "client" if the history does not have it. */
  client: string;
  /** `to` the server, `from` the server, a response that was `lost`, or a note over `both`. */
  direction: "to" | "from" | "lost" | "both";
  text: string;
  /** Whether the step is the request or the response that decided. */
  decisive?: boolean;
}

/** A step and its time, in microseconds. */
export interface TimedStep extends SequenceStep {
  at: bigint;
}

/**
 * Turns events into the steps of a sequence diagram; events that are no part of a call are left out. `history` is the
 * whole history that the events were taken from: it has the client of each response, and the names of the accounts.
 */
export function sequenceOf(events: readonly Event[], history: readonly Event[] = events): TimedStep[] {
  const name = namesOf([...history, ...events]);
  const severalUrls = [...history, ...events].some(({ endpoint }) => endpoint > 0);
  const callers = new Map<bigint, string>();
  // Only calls name their client.
  for (const { op, client } of [...history, ...events]) if (client !== "") callers.set(op, client);
  return events.flatMap((event): TimedStep[] => {
    const direction = directionOf(event);
    if (direction === undefined) return [];
    const text = describeEvent(event, name);
    const client = (callers.get(event.op) ?? event.client) || "client";
    const at = event.atMicros;
    return [{ client, direction, at, text: direction === "to" && severalUrls ? atUrl(text, event.endpoint) : text }];
  });
}

/** Adds the number of the URL to a request. */
export const atUrl = (text: string, endpoint: number) => `${text} at URL ${endpoint + 1}`;

function directionOf({ body }: Event): SequenceStep["direction"] | undefined {
  switch (body.case) {
    case undefined:
    case "header":
    case "accountOpened":
    case "done":
      return undefined;
    case "sendCall":
    case "syncCall":
    case "watchCall":
      return "to";
    case "rotateCall":
    case "revokeCall":
    case "stepClockCall":
    case "restartCall":
      return "both";
    case "noResponse":
      return "lost";
    default:
      return "from";
  }
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

/** The text of a step for a diagram: the response that decided has a mark. */
export const markedText = ({ text, direction, decisive }: SequenceStep) =>
  decisive && direction !== "to" ? `✗ ${text}` : text;

/** The clients that have a lifeline: those with an arrow, in the order of their first one. */
export function lifelines(steps: readonly SequenceStep[]): string[] {
  return [...new Set(steps.flatMap(({ client, direction }) => (direction === "both" ? [] : [client])))];
}

/**
 * Names each account as in its case; without the case, after its clients: "bob's phone" belongs to bob. An account
 * without a name keeps its user id.
 */
export function namesOf(events: readonly Event[], accounts: readonly CaseAccount[] = []): NameOf {
  const names = new Map(accounts.map(({ userId, name }) => [userId, name]));
  for (const { client, body } of events) {
    const owner = client.split("'", 1)[0] ?? "";
    if (owner === "" || owner === "suite") continue;
    const userId =
      body.case === "sendCall"
        ? body.value.senderId
        : body.case === "syncCall" || body.case === "watchCall"
          ? body.value.userId
          : undefined;
    if (userId !== undefined && !names.has(userId)) names.set(userId, owner);
  }
  return (userId) => names.get(userId) ?? userId;
}
