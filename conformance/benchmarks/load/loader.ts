import { setTimeout as pause } from "node:timers/promises";
import { answer } from "../child.js";
import { driveGrpc } from "./grpc.js";
import { type Ask, drive } from "./http1.js";
import { Tally } from "./tally.js";

export interface Load {
  url: string;
  protocol: "http1" | "grpc";
  ask: Ask;
  connections: number;
  /** Calls under way on each connection: more than one with gRPC only. */
  streams: number;
  warmMs: number;
  ms: number;
}

export interface Loaded {
  requestsPerSecond: number;
  p50Micros: number;
  p99Micros: number;
  bytesPerAnswer: number;
  requests: number;
  /** Part of one core that the loader itself was busy: below 1, it had time to ask for more. */
  loaderBusy: number;
}

answer({
  async load(load: Load): Promise<Loaded> {
    const tally = new Tally();
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const ask = { ...load.ask, body: Buffer.from(load.ask.body) };
    const all = Promise.all(
      Array.from({ length: load.connections }, () =>
        load.protocol === "grpc"
          ? driveGrpc(new URL(load.url), ask, load.streams, tally, ended)
          : drive(new URL(load.url), ask, tally, ended),
      ),
    );
    await Promise.race([pause(load.warmMs), all]);
    const cpu = process.cpuUsage();
    const started = performance.now();
    tally.start();
    await Promise.race([pause(load.ms), all]);
    tally.stop();
    const ms = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    end();
    await all;
    return {
      requestsPerSecond: (tally.count / ms) * 1000,
      p50Micros: tally.quantile(0.5),
      p99Micros: tally.quantile(0.99),
      bytesPerAnswer: tally.bytes / tally.count,
      requests: tally.count,
      loaderBusy: (user + system) / 1000 / ms,
    };
  },
});
