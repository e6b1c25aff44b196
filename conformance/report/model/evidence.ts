import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { CaseResult, Finding } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";

/** A proof of fewer events than these is shown with what led up to it. */
const ENOUGH = 8;

/**
 * The events that prove a finding. Where they are few, those just before them in the case's history come along: an answer is seldom
 * wrong without regard to what went before. Where there are none, the end of the history stands for them.
 */
export function evidenceOf({ evidence }: Finding, { history }: CaseResult): Event[] {
  const told = history.filter(({ body: what }) => what.case !== "header" && what.case !== "accountOpened");
  if (evidence.length === 0) return told.slice(-ENOUGH);
  if (evidence.length >= ENOUGH) return [...evidence];
  const proving = new Set(evidence.map(keyOf));
  const last = told.findLastIndex((event) => proving.has(keyOf(event)));
  if (last < 0) return [...evidence];
  // Those that prove it stay, however far back they are; the room that they leave goes to the latest others.
  let room = ENOUGH - evidence.length;
  const before = told.slice(0, last + 1).reverse();
  return before.filter((event) => proving.has(keyOf(event)) || room-- > 0).reverse();
}

/** An event of a finding is a copy of one in the history. */
const keyOf = ({ op, atMicros, body: what }: Event) => `${op} ${atMicros} ${what.case}`;
