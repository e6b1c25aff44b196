import type { RequestListener } from "node:http";
import { create, type DescMessage, type MessageInitShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import {
  CreateAccountResponseSchema,
  RevokeTokenResponseSchema,
  RotateEpochResponseSchema,
} from "../../../proto/gen/seqsync/conformance/v1/fixture_pb.js";
import { ErrorDetailSchema, Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { Profile } from "../../../proto/gen/seqsync/v1/message_pb.js";
import {
  GetServerInfoResponseSchema,
  SendResponseSchema,
  SyncResponseSchema,
} from "../../../proto/gen/seqsync/v1/service_pb.js";
import { HOSTILE_TEXTS } from "./hostile-text.js";

/** Ways in which the server writes the token of a request into its response. */
const WRITERS: readonly ((token: string) => string)[] = [
  (token) => token,
  (token) => Buffer.from(token).toString("base64"),
  (token) => Buffer.from(`Bearer ${token}`).toString("base64url"),
  (token) => Buffer.from(token).toString("hex"),
  encodeURIComponent,
  (token) => JSON.stringify({ token }),
  (token) => token.toUpperCase(),
  (token) => [...Buffer.from(token)].map((byte) => byte.toString(16).padStart(2, "0")).join(" "),
];

/**
 * A server that puts hostile texts, and the token of the request in some encoding, into everything that it sends: ids,
 * epochs, codes, messages, payloads, headers, reason phrases, content types and pages. Its own tokens are in `tokens`.
 */
export function hostileTextServer(): { listener: RequestListener; tokens: string[] } {
  const tokens: string[] = [];
  let count = 0;
  /** The next text, well-formed and of at most `bytes` bytes. */
  const next = (token: string, bytes = 4096): string => {
    count += 1;
    const written = WRITERS[count % WRITERS.length]?.(token) ?? "";
    const hostile = HOSTILE_TEXTS[count % HOSTILE_TEXTS.length] as string;
    const text = (count % 2 === 0 ? `${hostile}${written}` : `${written}${hostile}`).replaceAll(/\p{Cs}/gu, "?");
    return Buffer.from(text)
      .subarray(0, bytes)
      .toString()
      .replace(/\ufffd+$/, "");
  };
  // Node sends what HTTP can hold: bytes of 8 bits, but no other control characters.
  const header = (token: string) => next(token).replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, "?");

  const listener: RequestListener = (req, res) => {
    req.resume();
    const token = req.headers.authorization?.replace(/^\w+ /, "") ?? "";
    const isJson = req.headers["content-type"]?.includes("json") === true;
    const headers = () => ({ "cache-control": "no-store", "x-hostile": header(token), location: header(token) });
    const respond = <T extends DescMessage>(schema: T, init: MessageInitShape<T>) => {
      const message = create(schema, init);
      res.writeHead(200, header(token), {
        ...headers(),
        "content-type": isJson ? "application/json" : "application/proto",
      });
      res.end(isJson ? toJsonString(schema, message) : toBinary(schema, message));
    };
    const refuse = (status: number, code: string) => {
      const detail = create(ErrorDetailSchema, { reason: Reason.EPOCH_MISMATCH, epoch: next(token, 64), svrSeq: 1 });
      const value = Buffer.from(toBinary(ErrorDetailSchema, detail)).toString("base64");
      res.writeHead(status, header(token), { ...headers(), "content-type": "application/json" });
      res.end(
        // A surrogate without a partner is possible in JSON only.
        `{"code":${JSON.stringify(code)},"message":"\\ud800${JSON.stringify(next(token)).slice(1)},"details":[{"type":"${ErrorDetailSchema.typeName}","value":"${value}","debug":${JSON.stringify(next(token))}}]}`,
      );
    };
    switch (req.url?.split("/").at(-1)) {
      case "GetServerInfo":
        return respond(GetServerInfoResponseSchema, {
          specVersion: `1.0 ${next(token)}`,
          implementation: HOSTILE_TEXTS.join(" ").replaceAll(/\p{Cs}/gu, "?"),
          profiles: [Profile.CORE, Profile.JSON],
          maxPageSize: 10,
          maxPayloadBytes: 1000,
          dedupWindow: { seconds: 60n },
        });
      case "CreateAccount": {
        const own = `T0k=n/+"'<&>%41\\u0041~!$(x)#;|^\`{}[]-${tokens.length}-${"abcdef".repeat(4)}`;
        tokens.push(own);
        const name = (HOSTILE_TEXTS[tokens.length % HOSTILE_TEXTS.length] as string).replaceAll(/\p{Cs}/gu, "?");
        const userId = `${tokens.length}${Buffer.from(name)
          .subarray(0, 100)
          .toString()
          .replace(/\ufffd+$/, "")}`;
        return respond(CreateAccountResponseSchema, { userId, token: own });
      }
      case "RotateEpoch":
        return respond(RotateEpochResponseSchema, {});
      case "RevokeToken":
        return respond(RevokeTokenResponseSchema, {});
      case "Send": {
        count += 1;
        if (count % 5 === 3) return refuse(409, "already_exists");
        return count % 5 === 4
          ? refuse(499, next(token))
          : respond(SendResponseSchema, { acceptedAt: { seconds: 1_700_000_000n } });
      }
      case "Sync": {
        count += 1;
        if (count % 4 === 0) return refuse(400, next(token));
        const message = {
          seq: 1,
          senderId: next(token, 128),
          clientMessageId: next(token, 128),
          payload: new TextEncoder().encode(next(token)),
        };
        return respond(SyncResponseSchema, { epoch: next(token, 64), svrSeq: 1, nextCliSeq: 1, messages: [message] });
      }
      default:
        res.writeHead(404, header(token), { ...headers(), "content-type": `text/html; x=${header(token)}` });
        res.end(`<html>${next(token)}</html>`);
    }
  };
  return { listener, tokens };
}
