import { gzipSync } from "node:zlib";
import { ReasonCode } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Inconclusive } from "../../findings.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import {
  describeResponse,
  emptyBody,
  type RawCall,
  type RawResponse,
  rawAttempt,
  sendOf,
  syncOf,
  varint,
} from "../../harness/raw-calls.js";
import { errorOf, expectStream, rawWatch } from "../../harness/raw-watch.js";

/** A server may limit bodies to at most twice `max_payload_bytes` plus this margin, in bytes. */
const MARGIN = 16 << 20;
/** Number of responses with `resource_exhausted` to an overlong body that count as a refusal of its length. */
const EXHAUSTED = 6;
/** Maximum number of attempts to send an overlong body. The first conclusive response ends them. */
const MAX_ATTEMPTS = 18;

/** HTTP binding: bodies above the highest allowed limit. */
export const httpBodyLimit: readonly Case[] = [
  {
    // § HTTP-BODY-LIMIT: A server MUST have a bound on the body of a request, of at most 16 MiB more than twice
    // § `max_payload_bytes`, and MUST refuse a longer one, without carrying it out, with the code `invalid_argument` or
    // § with HTTP status 413.
    id: "http/body-limit",
    title: "Unary calls with 16 MiB of padding, with and without Content-Length, are refused and change nothing",
    requirements: ["HTTP-BODY-LIMIT", "ERR-UNCHANGED"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      await t.unchanged(bob, "HTTP-BODY-LIMIT", "a call with a body above the limit", async () => {
        const info = { rpc: "GetServerInfo", body: emptyBody(t.session.codec) } as const;
        for (const call of [info, sendOf(t, alice, bob), syncOf(t, bob, { cliSeq: bob.base + 1 })]) {
          const body = overlong(t, call.body);
          const length = `${lengthOf(body)}`;
          for (const headers of [{}, { "content-length": length }]) {
            const response = await callWithOverlongBody(t, { ...call, body, headers });
            if (response === "closed") continue;
            const { refusal, status } = response;
            const fits = refusal === undefined ? [411, 413].includes(status) : refusal.code === "invalid_argument";
            const expected = "a refusal with invalid_argument, or HTTP 411 or 413";
            if (!fits)
              t.fail(
                "HTTP-BODY-LIMIT",
                `a ${call.rpc} of ${length} bytes was not refused`,
                expected,
                describeResponse(response),
              );
          }
        }
      });
      await bob.device().sync({ cliSeq: bob.base + 1 });
    },
  },
  {
    id: "http/body-limit-unpacked",
    title: "A Send in gzip whose decompressed body exceeds the limit is refused and changes nothing",
    requirements: ["HTTP-BODY-LIMIT", "ERR-UNCHANGED"],
    async run(t) {
      const { bob, alice } = t;
      const call = sendOf(t, alice, bob);
      const body = gzipSync(Buffer.concat(overlong(t, call.body)), { level: 1 });
      await t.unchanged(bob, "HTTP-BODY-LIMIT", "a Send with a decompressed body above the limit", async () => {
        const response = await callWithOverlongBody(t, { ...call, body, headers: { "content-encoding": "gzip" } });
        if (response === "closed") return;
        const { refusal, status } = response;
        const fits =
          refusal === undefined ? status === 413 : ["invalid_argument", "unimplemented"].includes(refusal.code);
        const expected =
          "a refusal with invalid_argument, or with unimplemented where gzip is not supported; or HTTP 413";
        const what = "a Send in gzip whose decompressed body exceeds the limit was not refused";
        if (!fits) t.fail("HTTP-BODY-LIMIT", what, expected, describeResponse(response));
      });
      await alice.send(bob);
    },
  },
  {
    id: "http/stream-body-limit",
    title: "A Watch whose envelope holds 16 MiB of padding is refused",
    requirements: ["HTTP-BODY-LIMIT", "HTTP-STREAM"],
    async run(t) {
      const { bob } = t;
      const message = overlong(t, emptyBody(t.session.codec));
      const head = Buffer.alloc(5);
      head.writeUInt32BE(lengthOf(message), 1);
      const seen = await rawWatch(t, { token: bob.token, body: [head, ...message], until: "a frame", mayClose: true });
      // If a server responds or closes while the client still writes, the client may receive no response.
      if (seen.status === 413 || (seen.status === 0 && !seen.timedOut)) return;
      if (seen.status === 0) throw new Inconclusive(inconclusiveMessage(seen.why), ReasonCode.INDETERMINATE);
      const what = `a Watch of ${lengthOf(message)} bytes`;
      expectStream(t, seen, what);
      const [first] = seen.envelopes;
      const code = first === undefined ? seen.why : (errorOf(first)?.code ?? "a frame");
      t.equal(
        { code },
        { code: "invalid_argument" },
        "HTTP-BODY-LIMIT",
        `${what} was not refused with invalid_argument`,
      );
    },
  },
];

/** Appends padding to a body, so that it exceeds every allowed limit. */
function overlong(t: Context, body: Uint8Array): Uint8Array[] {
  const size = MARGIN + 2 * t.maxPayloadBytes;
  const chunk = Buffer.alloc(1 << 20, " ");
  const filler = Array.from({ length: Math.ceil(size / chunk.length) }, () => chunk);
  if (t.session.codec === "json") return [body, ...filler];
  return [body, Buffer.concat([Buffer.from([0x7a]), varint(filler.length * chunk.length)]), ...filler];
}

const lengthOf = (chunks: readonly Uint8Array[]) => chunks.reduce((sum, { length }) => sum + length, 0);

/**
 * Makes a call that the server may refuse before it has read the whole body. If the server then closes the connection,
 * the client may receive no response. A busy server sometimes responds `resource_exhausted`. If a server returns it
 * again and again with this body, but not for short calls, it is a refusal of the body's length: closed connections in
 * between are then lost responses, so that more of them in a row are needed to count as a refusal.
 */
async function callWithOverlongBody(
  t: Context,
  call: RawCall,
): Promise<Pick<RawResponse, "status" | "refusal"> | "closed"> {
  let why = "";
  for (let tries = 1, lost = 0, exhausted = 0, closed = 0; tries <= MAX_ATTEMPTS && lost < 3; tries += 1) {
    const result = await rawAttempt(t, call);
    if (result.kind === "response") return result.value;
    why = result.why;
    if (result.kind === "no-response") {
      if (result.timedOut) lost += 1;
      else closed += 1;
      if (closed === (exhausted === 0 ? 2 : 4)) return "closed";
      continue;
    }
    const { refusal } = result;
    if (refusal?.code === "resource_exhausted") {
      exhausted += 1;
      closed = 0;
    }
    if (refusal !== undefined && exhausted === EXHAUSTED) return { status: refusal.status, refusal };
    // A short call after every two attempts has to succeed: a rate limiter would refuse short calls too.
    if (tries % 2 === 0) await t.bob.state();
  }
  throw new Inconclusive(inconclusiveMessage(why), ReasonCode.INDETERMINATE);
}

const inconclusiveMessage = (why: string) =>
  `a body above the limit led neither to a refusal nor to a closed connection: ${why}`;
