import type { RequestListener } from "node:http";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
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

/**
 * A server that puts the caller's token into every string of its responses, with the set of tokens that it may leak.
 */
export function leakingServer(known: readonly string[]): { listener: RequestListener; tokens: Set<string> } {
  const tokens = new Set<string>(known);
  let accounts = 0;
  let sends = 0;
  const listener: RequestListener = async (req, res) => {
    for await (const _ of req); // read the whole request
    const token = req.headers.authorization?.replace("Bearer ", "") ?? [...tokens][0] ?? "";
    const respond = <T extends DescMessage>(schema: T, message: MessageInitShape<T>) => {
      res.writeHead(200, { "content-type": "application/proto", "cache-control": "no-store", "x-token": token });
      res.end(toBinary(schema, create(schema, message)));
    };
    const refuse = (status: number, code: string) => {
      const detail = create(ErrorDetailSchema, { reason: Reason.EPOCH_MISMATCH, epoch: token.slice(0, 64), svrSeq: 1 });
      const value = Buffer.from(toBinary(ErrorDetailSchema, detail)).toString("base64");
      res.writeHead(status, { "content-type": "application/json", "x-token": token });
      res.end(
        JSON.stringify({ code, message: token, details: [{ type: ErrorDetailSchema.typeName, value, debug: token }] }),
      );
    };
    switch (req.url?.split("/").at(-1)) {
      case "GetServerInfo":
        return respond(GetServerInfoResponseSchema, {
          specVersion: `1.0 ${token}`,
          implementation: `leaking ${token}`,
          profiles: [Profile.CORE],
          maxPageSize: 10,
          maxPayloadBytes: 1000,
          dedupWindow: { seconds: 60n },
        });
      case "CreateAccount": {
        accounts += 1;
        const account = { userId: `user-${accounts}`, token: `secret-of-user-${accounts}-0123456789` };
        tokens.add(account.token);
        return respond(CreateAccountResponseSchema, account);
      }
      case "RotateEpoch":
        return respond(RotateEpochResponseSchema, {});
      case "RevokeToken":
        return respond(RevokeTokenResponseSchema, {});
      case "Send": {
        // Refuses some Sends: with a code of Connect, or with the token as the code.
        sends += 1;
        if (sends % 5 === 3) return refuse(409, "already_exists");
        return sends % 5 === 4
          ? refuse(499, token)
          : respond(SendResponseSchema, { acceptedAt: { seconds: 1_700_000_000n } });
      }
      case "Sync":
        return respond(SyncResponseSchema, {
          epoch: token,
          svrSeq: 1,
          nextCliSeq: 1,
          messages: [{ seq: 1, senderId: token, clientMessageId: token, payload: new TextEncoder().encode(token) }],
        });
      default:
        res.writeHead(404, { "content-type": `text/${token}` }).end(token);
    }
  };
  return { listener, tokens };
}
