import { gzipSync } from "node:zlib";
import { mediaType } from "../wire/connect.js";
import type { Case } from "./case.js";
import type { Context } from "./context.js";
import { hasShape } from "./errors-rows.js";
import { emptyOf } from "./http-calls.js";
import {
  answered,
  describeAnswer,
  METHOD,
  padded,
  type RawCall,
  rawCall,
  rawHead,
  recordAsPossible,
  sendOf,
  syncOf,
} from "./raw-calls.js";

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
    title: "calls with bodies as long as every server must take them are answered",
    requirements: ["HTTP-BODY-ROOM"],
    async run(t) {
      const { bob, alice } = t;
      const room = 65_536;
      const info = await rawCall(t, "HTTP-BODY-ROOM", {
        rpc: "GetServerInfo",
        body: padded(t, emptyOf(t.session.codec), room),
      });
      answered(t, "HTTP-BODY-ROOM", METHOD.GetServerInfo.output, info, `GetServerInfo with a body of ${room} bytes`);

      const { maxPayloadBytes } = t.info;
      const { send, ...call } = sendOf(t, alice, bob, { payload: Buffer.alloc(maxPayloadBytes, "m") });
      const most = room + Math.floor((maxPayloadBytes * 4) / 3);
      const sent = await rawCall(t, "HTTP-BODY-ROOM", { ...call, body: padded(t, call.body, most) });
      const { acceptedAt } = answered(
        t,
        "HTTP-BODY-ROOM",
        METHOD.Send.output,
        sent,
        `a Send with a body of ${most} bytes`,
      );

      const sync = syncOf(t, bob);
      const answer = await rawCall(t, "HTTP-BODY-ROOM", { ...sync, body: padded(t, sync.body, room) });
      const page = answered(t, "HTTP-BODY-ROOM", METHOD.Sync.output, answer, `a Sync with a body of ${room} bytes`);
      t.page(page, bob.base + 1, [{ ...send, acceptedAt }], "HTTP-BODY-ROOM", "a large Send did not arrive");
    },
  },
  {
    // § HTTP-ENCODING: A unary request with a `Content-Encoding` that the server does not know MUST be refused with
    // § `unimplemented`, and MUST NOT be carried out.
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
      "alice sends in gzip, and says gzip of what is none: the former is understood or refused, the latter refused",
    requirements: ["HTTP-ENCODING"],
    async run(t) {
      const { bob, alice } = t;
      const headers = { "content-encoding": "gzip" };
      await t.unchanged(bob, "HTTP-ENCODING", "a Send that says gzip and is plain", async () => {
        const answer = await rawCall(t, "HTTP-ENCODING", { ...sendOf(t, alice, bob), headers });
        if (answer.status === 200)
          t.fail("HTTP-ENCODING", "a Send that says gzip and is plain", "a refusal", "HTTP 200");
      });
      const { send, ...call } = sendOf(t, alice, bob, { payload: Buffer.from("in gzip") });
      const answer = await rawCall(t, "HTTP-ENCODING", { ...call, body: gzipSync(call.body), headers });
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
      const ahead = syncOf(t, bob, { cliSeq: 0xffff_ffff });
      for (const offer of [undefined, "identity", "gzip;q=0", "br", "deflate", "gzip"]) {
        const headers = offer === undefined ? {} : { "accept-encoding": offer };
        const answer = await rawCall(t, "HTTP-COMPRESSION", { ...syncOf(t, bob), headers });
        const refusal = await rawCall(t, "HTTP-COMPRESSION", { ...ahead, headers });
        for (const it of [answer, refusal]) {
          const used = it.headers["content-encoding"] ?? "identity";
          const fits = used === "identity" || used === offer;
          const expected = ["br", "deflate", "gzip"].includes(offer ?? "") ? `plain bytes or ${offer}` : "plain bytes";
          if (!fits)
            t.fail("HTTP-COMPRESSION", `an answer to a request that offers ${offer ?? "nothing"}`, expected, used);
        }
        t.equal(mediaType(refusal.headers["content-type"]), "application/json", "ERR-SHAPE", "the type of a refusal");
        if (answer.headers["content-encoding"] === "br" || answer.headers["content-encoding"] === "deflate") continue;
        const page = answered(
          t,
          "HTTP-COMPRESSION",
          METHOD.Sync.output,
          answer,
          `a Sync that offers ${offer ?? "nothing"}`,
        );
        t.page(page, bob.base + 1, sent.slice(0, page.messages.length), "HTTP-COMPRESSION", "the page is another");
      }
    },
  },
];

const chunksOf = (body: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(body.length / size) }, (_, n) => body.subarray(n * size, (n + 1) * size));

/** How a connection dies: in a body with a length, or in a chunked one; with a word, or without. */
const WAYS_TO_CUT = (["content-length", "chunked"] as const).flatMap((framing) =>
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
    framing === "chunked"
      ? ["transfer-encoding: chunked", `${body.length.toString(16)}\r\n`]
      : [`content-length: ${body.length + 9}`, ""];
  const bytes = Buffer.concat([Buffer.from(`${head}\r\n${line}\r\n\r\n${start}`), body]);
  // An answer is not owed. Once the server closes, it is done with the request.
  await t.session.transport.raw(endpoint, bytes, { afterwards: then, timeoutMs: t.deadline(1000) });
}
