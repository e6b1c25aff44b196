import { Session } from "../rpc/session.js";
import { type ConnectionOptions, Transport } from "../transport/http.js";
import type { Environment } from "./execute.js";
import { FaultyNetwork } from "./faulty-network.js";

/** Where one program runs at a time: a network of its own, so that what it holds back mixes with no other program's traffic. */
export class Worker {
  readonly environment: Environment;
  readonly #transports: readonly Transport[];

  private constructor(ground: Environment, transports: readonly Transport[]) {
    this.environment = ground;
    this.#transports = transports;
  }

  static async open(
    urls: readonly string[],
    connection: ConnectionOptions,
    common: Omit<Environment, "faulty" | "direct" | "network">,
  ): Promise<Worker> {
    const network = await FaultyNetwork.start(urls, connection);
    const direct = new Transport({ ...connection, urls });
    // How the target is reached is the network's affair.
    const faulty = new Transport({ urls: network.urls });
    const ground: Environment = {
      ...common,
      network,
      faulty: new Session(faulty, "proto"),
      direct: new Session(direct, "proto"),
    };
    return new Worker(ground, [direct, faulty]);
  }

  async close(): Promise<void> {
    await Promise.all([this.environment.network.stop(), ...this.#transports.map((transport) => transport.close())]);
  }
}
