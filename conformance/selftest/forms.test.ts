import type { DescMessage, DescMethod, MessageInitShape } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { type ReferenceServer, startReferenceServer } from "../../reference-server/index.js";
import { type Codec, encode, interpret } from "../rpc/connect.js";
import { FORM_ASPECTS } from "../rpc/forms/aspects.js";
import { FormVariation } from "../rpc/forms/variation.js";
import { type EncodedCall, requestOf } from "../rpc/forms/vary-request.js";
import { authorization, pathOf } from "../rpc/session.js";
import { Transport } from "../transport/http.js";

const { getServerInfo, send, sync } = SeqSyncService.method;
const ASPECTS = new Set<string>(FORM_ASPECTS.map(({ name }) => name));

let server: ReferenceServer;
let transport: Transport;

beforeAll(async () => {
  server = await startReferenceServer({});
  transport = new Transport({ urls: [server.url] });
});

afterAll(async () => {
  await transport.close();
  await server.close();
});

describe.each(["proto", "json"] as const)("the reference server serves each form of a call in %s", (codec: Codec) => {
  test("to the same effect", async () => {
    const { token } = server.service.createAccount(`bob-${codec}`);
    const variation = new FormVariation(20, codec, ASPECTS);
    const call = async (method: DescMethod, input: MessageInitShape<DescMessage>) => {
      const encoded: EncodedCall = {
        codec,
        schema: method.input,
        headers: { "content-type": `application/${codec}`, ...authorization(token) },
        message: encode(codec, method.input, input),
        isStream: false,
      };
      const response = await transport.request({ path: pathOf(method), ...requestOf(encoded, variation.next()) });
      return interpret(codec, method.output, response);
    };
    let base = 0;
    const text = fc.string({ unit: "binary", minLength: 1, maxLength: 16 });
    const messages = fc.sample(fc.tuple(text, fc.uint8Array({ maxLength: 99 })), { numRuns: 60, seed: 20 });
    for (const [index, [prefix, payload]] of messages.entries()) {
      const clientMessageId = `${prefix}${index}`;
      const info = await call(getServerInfo, {});
      expect(info).toMatchObject({ kind: "response" });
      const sent = await call(send, { recipientId: `bob-${codec}`, clientMessageId, payload });
      expect(sent).toMatchObject({ kind: "response" });
      const page = await call(sync, { cliSeq: base, pageSize: 7 });
      expect(page).toMatchObject({ kind: "response", value: { messages: [{ clientMessageId, seq: base + 1 }] } });
      const { messages } = (page as unknown as { value: { messages: { payload: Uint8Array }[] } }).value;
      expect(Buffer.compare(messages[0]?.payload ?? Buffer.alloc(0), payload)).toBe(0);
      base += 1;
    }
    const own = FORM_ASPECTS.filter((aspect) => !("codec" in aspect) || aspect.codec === codec);
    expect([...variation.used].sort()).toEqual(own.map(({ name }) => name).sort());
  });
});
