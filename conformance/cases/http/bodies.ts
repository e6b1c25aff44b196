import type { SentMessage } from "../../harness/account.js";
import type { Case } from "../../harness/case.js";
import type { Context } from "../../harness/context.js";
import {
  callOnOwnConnection,
  emptyBody,
  expectResponse,
  type Framing,
  METHOD,
  padded,
  type RawCall,
  type Rpc,
  rawCall,
  rawHead,
  recordIndeterminate,
  sendOf,
  syncOf,
} from "../../harness/raw-calls.js";

/** HTTP binding: framing of bodies, truncated bodies, and the length that must be accepted. */
export const httpBodies: readonly Case[] = [
  {
    // § HTTP-CHUNKED: A server MUST accept, over HTTP/1.1, a body sent with `Transfer-Encoding: chunked` like the same
    // § body sent with `Content-Length`.
    id: "http/chunked",
    title: "Each unary call is accepted with a chunked body, whatever the size of the chunks",
    requirements: ["HTTP-CHUNKED"],
    async run(t) {
      const { bob, alice } = t;
      for (const size of [1, 7, 4096]) {
        const chunks = `chunks of ${size} ${size === 1 ? "byte" : "bytes"}`;
        const { send, ...call } = sendOf(t, alice, bob, { payload: Buffer.from(`in chunks of ${size}`) });
        const sent = await rawCall(t, "HTTP-CHUNKED", { ...call, body: chunksOf(call.body, size) });
        const { acceptedAt } = expectResponse(t, "HTTP-CHUNKED", METHOD.Send.output, sent, `a Send in ${chunks}`);
        const { svrSeq, epoch } = await bob.state();
        const sync = syncOf(t, bob, { cliSeq: Math.max(svrSeq - 1, 0), epoch });
        const response = await rawCall(t, "HTTP-CHUNKED", { ...sync, body: chunksOf(sync.body, size) });
        const page = expectResponse(t, "HTTP-CHUNKED", METHOD.Sync.output, response, `a Sync in ${chunks}`);
        const what = `a Sync in ${chunks} did not return the pending message`;
        t.page(page, svrSeq, [{ ...send, acceptedAt }], "HTTP-CHUNKED", what);
      }
      const info = await rawCall(t, "HTTP-CHUNKED", { rpc: "GetServerInfo", body: [emptyBody(t.session.codec)] });
      expectResponse(t, "HTTP-CHUNKED", METHOD.GetServerInfo.output, info, "GetServerInfo with a chunked body");
    },
  },
  {
    id: "http/chunks-of-all-forms",
    title: "Chunked bodies with extensions, trailers, and sizes and names in other forms are accepted",
    requirements: ["HTTP-CHUNKED"],
    async run(t: Context) {
      const { bob, alice } = t;
      const phone = bob.device();
      for (const { about, frame } of CHUNKED_FORMS) {
        const { send, ...call } = sendOf(t, alice, bob, { payload: t.filler(about) });
        const status = await callOnOwnConnection(t, "HTTP-CHUNKED", call, [], frame);
        const refused = `a Send with a chunked body with ${about} was refused`;
        t.that(status === 200, "HTTP-CHUNKED", refused, "HTTP 200", `HTTP ${status}`);
        const ids = (await phone.drain()).map(({ clientMessageId }) => clientMessageId);
        const violation = `the message of a Send with a chunked body with ${about} was not delivered`;
        t.equal({ ids }, { ids: [send.clientMessageId] }, "HTTP-CHUNKED", violation);
      }
    },
  },
  {
    // § HTTP-CUT-REQUEST: A request whose body ends before its declared length, or before its last chunk, MUST have no
    // § effect.
    id: "http/send-cut-off",
    title: "A Send whose connection ends within the body has no effect, even if the received part decodes",
    requirements: ["HTTP-CUT-REQUEST"],
    async run(t) {
      const { bob, alice } = t;
      for (const truncation of TRUNCATIONS) await sendTruncated(t, sendOf(t, alice, bob), truncation);
      const marker = await alice.send(bob, "marker");
      const page = await bob.device().sync();
      const violation = "after a truncated Send the inbox does not hold exactly the one accepted message";
      t.page(page, bob.base + 1, [marker], "HTTP-CUT-REQUEST", violation);
    },
  },
  {
    id: "http/sync-cut-off",
    title: "A Sync whose connection ends within the body acks nothing, even if the received part decodes",
    requirements: ["HTTP-CUT-REQUEST"],
    async run(t) {
      const { bob, alice } = t;
      const sent = await alice.sendMany(bob, 3);
      for (const truncation of TRUNCATIONS)
        await sendTruncated(t, syncOf(t, bob, { cliSeq: bob.base + 2 }), truncation);
      sent.push(await alice.send(bob, "marker"));
      const page = await bob.device().sync();
      t.fields(page, { ackedSeq: bob.base }, "HTTP-CUT-REQUEST", "a truncated Sync acknowledged messages");
      const violation = "after a truncated Sync a page does not begin with the unacknowledged messages";
      t.page(page, bob.base + 1, sent, "HTTP-CUT-REQUEST", violation);
    },
  },
  {
    // § HTTP-BODY-ROOM: A server MUST NOT refuse a request because of the length of its body if the length is at most
    // § 65,536 bytes, or, for Send, at most 65,536 bytes more than four thirds of `max_payload_bytes`, in any codec
    // § that it declares.
    id: "http/body-room",
    title: "Bodies of the length that every server must accept are accepted with Content-Length and in chunks",
    requirements: ["HTTP-BODY-ROOM", "HTTP-CHUNKED"],
    async run(t) {
      const { bob, alice } = t;
      const room = 65_536;
      const { maxPayloadBytes } = t;
      const longest = room + Math.floor((maxPayloadBytes * 4) / 3);
      const { send, ...call } = sendOf(t, alice, bob, { payload: Buffer.alloc(maxPayloadBytes, "m") });
      let acceptedAt: SentMessage["acceptedAt"];
      for (const rule of ["HTTP-BODY-ROOM", "HTTP-CHUNKED"] as const) {
        const framed = (body: Uint8Array, size: number) => {
          const long = padded(t, body, size);
          return rule === "HTTP-CHUNKED" ? chunksOf(long, 4096) : long;
        };
        const what = (rpc: Rpc, size: number) =>
          `a ${rpc} with a body of ${size} bytes${rule === "HTTP-CHUNKED" ? " in chunks" : ""}`;
        const info = { rpc: "GetServerInfo", body: framed(emptyBody(t.session.codec), room) } as const;
        expectResponse(t, rule, METHOD.GetServerInfo.output, await rawCall(t, rule, info), what(info.rpc, room));

        const sent = await rawCall(t, rule, { ...call, body: framed(call.body, longest) });
        ({ acceptedAt } = expectResponse(t, rule, METHOD.Send.output, sent, what("Send", longest)));

        const sync = syncOf(t, bob);
        const response = await rawCall(t, rule, { ...sync, body: framed(sync.body, room) });
        const page = expectResponse(t, rule, METHOD.Sync.output, response, what("Sync", room));
        const violation = "the message of a Send with a long body was not delivered";
        t.page(page, bob.base + 1, [{ ...send, acceptedAt }], rule, violation);
      }
    },
  },
];

/** Ways to write a body in two chunks that mean the same (RFC 9112, section 7.1). */
const CHUNKED_FORMS: readonly { about: string; frame: Framing }[] = [
  { about: "extensions of its chunks", frame: inTwoChunks({ extension: ";name=value" }) },
  {
    about: "sizes with leading zeros, in capitals",
    frame: inTwoChunks({ sizeOf: (n) => `00${n.toString(16).toUpperCase()}` }),
  },
  { about: "the name of its coding in capitals", frame: inTwoChunks({ coding: "Chunked" }) },
  { about: "trailer fields", frame: inTwoChunks({ trailers: ["x-checksum: 1", "Server-Timing: a;dur=1"] }) },
];

function inTwoChunks({
  sizeOf = (size: number) => size.toString(16),
  extension = "",
  coding = "chunked",
  trailers = [] as readonly string[],
}): Framing {
  return (body) => {
    const half = body.length >> 1;
    const chunk = (data: Uint8Array) => [
      Buffer.from(`${sizeOf(data.length)}${extension}\r\n`),
      data,
      Buffer.from("\r\n"),
    ];
    const end = ["0", ...trailers, "", ""].join("\r\n");
    return {
      line: `transfer-encoding: ${coding}`,
      body: Buffer.concat([...chunk(body.subarray(0, half)), ...chunk(body.subarray(half)), Buffer.from(end)]),
    };
  };
}

const chunksOf = (body: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(body.length / size) }, (_, n) => body.subarray(n * size, (n + 1) * size));

/** Ways to truncate a body: below Content-Length, within a chunk or before the last chunk; by half-close or close. */
const TRUNCATIONS = (["content-length", "chunk", "chunks"] as const).flatMap((framing) =>
  (["end", "close"] as const).map((then) => ({ framing, then })),
);

/** Sends a call whose body ends early. The part that is sent decodes as a complete message. */
async function sendTruncated(
  t: Context,
  call: RawCall & { body: Uint8Array },
  { framing, then }: (typeof TRUNCATIONS)[number],
): Promise<void> {
  const { head, endpoint } = rawHead(t, call);
  const caller = recordIndeterminate(t, call, endpoint);
  const { body } = call;
  const [line, start] =
    framing === "content-length"
      ? [`content-length: ${body.length + 9}`, ""]
      : ["transfer-encoding: chunked", `${body.length.toString(16)}\r\n`];
  const end = framing === "chunks" ? "\r\n" : "";
  const bytes = Buffer.concat([Buffer.from(`${head}\r\n${line}\r\n\r\n${start}`), body, Buffer.from(end)]);
  // No response is required. A server that has closed the connection has finished with the request.
  await t.session.transport.raw(endpoint, bytes, {
    afterwards: then,
    timeoutMs: t.deadline(1000),
    ...(caller && { caller }),
  });
}
