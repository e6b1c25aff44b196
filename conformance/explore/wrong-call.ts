import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import type { ViolationDetail } from "../findings.js";
import { sendCall, sendReturn, syncCall, syncReturn } from "../history/events.js";
import type { Recorder } from "../history/recorder.js";
import type { SendArguments, SyncArguments } from "../rpc/client.js";
import { type Codec, encode, interpret } from "../rpc/connect.js";
import { varyRawRequest } from "../rpc/forms/vary-request.js";
import { recordAttempt } from "../rpc/recorded-attempt.js";
import { authorization, pathOf, type Session } from "../rpc/session.js";
import type { WrongCall } from "./program.js";
import type { ProgramAccount } from "./program-account.js";

/** What a wrong call would do if it were right. */
export interface IntendedCall {
  account: ProgramAccount;
  message: SendArguments;
  sync: SyncArguments;
  /** A text that is part of no user id and of no token. */
  unknown: string;
  /** One byte more than the server accepts. */
  tooLarge: () => Uint8Array;
}

/**
 * Makes a call that the server must refuse, and records it, except for a body that does not decode: the judge then finds
 * any effect. Returns the violation if the server does not refuse it.
 */
export async function makeWrongCall(
  call: WrongCall,
  intended: IntendedCall,
  { session, recorder, codec }: { session: Session; recorder: Recorder; codec: Codec },
): Promise<ViolationDetail | undefined> {
  const { account, message, sync, unknown } = intended;
  const { userId, token } = account.lease;
  const client = `${account.name}'s wrong calls`;
  const endpoint = session.nextEndpoint();
  const { method } = SeqSyncService;

  const send = async (args: SendArguments, credential = token) => {
    const recorded = {
      client,
      endpoint,
      call: sendCall({ ...args, senderId: userId }),
      toReturn: ({ acceptedAt }: { acceptedAt?: Parameters<typeof sendReturn>[0] }) => sendReturn(acceptedAt),
    };
    const options = { token: credential, codec, endpoint };
    return recordAttempt(recorder, recorded, (op) =>
      session.attempt(method.send, args, { ...options, caller: { client, op } }),
    );
  };
  const malformed = async (rpc: typeof method.send | typeof method.sync, body: Uint8Array) => {
    const headers = { "content-type": `application/${codec}`, ...authorization(token) };
    const form = varyRawRequest(headers, session.forms?.next(), session.transport.headers);
    const result = await session.exchange({ endpoint, path: pathOf(rpc), ...form, body: body.subarray(0, -1) });
    return result.kind === "response" ? interpret(codec, rpc.output, result.value) : result;
  };

  switch (call) {
    case "sync-with-unknown-token": {
      const recorded = { client, endpoint, call: syncCall({ ...sync, userId }), toReturn: syncReturn };
      const result = await recordAttempt(recorder, recorded, (op) =>
        session.attempt(method.sync, sync, { token: unknown, codec, endpoint, caller: { client, op } }),
      );
      return violationOf(result, "AUTH-REQUIRED", "a Sync with an unknown token");
    }
    case "send-with-unknown-token":
      return violationOf(await send(message, unknown), "AUTH-REQUIRED", "a Send with an unknown token");
    case "send-to-unknown-recipient": {
      const result = await send({ ...message, recipientId: unknown });
      return violationOf(result, "SEND-RECIPIENT", "a Send to an unknown recipient");
    }
    case "send-too-large": {
      const payload = intended.tooLarge();
      const violation = violationOf(
        await send({ ...message, payload }),
        "SEND-PAYLOAD-LIMIT",
        `a Send with ${payload.length} bytes`,
      );
      if (violation === undefined) return undefined;
      // An operator may have raised the limit.
      const info = await session.call(method.getServerInfo, {}, { codec });
      return info.kind === "response" && info.value.maxPayloadBytes < payload.length ? violation : undefined;
    }
    case "malformed-sync": {
      // Without its last byte the epoch is shorter than its length says.
      const body = encode(codec, method.sync.input, { ...sync, epoch: sync.epoch || "e" });
      return violationOf(await malformed(method.sync, body), "HTTP-MALFORMED", "a Sync with a cut body");
    }
    case "malformed-send": {
      const payload = message.payload.length === 0 ? Buffer.from("x") : message.payload;
      const body = encode(codec, method.send.input, { ...message, payload });
      return violationOf(await malformed(method.send, body), "HTTP-MALFORMED", "a Send with a cut body");
    }
  }
}

type Requirement = "AUTH-REQUIRED" | "SEND-RECIPIENT" | "SEND-PAYLOAD-LIMIT" | "HTTP-MALFORMED";

/** Only a success is a violation here: cases check which refusal it is. */
const violationOf = (
  { kind }: { kind: string },
  requirement: Requirement,
  what: string,
): ViolationDetail | undefined =>
  kind === "response"
    ? { requirement, message: `${what} was not refused`, expected: "a refusal", actual: "it was accepted" }
    : undefined;
