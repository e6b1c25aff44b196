import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface LinkOptions {
  /** Where it leads, on this machine. */
  port: number;
  rttMs: number;
  /** Part of the answers that get lost, from 0 to 1. */
  loss: number;
  seed: number;
}

/** Of a large answer each such part can get lost: what is longer on its way is cut more often. */
const PART = 64 << 10;

/**
 * A bad network on loopback, which knows nothing of the protocol that runs over it. Every byte takes half a round trip, a new
 * connection one more for TCP's handshake. An answer is what the other side sends until the client speaks again; one that gets
 * lost takes its connection with it, as TCP gives no gaps, and the client learns of that when the answer would have come.
 */
export class Link {
  port = 0;
  /** Bytes that the client has sent and that were sent to it, without the heads of TCP and IP. */
  bytesUp = 0;
  bytesDown = 0;
  connections = 0;
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
    const home = connect({ port, host: "127.0.0.1", noDelay: true });
    const up = new Delay(rttMs / 2, rttMs);
    const down = new Delay(rttMs / 2, 0);
    for (const socket of [client, home]) {
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => this.#sockets.delete(socket));
    }
    let left = 0; // bytes until the next part of this answer
    let cut = false;
    client.on("data", (data: Buffer) => {
      this.bytesUp += data.length;
      up.after(() => {
        left = 0;
        home.write(data);
      });
    });
    home.on("data", (data: Buffer) => {
      if (cut) return;
      for (let at = 0; at < data.length && !cut; ) {
        if (left === 0) {
          cut = this.#random() < loss;
          left = PART;
        }
        const step = Math.min(left, data.length - at);
        at += step;
        left -= step;
      }
      if (cut) {
        this.lost += 1;
        down.after(() => client.resetAndDestroy());
        home.destroy();
        return;
      }
      this.bytesDown += data.length;
      down.after(() => client.write(data));
    });
    client.on("close", () => up.after(() => home.destroy()));
    home.on("close", () => down.after(() => client.destroy()));
  }
}

/** Does things later by a fixed time, in their order; nothing before `opening` has passed since its making. */
class Delay {
  readonly #ms: number;
  readonly #from: number;
  readonly #queue: { due: number; act: () => void }[] = [];
  #waiting = false;

  constructor(ms: number, opening: number) {
    this.#ms = ms;
    this.#from = performance.now() + opening;
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

/** Numbers from 0 to 1 that a seed decides. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
