import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { mulberry32 } from "../../random.js";

export interface LinkOptions {
  /** Port of the server on this machine. */
  port: number;
  rttMs: number;
  /** Share of lost responses, from 0 to 1. */
  loss: number;
  seed: number;
}

/** Size of the parts of a large response that may each be lost, so that longer responses are lost more often. */
const PART_BYTES = 64 << 10;

/**
 * An unreliable network on loopback, independent of the protocol. Every byte takes half a round trip, and a new
 * connection one round trip more, for the handshake of TCP. A response is all that the server sends until the client
 * sends again. A lost response closes its connection, because TCP delivers no gaps; the client notices it when the
 * response would have arrived.
 */
export class Link {
  port = 0;
  /** Bytes that the client sent, without the headers of TCP and IP. */
  bytesUp = 0;
  /** Bytes that the client received. */
  bytesDown = 0;
  connections = 0;
  /** Number of lost responses. */
  lost = 0;
  readonly #options: LinkOptions;
  readonly #random: () => number;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer({ noDelay: true }, (client) => this.#carry(client));

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#random = mulberry32(options.seed);
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.port = (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #carry(client: Socket): void {
    this.connections += 1;
    const { port, rttMs, loss } = this.#options;
    const server = connect({ port, host: "127.0.0.1", noDelay: true });
    const up = new Delay(rttMs / 2, rttMs);
    const down = new Delay(rttMs / 2, 0);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => this.#sockets.delete(socket));
    }
    let left = 0; // bytes of the current part of the response
    let cut = false;
    client.on("data", (data: Buffer) => {
      this.bytesUp += data.length;
      up.after(() => {
        left = 0;
        server.write(data);
      });
    });
    server.on("data", (data: Buffer) => {
      if (cut) return;
      for (let at = 0; at < data.length && !cut; ) {
        if (left === 0) {
          cut = this.#random() < loss;
          left = PART_BYTES;
        }
        const step = Math.min(left, data.length - at);
        at += step;
        left -= step;
      }
      if (cut) {
        this.lost += 1;
        down.after(() => client.resetAndDestroy());
        server.destroy();
        return;
      }
      this.bytesDown += data.length;
      down.after(() => client.write(data));
    });
    client.on("close", () => up.after(() => server.destroy()));
    server.on("close", () => down.after(() => client.destroy()));
  }
}

/** Delays actions by a fixed time, in their order, and not before `openingMs` after its creation. */
class Delay {
  readonly #ms: number;
  readonly #from: number;
  readonly #queue: { due: number; act: () => void }[] = [];
  #waiting = false;

  constructor(ms: number, openingMs: number) {
    this.#ms = ms;
    this.#from = performance.now() + openingMs;
  }

  after(act: () => void): void {
    if (this.#ms === 0) {
      act();
      return;
    }
    this.#queue.push({ due: Math.max(performance.now(), this.#from) + this.#ms, act });
    if (!this.#waiting) this.#wait();
  }

  #wait(): void {
    const [next] = this.#queue;
    this.#waiting = next !== undefined;
    if (next === undefined) return;
    setTimeout(() => {
      for (
        let [first] = this.#queue;
        first !== undefined && first.due <= performance.now() + 0.5;
        [first] = this.#queue
      ) {
        this.#queue.shift();
        first.act();
      }
      this.#wait();
    }, next.due - performance.now());
  }
}
