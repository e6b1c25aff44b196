import { create } from "@bufbuild/protobuf";
import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { type Exchange, ExchangeSchema } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { ExchangeHandle, ExchangeListener } from "../transport/exchange-log.js";
import type { HttpRequest } from "../transport/messages.js";
import { redactedHeader, redactedRequest } from "./redact.js";

/** Maximum number of exchanges that are kept of a case: the last ones. */
const MAX_EXCHANGES = 400;
/** Maximum length of a body that is kept, in bytes. */
const MAX_BODY_BYTES = 4096;
/** Maximum size of all bodies that are kept of a case, in bytes. */
const MAX_TOTAL_BYTES = 1 << 20;
/** Maximum number of parts of a stream whose times are kept. */
const MAX_PARTS = 256;
/** Number of exchanges before the deciding one that a finding needs: they lead to the state that it is about. */
const BEFORE = 14;
/** Number of the last exchanges, which a case without a finding shows. */
const LAST = 6;
/** Number of findings whose exchanges go to a report. */
const MAX_FINDINGS = 4;

/** An account whose token may be sent. */
export interface KnownAccount {
  name: string;
  userId: string;
  token: string;
}

interface Entry extends ExchangeHandle {
  readonly request: HttpRequest;
  readonly written: Uint8Array | undefined;
  readonly sentAt: bigint;
  endedAt: bigint;
  status: number;
  headers: Readonly<Record<string, string>>;
  body: Uint8Array[];
  keptBytes: number;
  bodySize: number;
  parts: { atMicros: bigint; size: number }[];
  problem: string;
}

/** What a report needs to know of a finding, to keep its exchanges. */
interface NeedsExchanges {
  readonly exchange: number;
  readonly evidence: readonly Event[];
}

/** The exchanges of a case, within bounds. They are converted only if a report needs them. */
export class Exchanges implements ExchangeListener {
  readonly #kept: Entry[] = [];
  readonly #now: () => bigint;
  readonly #onEnd: ((exchange: Exchange) => void) | undefined;
  #accounts: readonly KnownAccount[] = [];
  #bytes = 0;
  #count = 0;
  #lastEnded = 0;

  /** `now` returns the time in microseconds; `onEnd` receives each exchange when it has ended. */
  constructor(now: () => bigint, onEnd?: (exchange: Exchange) => void) {
    this.#now = now;
    this.#onEnd = onEnd;
  }

  /** Number of the exchange that ended last; 0 if there is none. */
  get lastEnded(): number {
    return this.#lastEnded;
  }

  /** Number of the last exchange whose response had this body; undefined if none has. */
  endedWith(body: string): number | undefined {
    return this.#kept.findLast((entry) => entry.endedAt !== 0n && Buffer.concat(entry.body).toString("utf8") === body)
      ?.number;
  }

  /** Sets the accounts whose tokens the requests may contain. */
  setAccounts(accounts: readonly KnownAccount[]): void {
    this.#accounts = accounts;
  }

  begin(request: HttpRequest, written?: Uint8Array): ExchangeHandle {
    this.#count += 1;
    const entry: Entry = {
      number: this.#count,
      request,
      written,
      sentAt: this.#now(),
      endedAt: 0n,
      status: 0,
      headers: {},
      body: [],
      keptBytes: 0,
      bodySize: 0,
      parts: [],
      problem: "",
      head: (status, headers) => Object.assign(entry, { status, headers }),
      data: (body) => this.#addData(entry, body),
      end: (problem = "") => this.#end(entry, problem),
    };
    this.#kept.push(entry);
    this.#bytes += sizeOf(request.body);
    while (this.#kept.length > MAX_EXCHANGES || (this.#bytes > MAX_TOTAL_BYTES && this.#kept.length > LAST)) {
      const oldest = this.#kept.shift() as Entry;
      this.#bytes -= sizeOf(oldest.request.body) + oldest.keptBytes;
    }
    return entry;
  }

  #addData(entry: Entry, body: Uint8Array): void {
    const room = Math.min(MAX_BODY_BYTES - entry.keptBytes, body.length);
    // It is copied (the `slice` of a Buffer would not be), so that it does not keep a large body in memory.
    if (room > 0)
      entry.body.push(
        room === body.length && body.buffer.byteLength <= 65_536 ? body : Uint8Array.from(body.subarray(0, room)),
      );
    entry.keptBytes += room;
    this.#bytes += room;
    entry.bodySize += body.length;
    if (entry.parts.length < MAX_PARTS) entry.parts.push({ atMicros: this.#now(), size: body.length });
  }

  #end(entry: Entry, problem: string): void {
    if (entry.endedAt !== 0n) return;
    entry.endedAt = this.#now();
    entry.problem = problem;
    this.#lastEnded = entry.number;
    this.#onEnd?.(this.#toMessage(entry));
  }

  /** Returns the exchanges that these findings need, and the last ones, without credentials. */
  toMessages(findings: readonly NeedsExchanges[] = []): Exchange[] {
    const needed = new Set(this.#kept.slice(-LAST));
    for (const { exchange, evidence } of findings.slice(0, MAX_FINDINGS)) {
      const ops = new Set(evidence.map(({ op }) => op).filter((op) => op !== 0n));
      const own = this.#kept.filter(({ request, number }) => number === exchange || ops.has(request.caller?.op ?? 0n));
      const last = own.at(-1);
      if (last === undefined) continue;
      for (const entry of own.slice(-2 * BEFORE)) needed.add(entry);
      // A stream is still open when others make the calls that matter to it.
      const until =
        last.number === exchange ? last.endedAt || this.#now() : (evidence.at(-1)?.atMicros ?? last.endedAt);
      const before = this.#kept.filter(({ sentAt }) => sentAt <= until);
      for (const entry of before.slice(-BEFORE)) needed.add(entry);
    }
    return this.#kept.filter((entry) => needed.has(entry)).map((entry) => this.#toMessage(entry));
  }

  #toMessage(entry: Entry): Exchange {
    const { request, written, number, sentAt, endedAt, status, headers, bodySize, parts, problem } = entry;
    const { caller, method = "POST", path, endpoint = 0 } = request;
    const body = bodyOf(request.body);
    const sentHeaders = pairsOf(request.headers ?? {});
    const account = this.#accounts.find(({ token }) => sentHeaders.some(([, value]) => value.includes(token)));
    const isStream = headers["content-type"]?.startsWith("application/connect+") === true;
    return create(ExchangeSchema, {
      number,
      op: caller?.op ?? 0n,
      client: caller?.client ?? account?.name ?? "client",
      userId: account?.userId ?? "",
      endpoint,
      sentAtMicros: sentAt,
      endedAtMicros: endedAt,
      request: `${method} ${path}`,
      requestHeaders: sentHeaders.map((pair) => redactedHeader(pair, this.#accounts)),
      requestBody: body.slice(0, MAX_BODY_BYTES),
      requestSize: body.length,
      chunks: request.body === undefined || request.body instanceof Uint8Array ? 0 : request.body.length,
      written: written === undefined ? new Uint8Array() : redactedRequest(written, MAX_BODY_BYTES, this.#accounts),
      status,
      responseHeaders: pairsOf(headers).map((pair) => redactedHeader(pair, this.#accounts)),
      responseBody: Buffer.concat(entry.body),
      responseSize: bodySize,
      noResponse: problem,
      parts: isStream ? parts : [],
    });
  }
}

function sizeOf(body: HttpRequest["body"]): number {
  if (body === undefined) return 0;
  return body instanceof Uint8Array ? body.length : body.reduce((sum, chunk) => sum + chunk.length, 0);
}

function bodyOf(body: HttpRequest["body"]): Uint8Array {
  if (body === undefined) return new Uint8Array();
  return body instanceof Uint8Array ? body : Buffer.concat([...body]);
}

function pairsOf(headers: NonNullable<HttpRequest["headers"]>): [string, string][] {
  return Array.isArray(headers) ? (headers as [string, string][]) : Object.entries(headers);
}
