import { Session } from "../rpc/session.js";
import { type SharedConnection, Transport } from "../transport/http.js";
import type { Environment } from "./environment.js";
import { FaultyNetwork } from "./faulty-network.js";

/** Time limit for a response, in milliseconds, before the time scale. */
const TIMEOUT_MS = 10_000;

/**
 * Runs one program at a time, on a network of its own: delayed requests of one program must not mix with those of
 * another.
 */
export class Worker {
  readonly environment: Environment;
  readonly #transports: readonly Transport[];

  private constructor(environment: Environment, transports: readonly Transport[]) {
    this.environment = environment;
    this.#transports = transports;
  }

  /** Starts the network of a worker. */
  static async open(
    urls: readonly string[],
    connection: SharedConnection,
    common: Omit<Environment, "faulty" | "direct" | "network">,
  ): Promise<Worker> {
    const timeoutMs = TIMEOUT_MS * common.timeoutScale;
    const network = await FaultyNetwork.start(urls, connection);
    const direct = new Transport({ ...connection, urls, timeoutMs });
    // The connection options apply between the network and the target.
    const faulty = new Transport({ urls: network.urls, timeoutMs });
    const environment: Environment = {
      ...common,
      network,
      faulty: new Session(faulty, "proto"),
      direct: new Session(direct, "proto"),
    };
    return new Worker(environment, [direct, faulty]);
  }

  /** Ends the program that runs: its next call throws. */
  end(): void {
    this.environment.faulty.end();
    this.environment.direct.end();
  }

  async close(): Promise<void> {
    await Promise.all([this.environment.network.stop(), ...this.#transports.map((transport) => transport.close())]);
  }
}
