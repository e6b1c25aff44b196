import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { pathOf } from "../rpc/session.js";
import { runnableTime } from "../transport/deadline.js";
import { LocalError, noResponse } from "../transport/errors.js";
import type { Transport } from "../transport/http.js";
import { openSocket } from "../transport/socket.js";

/** Number of connections that a run may have open at once, kept ones included: so many for a case alone, more for others. */
const WANTED = { oneCase: 160, eachOther: 30, atMost: 400 };
/** Number that are opened at once: a server that accepts them one after the other has a short queue. */
const WAVE = 40;
/** Time without a further response after which the server is taken to have no room, in milliseconds. */
const QUIET_MS = 2000;
/** How often the responses are counted, in milliseconds. */
const SLICE_MS = 10;
/** Share of the connections that the suite uses: the others are for those that are just being closed. */
const SHARE = 0.75;
/** Fewest connections with which cases can run. */
const LEAST = 8;

/**
 * Finds out whether the first front end serves as many connections at once as a run uses. Many servers have a thread or
 * a process for each connection, or a bound, and leave further ones waiting or close them; that is their right. Returns
 * the number of connections that the run should use at most; undefined if there is no need for a limit.
 */
export async function connectionLimitOf(
  transport: Transport,
  { runs, timeoutScale }: { runs: number; timeoutScale: number },
): Promise<number | undefined> {
  const { oneCase, eachOther, atMost } = WANTED;
  if (await sharesConnections(transport)) return undefined;
  const wanted = Math.min(oneCase + eachOther * Math.max(0, runs - 1), atMost);
  const first = await servedAtOnce(transport, wanted, timeoutScale);
  if (first === undefined || first >= wanted) return undefined;
  // Once more: it may have been an accident.
  const again = (await servedAtOnce(transport, wanted, timeoutScale)) ?? wanted;
  const most = Math.max(first, again);
  return most >= wanted ? undefined : Math.max(LEAST, Math.floor(most * SHARE));
}

/** Whether the server speaks HTTP/2: then all calls share a few connections. */
async function sharesConnections(transport: Transport): Promise<boolean> {
  const { connection } = transport;
  const base = transport.base();
  if (connection.http2 === false || base.protocol !== "https:") return false;
  try {
    const socket = await openSocket(base, connection);
    const isHttp2 = (socket as Partial<TLSSocket>).alpnProtocol === "h2";
    socket.destroy();
    return isHttp2;
  } catch {
    return false; // The next attempt tells why.
  }
}

/**
 * Opens connections and keeps them open, until one gets no response. Returns the number of those that got one; undefined
 * if this machine cannot open as many.
 */
async function servedAtOnce(transport: Transport, wanted: number, timeoutScale: number): Promise<number | undefined> {
  const sockets: Socket[] = [];
  let served = 0;
  try {
    while (served < wanted) {
      const before = served;
      let failed = 0;
      for (let n = 0; n < WAVE; n += 1)
        open(transport, sockets).then(
          (hasResponse) => {
            if (hasResponse) served += 1;
            else failed += 1;
          },
          () => {
            failed = Number.POSITIVE_INFINITY;
          },
        );
      let [seen, since] = [served, runnableTime()];
      while (served + failed - before < WAVE && runnableTime() - since < QUIET_MS * timeoutScale) {
        await new Promise((resolve) => setTimeout(resolve, SLICE_MS));
        if (served > seen) [seen, since] = [served, runnableTime()];
      }
      if (failed === Number.POSITIVE_INFINITY) return undefined;
      if (served - before < WAVE) return served;
    }
    return served;
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/**
 * Makes a call over a new connection, and leaves it open. Resolves with whether there was a response, of any kind.
 * Rejects if this machine cannot open the connection.
 */
async function open(transport: Transport, sockets: Socket[]): Promise<boolean> {
  const base = transport.base();
  let socket: Socket;
  try {
    socket = await openSocket(base, { ...transport.connection, http2: false });
  } catch (error) {
    if (noResponse(error) instanceof LocalError) throw error;
    return false;
  }
  sockets.push(socket);
  const headers = { host: base.host, ...transport.headers, "content-type": "application/proto", "content-length": "0" };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const path = base.pathname.replace(/\/$/, "") + pathOf(SeqSyncService.method.getServerInfo);
  socket.write([`POST ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
  return new Promise((resolve) => {
    socket.once("data", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
  });
}
