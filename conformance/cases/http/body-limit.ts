import { gzipSync } from "node:zlib";
import { Inconclusive } from "../../findings.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import {
  asksForMore,
  describeAnswer,
  type RawAnswer,
  type RawCall,
  rawAttempt,
  sendOf,
  syncOf,
  varint,
} from "../../harness/raw-calls.js";
import { errorIn, isStream, rawWatch } from "../../harness/raw-watch.js";
import { emptyOf } from "./calls.js";

/** How far beyond twice `max_payload_bytes` the bound of a body may lie, in bytes. */
const FAR_BEYOND = 16 << 20;
/** How often a body that is too long is sent where the answer is no verdict on it. */
const TRIES = 6;

/** HTTP binding: bodies that no server may take. */
export const httpBodyLimit: readonly Case[] = [
  {
    // § HTTP-BODY-LIMIT: A server MUST have a bound on the body of a request, of at most 16 MiB more than twice
    // § `max_payload_bytes`, and MUST refuse a longer one, without carrying it out, with the code `invalid_argument` or
    // § with HTTP status 413.
    id: "http/body-limit",
    title:
      "GetServerInfo, alice's Send and bob's Sync are followed by 16 MiB of nothing, with and without a declared length; all are refused",
    requirements: ["HTTP-BODY-LIMIT", "ERR-UNCHANGED"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      await t.unchanged(bob, "HTTP-BODY-LIMIT", "a call with a body beyond all bounds", async () => {
        const info = { rpc: "GetServerInfo", body: emptyOf(t.session.codec) } as const;
        for (const call of [info, sendOf(t, alice, bob), syncOf(t, bob, { cliSeq: bob.base + 1 })]) {
          const body = farBeyond(t, call.body);
          const length = `${lengthOf(body)}`;
          for (const headers of [{}, { "content-length": length }]) {
            const answer = await answerWhileWriting(t, { ...call, body, headers });
            if (answer === "closed") continue;
            const { refusal, status } = answer;
            const fits = refusal === undefined ? [411, 413].includes(status) : refusal.code === "invalid_argument";
            const expected = "invalid_argument, or HTTP 413";
            if (!fits) t.fail("HTTP-BODY-LIMIT", `a ${call.rpc} of ${length} bytes`, expected, describeAnswer(answer));
          }
        }
      });
      await bob.device().sync({ cliSeq: bob.base + 1 });
    },
  },
  {
    id: "http/body-limit-unpacked",
    title: "alice's Send has 16 MiB of nothing in it and is packed in gzip, which makes it short; it is refused",
    requirements: ["HTTP-BODY-LIMIT", "ERR-UNCHANGED"],
    async run(t) {
      const { bob, alice } = t;
      const call = sendOf(t, alice, bob);
      const body = gzipSync(Buffer.concat(farBeyond(t, call.body)), { level: 1 });
      await t.unchanged(bob, "HTTP-BODY-LIMIT", "a Send that is beyond all bounds once unpacked", async () => {
        const answer = await answerWhileWriting(t, { ...call, body, headers: { "content-encoding": "gzip" } });
        if (answer === "closed") return;
        const { refusal, status } = answer;
        const fits =
          refusal === undefined ? status === 413 : ["invalid_argument", "unimplemented"].includes(refusal.code);
        const expected = "invalid_argument, HTTP 413, or unimplemented where gzip is not known";
        const what = `a Send of ${body.length} bytes in gzip, which are far more once unpacked`;
        if (!fits) t.fail("HTTP-BODY-LIMIT", what, expected, describeAnswer(answer));
      });
      await alice.send(bob);
    },
  },
  {
    id: "http/stream-body-limit",
    title: "the envelope of bob's Watch has 16 MiB of nothing in it; the Watch is refused",
    requirements: ["HTTP-BODY-LIMIT", "HTTP-STREAM"],
    async run(t) {
      const { bob } = t;
      const message = farBeyond(t, emptyOf(t.session.codec));
      const head = Buffer.alloc(5);
      head.writeUInt32BE(lengthOf(message), 1);
      const seen = await rawWatch(t, { token: bob.token, body: [head, ...message], until: "a frame" });
      // Who answers, or closes, while the client is still writing may leave it with nothing but that.
      if (seen.status === 413 || (seen.status === 0 && !isSilence(seen.why))) return;
      if (seen.status === 0) throw new Inconclusive(noVerdict(seen.why));
      const what = `a Watch of ${lengthOf(message)} bytes`;
      isStream(t, seen, what);
      const [first] = seen.envelopes;
      const code = first === undefined ? seen.why : (errorIn(first)?.code ?? "a frame");
      t.equal(code, "invalid_argument", "HTTP-BODY-LIMIT", what);
    },
  },
];

/** A body with so much that means nothing after it that every bound is passed. */
function farBeyond(t: Context, body: Uint8Array): Uint8Array[] {
  const size = FAR_BEYOND + 2 * t.info.maxPayloadBytes;
  const chunk = Buffer.alloc(1 << 20, " ");
  const filler = Array.from({ length: Math.ceil(size / chunk.length) }, () => chunk);
  if (t.session.codec === "json") return [body, ...filler];
  return [body, Buffer.concat([Buffer.from([0x7a]), varint(filler.length * chunk.length)]), ...filler];
}

const lengthOf = (chunks: readonly Uint8Array[]) => chunks.reduce((sum, { length }) => sum + length, 0);

/**
 * Makes a call that is refused while it is written: who closes then may leave the client with nothing but that. A server that is
 * busy says `resource_exhausted` now and then; if it says so of this body alone, every time, then it means the length.
 */
async function answerWhileWriting(t: Context, call: RawCall): Promise<RawAnswer | "closed"> {
  let why = "";
  for (let tries = 1, lost = 0, exhausted = 0; tries <= TRIES && lost < 3; tries += 1) {
    const answer = await rawAttempt(t, call);
    if ("lost" in answer) {
      why = answer.lost;
      lost += 1;
      if (!isSilence(why)) return "closed";
      continue;
    }
    const again = asksForMore(answer);
    if (again === undefined) return answer;
    why = again;
    if (answer.refusal?.code === "resource_exhausted") exhausted += 1;
    if (exhausted === TRIES) return answer;
    // Twice in a row, then something short, which has to get through: no limiter that only counts calls fits that each time.
    if (tries % 2 === 0) await t.bob.state();
  }
  throw new Inconclusive(noVerdict(why));
}

/** Whether nothing came at all, not even the end of the connection. */
const isSilence = (why: string) => why.startsWith("no answer within");

const noVerdict = (why: string) =>
  `a body beyond all bounds was answered neither with a refusal nor by closing: ${why}`;
