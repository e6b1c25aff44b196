import { gzipSync } from "node:zlib";
import type { Case } from "../../harness/case.js";
import {
  describeResponse,
  emptyBody,
  expectOfferedEncoding,
  expectResponse,
  METHOD,
  rawCall,
  sendOf,
  syncOf,
} from "../../harness/raw-calls.js";
import { mediaType } from "../../rpc/connect.js";
import { expectErrorShape } from "../errors/rows.js";

/** HTTP binding: compressed requests and responses. */
export const httpCompression: readonly Case[] = [
  {
    // § HTTP-ENCODING: A unary request with a `Content-Encoding`, or a Watch with a `Connect-Content-Encoding`, that
    // § the server does not know MUST be refused with `unimplemented`, and MUST NOT be carried out.
    id: "http/unknown-encoding",
    title: "A call with an unknown Content-Encoding is refused as unimplemented; identity is accepted",
    requirements: ["HTTP-ENCODING"],
    async run(t) {
      const { bob, alice } = t;
      await alice.send(bob);
      const ack = syncOf(t, bob, { cliSeq: bob.base + 1 });
      await t.unchanged(bob, "HTTP-ENCODING", "a call with an unknown Content-Encoding", async () => {
        const headers = { "content-encoding": "x-seqsync-unknown" };
        for (const call of [
          sendOf(t, alice, bob),
          ack,
          { rpc: "GetServerInfo" as const, body: emptyBody(t.session.codec) },
        ]) {
          const response = await rawCall(t, "HTTP-ENCODING", { ...call, headers });
          const actual = describeResponse(response);
          const isRefused = response.refusal?.code === "unimplemented";
          if (!isRefused)
            t.fail(
              "HTTP-ENCODING",
              `a ${call.rpc} with an unknown Content-Encoding was not refused with unimplemented`,
              "a refusal with unimplemented",
              actual,
            );
          expectErrorShape(t, response, `the refusal of a ${call.rpc} with an unknown Content-Encoding`);
        }
      });
      const response = await rawCall(t, "HTTP-ENCODING", { ...ack, headers: { "content-encoding": "identity" } });
      const page = expectResponse(
        t,
        "HTTP-ENCODING",
        METHOD.Sync.output,
        response,
        "a Sync with Content-Encoding identity",
      );
      const violation = "a Sync with Content-Encoding identity did not acknowledge up to its cli_seq";
      t.fields(page, { ackedSeq: bob.base + 1 }, "HTTP-ENCODING", violation);
    },
  },
  {
    id: "http/gzip-or-not",
    title: "A body in gzip is decoded or refused; an uncompressed body with a Content-Encoding is refused",
    requirements: ["HTTP-ENCODING", "HTTP-COMPRESSION"],
    async run(t) {
      const { bob, alice } = t;
      await t.unchanged(bob, "HTTP-ENCODING", "an uncompressed Send with a Content-Encoding", async () => {
        for (const encoding of ["gzip", "deflate", "br", "zstd"]) {
          const headers = { "content-encoding": encoding };
          const response = await rawCall(t, "HTTP-ENCODING", { ...sendOf(t, alice, bob), headers });
          if (response.status === 200)
            t.fail(
              "HTTP-ENCODING",
              `an uncompressed Send with Content-Encoding ${encoding} was accepted`,
              "a refusal: the body is not in that encoding",
              "HTTP 200: it was accepted",
            );
        }
      });
      const { send, ...call } = sendOf(t, alice, bob, { payload: Buffer.from("in gzip") });
      const headers = { "content-encoding": "gzip" };
      const response = await rawCall(t, "HTTP-ENCODING", { ...call, body: gzipSync(call.body), headers });
      // Some libraries compress the response if the request was compressed.
      expectOfferedEncoding(t, response, [], "the response to a Send in gzip without Accept-Encoding");
      const accepted = [];
      if (response.status === 200) {
        const { acceptedAt } = expectResponse(t, "HTTP-ENCODING", METHOD.Send.output, response, "a Send in gzip");
        accepted.push({ ...send, acceptedAt });
      } else if (response.refusal?.code !== "unimplemented") {
        t.fail(
          "HTTP-ENCODING",
          "a Send in gzip was refused with a code other than unimplemented",
          "HTTP 200, or a refusal with unimplemented",
          describeResponse(response),
        );
      }
      accepted.push(await alice.send(bob, "marker"));
      const violation = "the inbox does not hold exactly the accepted messages";
      t.page(await bob.device().sync(), bob.base + 1, accepted, "HTTP-ENCODING", violation);
    },
  },
  {
    // § HTTP-COMPRESSION: A response MUST NOT be compressed in a way that the request did not offer, by
    // § `Accept-Encoding` in a unary call and by `Connect-Accept-Encoding` in a stream.
    id: "http/compression-only-if-offered",
    title: "A response is compressed only with an encoding that the request offers",
    requirements: ["HTTP-COMPRESSION"],
    async run(t) {
      const { bob, alice } = t;
      const text = "the same again and again, ".repeat(Math.min(150, Math.floor(t.info.maxPayloadBytes / 26)));
      const sent = [await alice.send(bob, text), await alice.send(bob, text)];
      const info = { rpc: "GetServerInfo", body: emptyBody(t.session.codec) } as const;
      const repeated = sendOf(t, alice, bob, { payload: Buffer.from(text) });
      sent.push({ ...repeated.send, acceptedAt: undefined });
      const ahead = syncOf(t, bob, { cliSeq: 0xffff_ffff });
      for (const [offer, offered] of OFFERS) {
        const headers = offer === undefined ? {} : { "accept-encoding": offer };
        const what = offer === undefined ? "without Accept-Encoding" : `with Accept-Encoding ${offer}`;
        for (const call of [info, repeated, ahead]) {
          const response = await rawCall(t, "HTTP-COMPRESSION", { ...call, headers });
          expectOfferedEncoding(t, response, offered, `the response to a ${call.rpc} ${what}`);
          if (call !== ahead) continue;
          const type = mediaType(response.headers["content-type"]);
          const violation = `the refusal of a ${call.rpc} ${what} has the wrong content type`;
          t.equal({ contentType: type }, { contentType: "application/json" }, "ERR-SHAPE", violation);
        }
        const response = await rawCall(t, "HTTP-COMPRESSION", { ...syncOf(t, bob), headers });
        expectOfferedEncoding(t, response, offered, `the response to a Sync ${what}`);
        if (["br", "deflate"].includes(response.headers["content-encoding"]?.toLowerCase() ?? "")) continue;
        const page = expectResponse(t, "HTTP-COMPRESSION", METHOD.Sync.output, response, `a Sync ${what}`);
        const got = sent.slice(0, page.messages.length);
        t.page(page, bob.base + 1, got, "HTTP-COMPRESSION", `a Sync ${what} did not return the pending messages`);
      }
    },
  },
];

/** Values of Accept-Encoding, and the encodings that each offers. */
const OFFERS: readonly (readonly [offer: string | undefined, offered: readonly string[]])[] = [
  [undefined, []],
  ["identity", []],
  ["gzip;q=0", []],
  ["gzip; q=0.0", []],
  ["gzip;q=0, br", ["br"]],
  ["br", ["br"]],
  ["deflate", ["deflate"]],
  ["gzip", ["gzip"]],
];
