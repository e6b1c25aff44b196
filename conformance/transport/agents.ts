import type { Socket } from "node:net";
import { Agent } from "undici";
import type { ConnectionLimit } from "./connection-limit.js";
import { sendLengthFirst } from "./length-first.js";
import { sendInPackets } from "./packets.js";
import { openSocket, type SocketOptions } from "./socket.js";

/** Maximum number of connections to one URL for further streams. */
const MAX_STREAMS = 2048;

interface AgentSettings {
  /** Changes each new socket. */
  prepare?: (socket: Socket) => Socket;
  keepAliveMs?: number | undefined;
}

/** Creates a pool of kept-alive connections to the target, with one request at a time on each. */
export function agentFor(
  options: SocketOptions,
  connections: number,
  pipelining = 1,
  { prepare = (socket) => socket, keepAliveMs }: AgentSettings = {},
): Agent {
  return new Agent({
    connections,
    pipelining,
    ...(keepAliveMs === undefined ? {} : { keepAliveTimeout: keepAliveMs }),
    allowH2: options.http2 ?? true,
    connect: ({ protocol, host, hostname, port }, callback) => {
      const at = host ?? (port === "" ? hostname : `${hostname}:${port}`);
      openSocket(new URL(`${protocol}//${at}`), options).then(
        (socket) => callback(null, prepare(socket)),
        (error) => callback(error, null),
      );
    },
  });
}

/** Connection pools of all endpoints. */
export interface Agents {
  standard: Agent;
  /**
   * For unusual requests, which undici supports over HTTP/1.1 only. The same pool as `standard` if HTTP/2 is not used.
   */
  http1: Agent;
  /** Makes a new connection for each request, over HTTP/1.1. */
  single: Agent;
  /** Sends each request in several packets, over HTTP/1.1. */
  packets: Agent;
  /** Sends Content-Length before all other headers, over HTTP/1.1. */
  lengthFirst: Agent;
  /** For streams, when as many streams are open as may use the connections of the other pools. */
  furtherStreams: Agent;
  sharedStreams: SharedStreams;
}

/**
 * Counts the open streams that use the same connections as other requests: an open stream keeps its connection, and the
 * other requests must not wait for one.
 */
class SharedStreams {
  readonly #max: number;
  #open = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Adds a stream. Returns the function that removes it again; undefined if there are too many. */
  tryAdd(): (() => void) | undefined {
    if (this.#open >= this.#max) return undefined;
    this.#open += 1;
    let isOpen = true;
    return () => {
      if (isOpen) this.#open -= 1;
      isOpen = false;
    };
  }
}

/** Creates the pools of all endpoints. A pool whose idle connections are kept for `keepAliveMs` is not subject to a limit. */
export function agentsFor(
  connection: SocketOptions & { connectionLimit?: ConnectionLimit | undefined },
  connections: number,
  bases: readonly URL[],
  keepAliveMs: number | undefined,
): Agents {
  // Kept connections would count as open.
  const pipelining = connection.connectionLimit === undefined || keepAliveMs !== undefined ? 1 : 0;
  const standard = agentFor(connection, connections, pipelining, { keepAliveMs });
  const mayUpgrade = (connection.http2 ?? true) && bases.some(({ protocol }) => protocol === "https:");
  return {
    standard,
    http1: mayUpgrade ? agentFor({ ...connection, http2: false }, connections, pipelining) : standard,
    single: agentFor({ ...connection, http2: false }, connections, 0),
    packets: agentFor({ ...connection, http2: false }, connections, pipelining, { prepare: sendInPackets }),
    lengthFirst: agentFor({ ...connection, http2: false }, connections, pipelining, { prepare: sendLengthFirst }),
    furtherStreams: agentFor(connection, MAX_STREAMS),
    sharedStreams: new SharedStreams(Math.ceil(connections / 2)),
  };
}
