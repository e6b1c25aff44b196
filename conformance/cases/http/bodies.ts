import { gzipSync } from "node:zlib";
import type { Sent } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import {
  answered,
  describeAnswer,
  isPackedAsOffered,
  METHOD,
  padded,
  type RawCall,
  type Rpc,
  rawCall,
  rawHead,
  recordAsPossible,
  sendOf,
  syncOf,
} from "../../harness/raw-calls.js";
import { mediaType } from "../../rpc/connect.js";
import { hasShape } from "../errors/rows.js";
import { emptyOf } from "./calls.js";

/** HTTP binding: bodies, how they come, how long they may be at least, and their compression. */
export const httpBodies: readonly Case[] = [
  {
    // § HTTP-CHUNKED: A server MUST accept, over HTTP/1.1, a body sent with `Transfer-Encoding: chunked` like the same
    // § body sent with `Content-Length`.
    id: "http/chunked",
    title: "alice sends and bob syncs with bodies in chunks of one byte, of a few, and of all",
    requirements: ["HTTP-CHUNKED"],
    async run(t) {
      const { bob, alice } = t;
      for (const size of [1, 7, 4096]) {
        const { send, ...call } = sendOf(t, alice, bob, { payload: Buffer.from(`in chunks of ${size}`) });
        const sent = await rawCall(t, "HTTP-CHUNKED", { ...call, body: chunksOf(call.body, size) });
        const { acceptedAt } = answered(
          t,
          "HTTP-CHUNKED",
          METHOD.Send.output,
          sent,
          `a Send in chunks of ${size} bytes`,
        );
        const { svrSeq, epoch } = await bob.state();
        const sync = syncOf(t, bob, { cliSeq: Math.max(svrSeq - 1, 0), epoch });
        const answer = await rawCall(t, "HTTP-CHUNKED", { ...sync, body: chunksOf(sync.body, size) });
        const page = answered(t, "HTTP-CHUNKED", METHOD.Sync.output, answer, `a Sync in chunks of ${size} bytes`);
        const what = `a Sync in chunks of ${size} bytes did not get the one message`;
        t.page(page, svrSeq, [{ ...send, acceptedAt }], "HTTP-CHUNKED", what);
      }
      const info = await rawCall(t, "HTTP-CHUNKED", { rpc: "GetServerInfo", body: [emptyOf(t.session.codec)] });
      answered(t, "HTTP-CHUNKED", METHOD.GetServerInfo.output, info, "GetServerInfo with a chunked body");
    },
  },
  {
    // § HTTP-CUT-REQUEST: A request whose body ends before its declared length, or before its last chunk, MUST have no
    // § effect.
    id: "http/send-cut-off",
    title:
      "alice's connection dies within the body of a Send, though what has come is a whole message; bob gets nothing",
    requirements: ["HTTP-CUT-REQUEST"],
    async run(t) {
      const { bob, alice } = t;
      for (const way of WAYS_TO_CUT) await cutOff(t, sendOf(t, alice, bob), way);
      const marker = await alice.send(bob, "marker");
      const page = await bob.device().sync();
      t.page(page, bob.base + 1, [marker], "HTTP-CUT-REQUEST", "a Send that was cut off in its body had an effect");
    },
  },
  {
    id: "http/sync-cut-off",
    title: "bob's connection dies within the body of a Sync, between cursor and epoch; nothing is acked",
    requirements: ["HTTP-CUT-REQUEST"],
    async run(t) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 3);
      for (const way of WAYS_TO_CUT) await cutOff(t, syncOf(t, bob, { cliSeq: bob.base + 2 }), way);
      sent.push(await alice.send(bob, "marker"));
      const page = await bob.device().sync();
      t.equal(page.ackedSeq, bob.base, "HTTP-CUT-REQUEST", "a Sync that was cut off in its body acked");
      t.page(page, bob.base + 1, sent, "HTTP-CUT-REQUEST", "after a Sync that was cut off, not all is pending");
    },
  },
  {
    // § HTTP-BODY-ROOM: A server MUST NOT refuse a request for the length of its body while that is at most 65,536
    // § bytes, for Send at most 65,536 bytes more than four thirds of `max_payload_bytes`, in any codec that it
    // § declares.
    id: "http/body-room",
    title: "calls with bodies as long as every server must take them are answered, with a length and in chunks",
    requirements: ["HTTP-BODY-ROOM", "HTTP-CHUNKED"],
    async run(t) {
      const { bob, alice } = t;
      const room = 65_536;
      const { maxPayloadBytes } = t.info;
      const most = room + Math.floor((maxPayloadBytes * 4) / 3);
      const { send, ...call } = sendOf(t, alice, bob, { payload: Buffer.alloc(maxPayloadBytes, "m") });
      let acceptedAt: Sent["acceptedAt"];
      for (const rule of ["HTTP-BODY-ROOM", "HTTP-CHUNKED"] as const) {
        const how = (body: Uint8Array, size: number) => {
          const long = padded(t, body, size);
          return rule === "HTTP-CHUNKED" ? chunksOf(long, 4096) : long;
        };
        const what = (rpc: Rpc, size: number) =>
          `a ${rpc} with a body of ${size} bytes${rule === "HTTP-CHUNKED" ? " in chunks" : ""}`;
        const info = { rpc: "GetServerInfo", body: how(emptyOf(t.session.codec), room) } as const;
        answered(t, rule, METHOD.GetServerInfo.output, await rawCall(t, rule, info), what(info.rpc, room));

        const sent = await rawCall(t, rule, { ...call, body: how(call.body, most) });
        ({ acceptedAt } = answered(t, rule, METHOD.Send.output, sent, what("Send", most)));

        const sync = syncOf(t, bob);
        const answer = await rawCall(t, rule, { ...sync, body: how(sync.body, room) });
        const page = answered(t, rule, METHOD.Sync.output, answer, what("Sync", room));
        t.page(page, bob.base + 1, [{ ...send, acceptedAt }], rule, "a large Send did not arrive");
      }
    },
  },
  {
    // § HTTP-ENCODING: A unary request with a `Content-Encoding`, or a Watch with a `Connect-Content-Encoding`, that
    // § the server does not know MUST be refused with `unimplemented`, and MUST NOT be carried out.
    id: "http/unknown-encoding",
    title: "alice's Send and bob's Sync with a Content-Encoding that nobody knows are refused; identity is none",
    requirements: ["HTTP-ENCODING"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const ack = syncOf(t, bob, { cliSeq: bob.base + 1 });
      await t.unchanged(bob, "HTTP-ENCODING", "a call with an unknown encoding", async () => {
        const headers = { "content-encoding": "x-seqsync-unknown" };
        for (const call of [
          sendOf(t, alice, bob),
          ack,
          { rpc: "GetServerInfo" as const, body: emptyOf(t.session.codec) },
        ]) {
          const answer = await rawCall(t, "HTTP-ENCODING", { ...call, headers });
          const actual = describeAnswer(answer);
          const isRefused = answer.refusal?.code === "unimplemented";
          if (!isRefused) t.fail("HTTP-ENCODING", `a ${call.rpc} with an unknown encoding`, "unimplemented", actual);
          hasShape(t, answer, `the refusal of a ${call.rpc} with an unknown encoding`);
        }
      });
      const answer = await rawCall(t, "HTTP-ENCODING", { ...ack, headers: { "content-encoding": "identity" } });
      const page = answered(t, "HTTP-ENCODING", METHOD.Sync.output, answer, "a Sync with Content-Encoding identity");
      t.equal(page.ackedSeq, bob.base + 1, "HTTP-ENCODING", "what a Sync with Content-Encoding identity acked");
    },
  },
  {
    id: "http/gzip-or-not",
    title:
      "alice sends in gzip, and says gzip, br and the like of what is plain: the former is understood or refused, the latter refused",
    requirements: ["HTTP-ENCODING", "HTTP-COMPRESSION"],
    async run(t) {
      const { bob, alice } = t;
      await t.unchanged(bob, "HTTP-ENCODING", "a Send that says how it is packed and is plain", async () => {
        for (const encoding of ["gzip", "deflate", "br", "zstd"]) {
          const headers = { "content-encoding": encoding };
          const answer = await rawCall(t, "HTTP-ENCODING", { ...sendOf(t, alice, bob), headers });
          if (answer.status === 200)
            t.fail("HTTP-ENCODING", `a Send that says ${encoding} and is plain`, "a refusal", "HTTP 200");
        }
      });
      const { send, ...call } = sendOf(t, alice, bob, { payload: Buffer.from("in gzip") });
      const headers = { "content-encoding": "gzip" };
      const answer = await rawCall(t, "HTTP-ENCODING", { ...call, body: gzipSync(call.body), headers });
      // Some libraries answer in kind.
      isPackedAsOffered(t, answer, [], "the answer to a Send in gzip that offers nothing");
      const taken = [];
      if (answer.status === 200) {
        const { acceptedAt } = answered(t, "HTTP-ENCODING", METHOD.Send.output, answer, "a Send in gzip");
        taken.push({ ...send, acceptedAt });
      } else if (answer.refusal?.code !== "unimplemented") {
        t.fail("HTTP-ENCODING", "a Send in gzip", "an answer, or unimplemented", describeAnswer(answer));
      }
      taken.push(await alice.send(bob, "marker"));
      t.page(await bob.device().sync(), bob.base + 1, taken, "HTTP-ENCODING", "bob did not get what was accepted");
    },
  },
  {
    // § HTTP-COMPRESSION: An answer MUST NOT be compressed in a way that the request did not offer, by
    // § `Accept-Encoding` in a unary call and by `Connect-Accept-Encoding` in a stream.
    id: "http/compression-only-if-offered",
    title: "bob's answers are compressed in no other way than he offers",
    requirements: ["HTTP-COMPRESSION"],
    async run(t) {
      const { bob, alice } = t;
      const text = "the same again and again, ".repeat(Math.min(150, Math.floor(t.info.maxPayloadBytes / 26)));
      const sent = [await alice.send(bob, text), await alice.send(bob, text)];
      const info = { rpc: "GetServerInfo", body: emptyOf(t.session.codec) } as const;
      const repeated = sendOf(t, alice, bob, { payload: Buffer.from(text) });
      sent.push({ ...repeated.send, acceptedAt: undefined });
      const ahead = syncOf(t, bob, { cliSeq: 0xffff_ffff });
      for (const [offer, offered] of OFFERS) {
        const headers = offer === undefined ? {} : { "accept-encoding": offer };
        const what = `a request that offers ${offer ?? "nothing"}`;
        for (const call of [info, repeated, ahead]) {
          const answer = await rawCall(t, "HTTP-COMPRESSION", { ...call, headers });
          isPackedAsOffered(t, answer, offered, `a ${call.rpc}'s answer to ${what}`);
          if (call !== ahead) continue;
          const type = mediaType(answer.headers["content-type"]);
          t.equal(type, "application/json", "ERR-SHAPE", `the type of a refusal of ${what}`);
        }
        const answer = await rawCall(t, "HTTP-COMPRESSION", { ...syncOf(t, bob), headers });
        isPackedAsOffered(t, answer, offered, `a Sync's answer to ${what}`);
        if (["br", "deflate"].includes(answer.headers["content-encoding"] ?? "")) continue;
        const page = answered(t, "HTTP-COMPRESSION", METHOD.Sync.output, answer, what);
        t.page(page, bob.base + 1, sent.slice(0, page.messages.length), "HTTP-COMPRESSION", "the page is another");
      }
    },
  },
];

/** What a request says of how its answer may be packed, and what that allows. */
const OFFERS: readonly (readonly [offer: string | undefined, allowed: readonly string[]])[] = [
  [undefined, []],
  ["identity", []],
  ["gzip;q=0", []],
  ["gzip; q=0.0", []],
  ["gzip;q=0, br", ["br"]],
  ["br", ["br"]],
  ["deflate", ["deflate"]],
  ["gzip", ["gzip"]],
];

const chunksOf = (body: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(body.length / size) }, (_, n) => body.subarray(n * size, (n + 1) * size));

/** How a connection dies: in a body with a length, within a chunk, or before the last one; with a word, or without. */
const WAYS_TO_CUT = (["content-length", "chunk", "chunks"] as const).flatMap((framing) =>
  (["end", "close"] as const).map((then) => ({ framing, then })),
);

/** Sends a call whose body announces more than comes. What does come is a whole message in itself. */
async function cutOff(
  t: Context,
  call: RawCall & { body: Uint8Array },
  { framing, then }: (typeof WAYS_TO_CUT)[number],
): Promise<void> {
  const { head, endpoint } = rawHead(t, call);
  recordAsPossible(t, call, endpoint);
  const { body } = call;
  const [line, start] =
    framing === "content-length"
      ? [`content-length: ${body.length + 9}`, ""]
      : ["transfer-encoding: chunked", `${body.length.toString(16)}\r\n`];
  const end = framing === "chunks" ? "\r\n" : "";
  const bytes = Buffer.concat([Buffer.from(`${head}\r\n${line}\r\n\r\n${start}`), body, Buffer.from(end)]);
  // An answer is not owed. Once the server closes, it is done with the request.
  await t.session.transport.raw(endpoint, bytes, { afterwards: then, timeoutMs: t.deadline(1000) });
}
