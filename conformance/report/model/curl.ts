import type { CaseAccount, Exchange, Finding } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { quoted } from "../../shell.js";
import { headerOf, requestLine, rpcOf } from "./decode.js";
import { accountLines, fixtureLine, stepClockLine } from "./shell-accounts.js";
import { shellBody, shellHeader, shellText, type Target, type Variables } from "./shell-text.js";
import { type Call, type Recorded, selectCalls } from "./timeline.js";

/** Maximum number of calls that are repeated. If a case made more, only those of the diagram are. */
const MAX_CALLS = 16;

/**
 * Lines for a POSIX shell that repeat the calls of a finding up to the deciding one, with the recorded bytes: the
 * accounts, then the calls in their order. Empty without recorded exchanges. They never contain a credential.
 */
export function curlLines(finding: Finding, recorded: Recorded, target: Target): string[] {
  const { deciding, chosen } = selectCalls(finding, recorded);
  const [url] = target.targets;
  if (deciding?.exchange === undefined || url === undefined) return [];
  const all = [...(recorded.exchanges ?? [])].filter(({ sentAtMicros }) => sentAtMicros <= deciding.start);
  const isWhole = all.length <= MAX_CALLS && all[0]?.number === 1 && all.length === all.at(-1)?.number;
  const calls = chosen.filter((call) => call.exchange !== undefined || call.isNote);
  const notes = calls.filter(({ isNote }) => isNote);
  const repeated: Call[] = isWhole
    ? [...all.map((exchange) => callOf(exchange)), ...notes].sort((a, b) => Number(a.start - b.start))
    : calls;
  const { accounts = [] } = recorded;
  const used = accounts.filter(({ userId }) => userId !== "" && repeated.some((call) => mentions(call, userId)));
  const epochs = neededEpochs(epochsOf(all, used), repeated);
  const variables: Variables = { accounts: used, epochs, rotations: new Map() };
  const lines = [...urlLines(target), ...accountLines(used, variables, target)];
  const first = repeated.find(({ exchange }) => exchange !== undefined)?.exchange?.number ?? 1;
  if (!isWhole && first > 1) lines.push(`# ${first - 1} earlier calls of the case are left out`);
  const isLast = (call: Call) => call === repeated.at(-1) || call.exchange?.number === deciding.exchange?.number;
  let previous = first - 1;
  for (const call of repeated) {
    const number = call.exchange?.number ?? previous;
    const left = Math.max(number - previous - 1, 0);
    if (left > 0) lines.push(`# ${left} ${left === 1 ? "call" : "calls"} of the case left out`);
    previous = Math.max(previous, number);
    if (isLast(call)) lines.push("# the call that shows the violation:");
    lines.push(...lineOf(call, variables, target));
    if (isLast(call)) break;
  }
  if (lines.some((line) => line.endsWith("&"))) lines.push("wait");
  if (notes.some(({ events }) => events.some(({ body }) => body.case === "stepClockCall")))
    lines.push("# the clock goes back to the true time:", stepClockLine(0, target));
  return lines;
}

const callOf = (exchange: Exchange): Call => ({
  op: exchange.op,
  exchange,
  events: [],
  start: exchange.sentAtMicros,
  end: exchange.endedAtMicros,
  isStream: rpcOf(exchange)?.methodKind === "server_streaming",
  isNote: false,
});

function urlLines({ targets }: Target): string[] {
  return targets.map((url, index) => `${variableOf(index)}=${quoted(url.replace(/\/$/, ""))}`);
}

const variableOf = (endpoint: number) => (endpoint === 0 ? "URL" : `URL${endpoint + 1}`);

function mentions({ exchange, events }: Call, userId: string): boolean {
  if (exchange === undefined)
    return events.some(
      ({ body }) => (body.case === "rotateCall" || body.case === "revokeCall") && body.value.userId === userId,
    );
  if (exchange.userId === userId) return true;
  return Buffer.from(exchange.requestBody).includes(Buffer.from(userId));
}

/** The epochs of each account that its responses showed, in the order of their appearance. */
function epochsOf(exchanges: readonly Exchange[], accounts: readonly CaseAccount[]): Map<string, string[]> {
  const epochs = new Map<string, string[]>();
  for (const { userId } of accounts) {
    const found = exchanges
      .filter((it) => it.userId === userId && rpcOf(it)?.name === "Sync" && it.status === 200)
      .flatMap((it) => epochIn(it) ?? []);
    epochs.set(userId, [...new Set(found)]);
  }
  return epochs;
}

/** The epochs of the accounts of which a call sends one. Each takes a Sync of its own, which the case did not make. */
function neededEpochs(epochs: Map<string, string[]>, calls: readonly Call[]): Map<string, string[]> {
  const sends = (epoch: string) =>
    calls.some(
      ({ exchange }) =>
        exchange !== undefined &&
        [exchange.requestBody, exchange.written, Buffer.from(exchange.request)].some((bytes) =>
          Buffer.from(bytes).includes(epoch),
        ),
    );
  return new Map([...epochs].map(([userId, own]) => [userId, own.some(sends) ? own : []]));
}

function epochIn({ responseBody, responseHeaders }: Exchange): string | undefined {
  if (headerOf(responseHeaders, "content-type") === "application/json")
    return /"epoch": *"([^"\\]+)"/.exec(Buffer.from(responseBody).toString("utf8"))?.[1];
  // Field 1 of a SyncResponse comes first in the bytes of nearly every encoder.
  if (responseBody[0] !== 0x0a) return undefined;
  return Buffer.from(responseBody.subarray(2, 2 + (responseBody[1] ?? 0))).toString("utf8") || undefined;
}

function lineOf(call: Call, variables: Variables, target: Target): string[] {
  const { exchange, events } = call;
  if (exchange === undefined) return fixtureLine(events[0], variables, target);
  if (exchange.requestSize > exchange.requestBody.length)
    return [
      `# ${exchange.request}: a body of ${exchange.requestSize} bytes, of which the report has only the first ${exchange.requestBody.length}`,
    ];
  if (isIrregular(exchange)) return [rawLine(exchange, variables, target)];
  const { method, path } = requestLine(exchange);
  const words = ["curl -sS -i", ...target.curlArguments];
  const isUnusual = method !== "POST" || exchange.chunks > 0 || exchange.written.length > 0;
  const base = target.targets[exchange.endpoint] ?? target.targets[0] ?? "";
  if (isUnusual && base.startsWith("https:")) words.push("--http1.1");
  if (method === "HEAD") words.push("-I");
  else if (method !== "POST" || exchange.requestSize === 0) words.push(`-X ${quoted(method)}`);
  if (call.isStream) words.push("-N -m 6");
  for (const header of exchange.requestHeaders) {
    const name = header.slice(0, header.indexOf(":")).toLowerCase();
    if (exchange.written.length > 0 && ["host", "connection", "content-length"].includes(name)) continue;
    words.push(`-H ${shellHeader(header, exchange.userId, variables)}`);
  }
  if (exchange.chunks > 0) words.push("-H 'Transfer-Encoding: chunked'");
  if (headerOf(exchange.requestHeaders, "content-type") === undefined && method === "POST")
    words.push("-H 'Content-Type:'");
  if (/[[\]{}]/.test(path)) words.push("-g");
  if (/\/\.\.?(\/|$)/.test(path)) words.push("--path-as-is");
  const body = exchange.requestSize === 0 && method !== "POST" ? undefined : shellBody(exchange, variables);
  if (body !== undefined) words.push(`--data-binary ${"text" in body ? body.text : "@-"}`);
  words.push(`"$${variableOf(exchange.endpoint)}"${path.replace(/^\//, "/") === "" ? "" : shellText(path, variables)}`);
  const piped = body !== undefined && "printf" in body ? `${body.printf} | ` : "";
  // A Watch stays open while the next calls are made.
  const end = call.isStream ? " | cat -v &" : isBinary(exchange) ? " | cat -v; echo" : "; echo";
  return [`${piped}${words.join(" ")}${end}`, ...(call.isStream ? ["sleep 1"] : [])];
}

const isBinary = ({ responseHeaders, responseBody }: Exchange) =>
  !headerOf(responseHeaders, "content-type")?.endsWith("json") && responseBody.length > 0;

/** Whether curl cannot send the request: its framing, or a line of its head, is not that of HTTP. */
function isIrregular({ written, requestHeaders, requestSize }: Exchange): boolean {
  if (written.length === 0) return false;
  const length = headerOf(requestHeaders, "content-length");
  const isChunked = headerOf(requestHeaders, "transfer-encoding") !== undefined;
  return (
    isChunked || length === undefined || Number(length) !== requestSize || !Buffer.from(written).includes("\r\n\r\n")
  );
}

/** Writes the bytes to a connection, by curl's telnet for a server without TLS, and closes it after a while. */
function rawLine(exchange: Exchange, variables: Variables, target: Target): string {
  const base = new URL(target.targets[exchange.endpoint] ?? target.targets[0] ?? "");
  const port = base.port || (base.protocol === "https:" ? "443" : "80");
  const at = `${base.hostname}:${port}`;
  const body = shellBody({ ...exchange, requestBody: exchange.written }, variables, true);
  const printf = "printf" in body ? body.printf : `printf %s ${body.text}`;
  const connection =
    base.protocol === "https:" ? `openssl s_client -quiet -connect ${at}` : `curl -s -m 2 telnet://${at}`;
  return `(${printf}; sleep 1) | ${connection}; echo`;
}
