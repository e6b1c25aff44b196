import { Session } from "../rpc/session.js";
import { type ConnectionOptions, Transport } from "../transport/http.js";
import type { Ground } from "./execute.js";
import { Network } from "./faulty-network.js";

/** Where one program runs at a time: a network of its own, so that what it holds back mixes with no other program's traffic. */
export class Lane {
  readonly ground: Ground;
  readonly #transports: readonly Transport[];

  private constructor(ground: Ground, transports: readonly Transport[]) {
    this.ground = ground;
    this.#transports = transports;
  }

  static async open(
    urls: readonly string[],
    connection: ConnectionOptions,
    common: Omit<Ground, "faulty" | "direct" | "network">,
  ): Promise<Lane> {
    const network = await Network.start(urls, connection);
    const direct = new Transport({ ...connection, urls });
    // How the target is reached is the network's affair.
    const faulty = new Transport({ urls: network.urls });
    const ground: Ground = {
      ...common,
      network,
      faulty: new Session(faulty, "proto"),
      direct: new Session(direct, "proto"),
    };
    return new Lane(ground, [direct, faulty]);
  }

  async close(): Promise<void> {
    await Promise.all([this.ground.network.stop(), ...this.#transports.map((transport) => transport.close())]);
  }
}
