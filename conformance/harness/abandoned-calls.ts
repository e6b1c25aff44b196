import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { type EventBody, noResponse, sendCall, syncCall } from "../history/events.js";
import type { SendArguments, SyncArguments } from "../rpc/client.js";
import { encode } from "../rpc/connect.js";
import { authorization, pathOf } from "../rpc/session.js";
import type { TestAccount } from "./account.js";
import type { Context } from "./context.js";

/** Makes a Send and closes the connection without reading the response: the outcome is indeterminate. */
export function abandonSend(t: Context, sender: TestAccount, args: SendArguments): Promise<void> {
  const { recipientId, clientMessageId, payload } = args;
  const { send } = SeqSyncService.method;
  const body = encode(t.session.codec, send.input, { recipientId, clientMessageId, payload });
  return abandon(t, sender, sendCall({ ...args, senderId: sender.userId }), "send", body);
}

/** Makes a Sync and closes the connection without reading the response: the outcome is indeterminate. */
export function abandonSync(t: Context, account: TestAccount, args: SyncArguments): Promise<void> {
  const { cliSeq, epoch, pageSize } = args;
  const { sync } = SeqSyncService.method;
  const body = encode(t.session.codec, sync.input, { cliSeq, epoch, pageSize });
  return abandon(t, account, syncCall({ ...args, userId: account.userId }), "sync", body);
}

/** Writes the whole request, and closes the connection once the kernel has taken it. */
async function abandon(
  t: Context,
  account: TestAccount,
  call: EventBody,
  method: "send" | "sync",
  body: Uint8Array,
): Promise<void> {
  const { transport, codec } = t.session;
  const op = t.recorder.call(account.name, 0, call);
  const base = transport.base(0);
  const headers = {
    host: base.host,
    ...transport.headers,
    "content-type": `application/${codec}`,
    ...authorization(account.token),
    "content-length": `${body.length}`,
  };
  const head = [
    `POST ${base.pathname.replace(/\/$/, "")}${pathOf(SeqSyncService.method[method])} HTTP/1.1`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  await transport.raw(0, Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), body]), {
    afterwards: "close",
    caller: { client: account.name, op },
  });
  t.recorder.complete(op, noResponse("the client closed the connection without reading the response"));
}
