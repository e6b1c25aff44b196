import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";

/** Minimum number of events to show: shorter evidence is shown with the preceding events. */
const MIN_EVENTS = 8;

/**
 * The events to show for a finding: its evidence, filled up to `MIN_EVENTS` with the latest events of the case's
 * history before it, because a response is rarely wrong by itself. Without evidence, the end of the history.
 */
export function evidenceOf({ evidence }: { readonly evidence: readonly Event[] }, history: readonly Event[]): Event[] {
  const calls = history.filter(({ body }) => body.case !== "header" && body.case !== "accountOpened");
  if (evidence.length === 0) return calls.slice(-MIN_EVENTS);
  if (evidence.length >= MIN_EVENTS) return [...evidence];
  const keys = new Set(evidence.map(keyOf));
  const last = calls.findLastIndex((event) => keys.has(keyOf(event)));
  if (last < 0) return [...evidence];
  // The evidence is kept, however far back it is; the remaining room is for the latest other events.
  let room = MIN_EVENTS - evidence.length;
  const before = calls.slice(0, last + 1).reverse();
  return before.filter((event) => keys.has(keyOf(event)) || room-- > 0).reverse();
}

/** Identifies an event: a finding holds copies of the events of the history. */
const keyOf = ({ op, atMicros, body }: Event) => `${op} ${atMicros} ${body.case}`;
