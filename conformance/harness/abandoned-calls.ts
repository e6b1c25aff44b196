import { type SendRequest, SeqSyncService, type SyncRequest } from "../../proto/gen/seqsync/v1/service_pb.js";
import { fingerprintOf } from "../history/fingerprint.js";
import type { SendArguments, SyncArguments } from "../rpc/client.js";
import { encode } from "../rpc/connect.js";
import { pathOf } from "../rpc/session.js";
import type { TestAccount } from "./account.js";
import type { Context } from "./context.js";

type SendFields = Pick<SendRequest, "recipientId" | "clientMessageId" | "payload">;
type SyncFields = Pick<SyncRequest, "cliSeq" | "epoch" | "pageSize">;

/** Sends a Send and goes away without reading the answer: whether it has had its effect, nobody knows. */
export async function abandonSend(t: Context, sender: TestAccount, args: SendArguments): Promise<void> {
  const op = recordSend(t, sender, args, 0);
  await leave(t, sender, "send", encode(t.session.codec, SeqSyncService.method.send.input, args satisfies SendFields));
  t.recorder.complete(op, lostOnPurpose);
}

/** Sends a Sync and goes away without reading the answer: whether it has had its effect, nobody knows. */
export async function abandonSync(t: Context, party: TestAccount, args: SyncArguments): Promise<void> {
  const value = { $typeName: "seqsync.conformance.v1.SyncCall" as const, ...args, userId: party.userId };
  const op = t.recorder.call(party.name, 0, { case: "syncCall", value });
  await leave(t, party, "sync", encode(t.session.codec, SeqSyncService.method.sync.input, args satisfies SyncFields));
  t.recorder.complete(op, lostOnPurpose);
}

const lostOnPurpose = {
  case: "noResponse",
  value: { $typeName: "seqsync.conformance.v1.NoResponse", why: "the client went away without reading the answer" },
} as const;

function recordSend(t: Context, sender: TestAccount, args: SendArguments, endpoint: number): bigint {
  const value = {
    $typeName: "seqsync.conformance.v1.SendCall" as const,
    ...args,
    senderId: sender.userId,
    payload: fingerprintOf(args.payload),
  };
  return t.recorder.call(sender.name, endpoint, { case: "sendCall", value });
}

/** The bytes of a whole request reach the server; then the connection goes. */
async function leave(t: Context, party: TestAccount, method: "send" | "sync", body: Uint8Array): Promise<void> {
  const base = t.session.transport.base(0);
  const head = [
    `POST ${base.pathname.replace(/\/$/, "")}${pathOf(SeqSyncService.method[method])} HTTP/1.1`,
    `Host: ${base.host}`,
    ...Object.entries(t.session.transport.headers).map(([name, value]) => `${name}: ${value}`),
    `Content-Type: application/${t.session.codec}`,
    `Authorization: Bearer ${party.token}`,
    `Content-Length: ${body.length}`,
  ];
  await t.session.transport.raw(0, Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]), {
    afterwards: "close",
  });
}
