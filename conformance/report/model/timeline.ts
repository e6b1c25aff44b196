import type { Event } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type {
  CaseAccount,
  CaseResult,
  Exchange,
  Finding,
} from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { headerOf, rpcOf } from "./decode.js";
import { groupBy } from "./group-by.js";
import { isOutcome, responseText, streamParts } from "./received.js";
import { requestText } from "./sent.js";
import { atUrl, namesOf, type SequenceStep, sequenceOf, type TimedStep } from "./sequence.js";

/** What a case recorded. */
export type Recorded = Partial<Pick<CaseResult, "history" | "exchanges" | "accounts">>;

/** A finding, as far as its diagram is concerned. */
export type Shown = Pick<Finding, "evidence" | "exchange" | "requirement" | "expected">;

/** One call, or one action of the suite, with its steps. */
export interface Call {
  op: bigint;
  /** The exchange; undefined if only the history has the call. */
  exchange?: Exchange;
  /** The events of the history; empty if it has none. */
  events: readonly Event[];
  start: bigint;
  /** When the response arrived. */
  end: bigint;
  isStream: boolean;
  /** Whether the suite acted, such as by a fixture call. */
  isNote: boolean;
}

/** The calls that show a violation, in the order of their starts. */
export interface Selection {
  /** The call whose response shows the violation; undefined if it is not known. */
  deciding: Call | undefined;
  chosen: Call[];
  /** Number of calls that were left out directly before each chosen one. */
  omitted: Map<Call, number>;
  /** Steps after this time are not shown. */
  cutoff: bigint;
}

/** Minimum number of calls to show: a response is rarely wrong by itself. */
const MIN_CALLS = 6;
/** Maximum number of calls of the evidence that are shown: the last ones. */
const MAX_CALLS = 12;
/** Maximum number of frames of a stream that are shown at its end. */
const MAX_FRAMES = 4;

const FOREVER = 1n << 62n;

/** Selects the calls that show a violation. */
export function selectCalls(finding: Shown, recorded: Recorded): Selection {
  const all = callsOf(recorded, finding.evidence);
  const last = finding.evidence.at(-1);
  const deciding =
    all.find(({ exchange }) => exchange !== undefined && exchange.number === finding.exchange) ??
    (last === undefined ? all.at(-1) : all.findLast(({ op }) => op === last.op && op !== 0n));
  if (deciding === undefined) return { deciding, chosen: [], omitted: new Map(), cutoff: FOREVER };
  // A case that decides about a stream has seen all of it.
  const byCase = finding.exchange > 0;
  const cutoff = deciding.isStream ? (byCase || last === undefined ? FOREVER : last.atMicros) : deciding.end;

  const before = all.filter((call) => call === deciding || (call.start < cutoff && call.start <= deciding.end));
  const ops = new Set(finding.evidence.map(({ op }) => op));
  const chosen = new Set([deciding]);
  for (const call of before.filter(({ op }) => op !== 0n && ops.has(op)).slice(-MAX_CALLS)) chosen.add(call);
  const isAboutWatch = finding.requirement.startsWith("WATCH");
  for (const call of before.filter((it) => it.isNote || (isAboutWatch && it.isStream)).slice(-4)) chosen.add(call);
  for (const call of before.toReversed()) if (chosen.size < MIN_CALLS) chosen.add(call);
  return { deciding, chosen: before.filter((call) => chosen.has(call)), omitted: omittedIn(before, chosen), cutoff };
}

/** The steps of a diagram of a violation. The decisive ones are marked; notes say how many calls were left out. */
export function timelineOf(finding: Shown, recorded: Recorded): SequenceStep[] {
  const { history = [], exchanges = [], accounts = [] } = recorded;
  const { deciding, chosen, omitted, cutoff } = selectCalls(finding, recorded);
  const context = {
    history: history.length > 0 ? history : finding.evidence,
    accounts,
    requirement: finding.requirement,
    severalUrls: [...exchanges, ...history, ...finding.evidence].some(({ endpoint }) => endpoint > 0),
    severalCodecs: new Set(chosen.map(codecNameOf).filter((codec) => codec !== undefined)).size > 1,
  };
  const missing = missingFrame(finding);
  const steps = chosen.flatMap((call): TimedStep[] => {
    const count = omitted.get(call) ?? 0;
    const own = stepsOf(call, context).filter(({ at }) => at <= cutoff || (call.isStream && finding.exchange > 0));
    labelResponse(own, call, chosen);
    if (call === deciding && missing === undefined)
      for (const step of [own[0], own.at(-1)]) if (step !== undefined) step.decisive = true;
    if (count === 0) return own;
    const text = `${count} ${call === chosen[0] ? "earlier " : ""}${count === 1 ? "call" : "calls"}${call === chosen[0] ? "" : " left out"}`;
    return [{ client: "", direction: "both", text, at: call.start }, ...own];
  });
  steps.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  return missing === undefined || steps.length === 0 ? steps : [...steps, missing];
}

/** A note about the frame that did not arrive, if its absence is the violation: no step shows it. */
function missingFrame({ requirement, expected }: Shown): SequenceStep | undefined {
  const [, limit] = (requirement.startsWith("WATCH") && /frame.* (within [\d.]+ m?s)$/.exec(expected)) || [];
  if (limit === undefined) return undefined;
  return { client: "", direction: "both", text: `no such frame ${limit}`, decisive: true };
}

/** Names the request in its response if the client made other calls at the same time. */
function labelResponse(steps: TimedStep[], call: Call, calls: readonly Call[]): void {
  const [request, response] = steps;
  if (steps.length !== 2 || request === undefined || response?.direction === "to" || response === undefined) return;
  const isConcurrent = calls.some(
    (other) =>
      other !== call &&
      !other.isStream &&
      other.exchange !== undefined &&
      other.exchange.client === request.client &&
      other.start <= call.end &&
      other.end >= call.start,
  );
  if (!isConcurrent || call.isStream) return;
  const [, rpc, id] = /^(\w+)(?: to .*?, id (\S+?),)?/.exec(request.text) ?? [];
  response.text = `to ${[rpc, id].filter((it) => it !== undefined).join(" ")}: ${response.text}`;
}

/** The actions of the suite: they are notes beside the calls. */
const NOTES: readonly Event["body"]["case"][] = ["rotateCall", "revokeCall", "stepClockCall", "restartCall"];

/** All calls of a case that are known: each exchange, and each operation of the history without one. */
function callsOf({ history = [], exchanges = [] }: Recorded, evidence: readonly Event[]): Call[] {
  // The history of a report holds the last events only; the evidence may be older.
  const events = new Map([...evidence, ...history].filter(({ op }) => op !== 0n).map((it) => [keyOf(it), it]));
  const byOp = groupBy(
    [...events.values()].sort((a, b) => Number(a.atMicros - b.atMicros)),
    ({ op }) => op,
  );
  const linked = new Set(exchanges.map(({ op }) => op));
  const calls = exchanges.map((exchange): Call => {
    const { op, sentAtMicros: start, endedAtMicros } = exchange;
    const end = endedAtMicros === 0n ? FOREVER : endedAtMicros;
    const isStream = rpcOf(exchange)?.methodKind === "server_streaming";
    return { op, exchange, events: byOp.get(op) ?? [], start, end, isStream, isNote: false };
  });
  for (const [op, own] of byOp) {
    const [first] = own;
    if (linked.has(op) || first === undefined) continue;
    const isStream = own.some(({ body }) => body.case === "watchCall" || body.case === "watchFrame");
    const isNote = own.some(({ body: { case: kind } }) => kind !== undefined && NOTES.includes(kind));
    const end = own.at(-1)?.atMicros ?? first.atMicros;
    calls.push({ op, events: own, start: first.atMicros, end, isStream, isNote });
  }
  return calls.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0));
}

/**
 * Counts the calls that were left out before each chosen one. The numbers of the exchanges count them; calls of which
 * only the history knows are among the missing numbers, and count by themselves only until the next exchange.
 */
function omittedIn(calls: readonly Call[], chosen: ReadonlySet<Call>): Map<Call, number> {
  const omitted = new Map<Call, number>();
  let number = 0;
  let count = 0;
  let withoutExchange = 0;
  for (const call of calls) {
    if (call.exchange === undefined) withoutExchange += call.isNote ? 0 : 1;
    else if (call.exchange.number > number) {
      count += Math.max(call.exchange.number - number - 1 - withoutExchange, 0);
      number = call.exchange.number;
      withoutExchange = 0;
    }
    if (!chosen.has(call)) count += call.isNote ? 0 : 1;
    else {
      omitted.set(call, count);
      count = 0;
    }
  }
  return omitted;
}

interface StepContext {
  history: readonly Event[];
  accounts: readonly CaseAccount[];
  requirement: string;
  severalUrls: boolean;
  severalCodecs: boolean;
}

function stepsOf(call: Call, context: StepContext): TimedStep[] {
  const { exchange, events } = call;
  const { history, accounts, requirement, severalUrls, severalCodecs } = context;
  if (exchange === undefined) return sequenceOf(events, history);
  const name = namesOf(history, accounts);
  const { client, sentAtMicros, endedAtMicros, status, endpoint } = exchange;
  const sent = requestText(exchange, { name, event: events.find((event) => !isOutcome(event)) });
  const codec = severalCodecs ? codecNameOf(call) : undefined;
  const text = codec === undefined ? sent : `${sent}, in ${codec}`;
  const request: TimedStep = {
    client,
    direction: "to",
    at: sentAtMicros,
    text: severalUrls ? atUrl(text, endpoint) : text,
  };
  const isStream = /^application\/connect\+/.test(headerOf(exchange.responseHeaders, "content-type") ?? "");
  if (status === 200 && isStream) {
    const frames = streamParts(exchange).map((part): TimedStep => ({ client, direction: "from", ...part }));
    const open: TimedStep = {
      client,
      direction: "from",
      at: endedAtMicros || sentAtMicros,
      text: "HTTP 200, a stream without a frame",
    };
    return [request, ...(frames.length === 0 ? [open] : shortened(frames))];
  }
  if (status === 0 && endedAtMicros === 0n) return [request];
  const received = responseText(exchange, { name, requirement, event: events.find(isOutcome) });
  return [request, { client, direction: status === 0 ? "lost" : "from", at: endedAtMicros, text: received }];
}

/** The first frame of a stream, and the last ones. */
function shortened(frames: TimedStep[]): TimedStep[] {
  const left = frames.length - 1 - MAX_FRAMES;
  const [first] = frames;
  if (left <= 1 || first === undefined) return frames;
  const last = frames.slice(-MAX_FRAMES);
  return [first, { ...first, text: `${left} more frames`, at: last[0]?.at ?? first.at }, ...last];
}

/** The name of the codec of a request; undefined if it has another content type, or only the history has the call. */
function codecNameOf({ exchange }: Call): string | undefined {
  const type = exchange && headerOf(exchange.requestHeaders, "content-type");
  if (type === undefined) return undefined;
  return type.endsWith("json") ? "JSON" : type.endsWith("proto") ? "protobuf" : undefined;
}

/** Identifies an event: a finding holds copies of the events of the history. */
const keyOf = ({ op, atMicros, body }: Event) => `${op} ${atMicros} ${body.case}`;
