import { Profile } from "../../proto/gen/seqsync/v1/message_pb.js";
import { type GetServerInfoResponse, SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { interpret } from "../rpc/connect.js";
import { pathOf, request } from "../rpc/session.js";
import { Transport, type TransportOptions } from "../transport/http.js";
import type { HttpResponse } from "../transport/messages.js";
import { rawStatus } from "../transport/raw.js";
import { type Found, milliseconds, ok, problem, skipped, warning } from "./step.js";

const { getServerInfo } = SeqSyncService.method;
const PATH = pathOf(getServerInfo);

/** What the server says about itself. */
export function describeInfo(info: GetServerInfoResponse): Found {
  const { implementation, specVersion, profiles, maxPageSize, maxPayloadBytes, dedupWindow } = info;
  const name = implementation === "" ? "a server without a name" : implementation;
  const names = profiles.map((profile) => Profile[profile] ?? String(profile)).join(" ");
  const window = dedupWindow === undefined ? "none" : `${Number(dedupWindow.seconds) + dedupWindow.nanos / 1e9} s`;
  const limits = `pages to ${maxPageSize}, payloads to ${maxPayloadBytes} bytes, dedup window ${window}`;
  const text = `${name}, version ${specVersion || "(none)"}, ${names || "no profiles"}; ${limits}`;
  return profiles.includes(Profile.CORE) ? ok(text) : warning(text, "every server must declare CORE (INFO-CORE)");
}

/** One GetServerInfo, without retries. Undefined if there is no response. */
async function ask(transport: Transport, codec: "proto" | "json" = "proto"): Promise<HttpResponse | undefined> {
  const body = codec === "json" ? Buffer.from("{}") : new Uint8Array();
  const sent = await request(transport, { path: PATH, headers: { "content-type": `application/${codec}` }, body });
  return sent.kind === "response" ? sent.value : undefined;
}

/** Whether the JSON codec works, if the server declares it. */
export async function examineJson(transport: Transport, { profiles }: GetServerInfoResponse): Promise<Found> {
  if (!profiles.includes(Profile.JSON)) return skipped("the server does not declare the profile JSON");
  const response = await ask(transport, "json");
  if (response === undefined) return problem("no response to a call in JSON");
  const result = interpret("json", getServerInfo.output, response);
  if (result.kind === "response") return ok("GetServerInfo responds in JSON");
  return warning(`GetServerInfo in JSON does not respond with a message (HTTP ${response.status})`);
}

/** Which versions of HTTP the server speaks, and whether it keeps connections open and takes Expect: 100-continue. */
export async function examineHttp(options: TransportOptions, http2: boolean): Promise<Found> {
  const plain = new Transport({ ...options, http2: false });
  try {
    const response = await ask(plain);
    if (response?.status !== 200)
      return problem("HTTP/1.1 does not work", "serve HTTP/1.1 too: every Seq Sync server must (HTTP-PATH)");
    const versions = http2 ? "HTTP/1.1 and HTTP/2" : "HTTP/1.1";
    const { host } = plain.base();
    const path = plain.base().pathname.replace(/\/$/, "") + PATH;
    const own = Object.entries(plain.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    // The two bytes are an unknown field, which a server ignores.
    const expecting = `POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${own.join("")}Content-Type: application/proto\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n\x78\x01`;
    const status = rawStatus(await plain.raw(0, Buffer.from(expecting, "latin1"), { timeoutMs: 1500 }));
    if (status !== 200)
      return warning(
        `${versions}; a request with Expect: 100-continue gets ${status === 0 ? "no response" : `HTTP ${status}`}`,
        "curl and others send this header with larger bodies; let the server or the proxy accept it",
      );
    if (/\bclose\b/i.test(response.headers["connection"] ?? ""))
      return warning(
        `${versions}; each connection is closed after one response`,
        "a run is slower; let the server or the proxy keep connections open",
      );
    return ok(`${versions}, connections are kept open, Expect: 100-continue is accepted`);
  } finally {
    await plain.close();
  }
}

/** Calls one after the other, and calls at once, for the latency. */
const SEQUENTIAL = 10;
const CONCURRENT = 16;
/** Time for the sequential calls, in milliseconds. */
const SEQUENTIAL_MS = 1500;
/** A median latency above this needs --timeout-scale. */
const SLOW_MS = 300;
/** Difference of clocks that is worth a warning, in milliseconds: a Date header has whole seconds. */
const SKEW_MS = 5000;

/** Latency, rate limit and clock, from the same calls. */
export async function examineCalls(transport: Transport): Promise<{ latency: Found; rate: Found; clock: Found }> {
  const times: number[] = [];
  const responses: (HttpResponse | undefined)[] = [];
  const started = performance.now();
  let skew: number | undefined;
  while (times.length < SEQUENTIAL && performance.now() - started < SEQUENTIAL_MS) {
    const [before, clock] = [performance.now(), Date.now()];
    const response = await ask(transport);
    times.push(performance.now() - before);
    responses.push(response);
    const date = Date.parse(response?.headers["date"] ?? "");
    // The header has whole seconds, so that half a second is added.
    if (!Number.isNaN(date)) skew = date + 500 - (clock + (times.at(-1) ?? 0) / 2);
  }
  responses.push(...(await Promise.all(Array.from({ length: CONCURRENT }, () => ask(transport)))));
  return { latency: latencyOf(times), rate: rateOf(responses), clock: clockOf(skew) };
}

function latencyOf(times: readonly number[]): Found {
  const median = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  const text = `median ${milliseconds(median)} of ${times.length} calls`;
  if (median <= SLOW_MS) return ok(text);
  const scale = String(Math.min(Math.ceil(median / 100), 100));
  return warning(text, "use longer time limits", ["--timeout-scale", scale]);
}

function rateOf(responses: readonly (HttpResponse | undefined)[]): Found {
  const refused = responses.filter((it) => it !== undefined && [429, 502, 503, 504].includes(it.status)).length;
  const lost = responses.filter((it) => it === undefined).length;
  const names = new Set(
    responses.flatMap((it) => Object.keys(it?.headers ?? {})).filter((it) => /^(retry-after|(x-)?ratelimit)/i.test(it)),
  );
  const headers = names.size === 0 ? "" : ` (${[...names].join(", ")})`;
  if (refused === 0 && lost === 0 && names.size === 0) return ok(`no sign of one in ${responses.length} responses`);
  const text = `${refused} of ${responses.length} calls are to be retried${headers}${lost === 0 ? "" : `, ${lost} had no response`}`;
  return warning(text, "the suite retries; a limit of its own keeps a run quiet", ["--max-requests-per-second", "20"]);
}

function clockOf(skew: number | undefined): Found {
  if (skew === undefined) return skipped("the server sends no Date header");
  const seconds = Math.round(Math.abs(skew) / 1000);
  if (Math.abs(skew) < SKEW_MS) return ok("the clocks agree");
  return warning(
    `the server's clock is ${seconds} s ${skew > 0 ? "ahead of" : "behind"} this machine's`,
    "tokens and certificates may seem expired, and times in reports do not match; set the clocks",
  );
}
