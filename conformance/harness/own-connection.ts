import { Client } from "../rpc/client.js";
import { Session } from "../rpc/session.js";
import { Transport } from "../transport/http.js";
import { Device, type TestAccount } from "./account.js";
import type { Context } from "./context.js";

/** How long the connection is kept while it is idle, in milliseconds. */
const KEEP_ALIVE_MS = 600_000;
/** Time limit for a response, in milliseconds. */
const RESPONSE_MS = 10_000;

/**
 * Creates a device with a connection of its own, to the first URL. It keeps this connection however long it is idle,
 * unless the server closes it or announces to do so.
 */
export function deviceWithOwnConnection(t: Context, account: TestAccount, name: string): Device {
  const { transport, codec } = t.session;
  const own = new Transport(
    {
      ...transport.connection,
      urls: transport.urls.slice(0, 1),
      timeoutMs: t.deadline(RESPONSE_MS),
      connections: 1,
      keepAliveMs: KEEP_ALIVE_MS,
    },
    { onExchange: transport.onExchange },
  );
  const session = new Session(own, codec);
  t.onEnd(() => {
    session.end();
    own.close().catch(() => {});
  });
  return new Device(t, new Client(session, t.recorder, account, `${account.name}'s ${name}`));
}
