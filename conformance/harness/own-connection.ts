import { Client } from "../rpc/client.js";
import type { Codec } from "../rpc/connect.js";
import { Session } from "../rpc/session.js";
import { Transport } from "../transport/http.js";
import { Device, type TestAccount } from "./account.js";
import type { Context } from "./context.js";

/** How long the connection is kept while it is idle, in milliseconds. */
const KEEP_ALIVE_MS = 600_000;
/** Time limit for a response, in milliseconds. */
const RESPONSE_MS = 10_000;

/** How a device speaks to the server. */
export interface Manner {
  /** Default: that of the session. */
  codec?: Codec;
  /** Headers of each of its requests. Default: none of its own. */
  headers?: Readonly<Record<string, string>>;
  /** Whether it uses HTTP/2 if the server offers it. Default: as the run does. */
  http2?: boolean;
}

/**
 * Creates a device with a connection of its own, to the first URL. It keeps this connection however long it is idle,
 * unless the server closes it or announces to do so.
 */
export function deviceWithOwnConnection(
  t: Context,
  account: TestAccount,
  name: string,
  { codec = t.session.codec, headers = {}, http2 }: Manner = {},
): Device {
  const { transport } = t.session;
  const own = new Transport(
    {
      ...transport.connection,
      headers: { ...headers, ...transport.headers },
      ...(http2 === undefined ? {} : { http2 }),
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
