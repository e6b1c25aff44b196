import { setTimeout as pause } from "node:timers/promises";
import { serveMethods } from "../child.js";
import { driveGrpc } from "./grpc.js";
import { driveHttp1, type LoadRequest } from "./http1.js";
import { Tally } from "./tally.js";

export interface LoadOptions {
  url: string;
  protocol: "http1" | "grpc";
  request: LoadRequest;
  connections: number;
  /** Number of pending calls on each connection; more than one only with gRPC. */
  streams: number;
  warmUpMs: number;
  ms: number;
}

export interface LoadResult {
  requestsPerSecond: number;
  p50Micros: number;
  p99Micros: number;
  bytesPerResponse: number;
  requests: number;
  /** Share of one core that the load generator used. Below 1, the load generator was not the bottleneck. */
  loaderBusy: number;
}

serveMethods({
  async load(load: LoadOptions): Promise<LoadResult> {
    const tally = new Tally();
    let stop = () => {};
    const stopped = new Promise<void>((resolve) => {
      stop = resolve;
    });
    const request = { ...load.request, body: Buffer.from(load.request.body) };
    const all = Promise.all(
      Array.from({ length: load.connections }, () =>
        load.protocol === "grpc"
          ? driveGrpc(new URL(load.url), request, load.streams, tally, stopped)
          : driveHttp1(new URL(load.url), request, tally, stopped),
      ),
    );
    await Promise.race([pause(load.warmUpMs), all]);
    const cpu = process.cpuUsage();
    const started = performance.now();
    tally.start();
    await Promise.race([pause(load.ms), all]);
    tally.stop();
    const ms = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    stop();
    await all;
    return {
      requestsPerSecond: (tally.count / ms) * 1000,
      p50Micros: tally.quantile(0.5),
      p99Micros: tally.quantile(0.99),
      bytesPerResponse: tally.bytes / tally.count,
      requests: tally.count,
      loaderBusy: (user + system) / 1000 / ms,
    };
  },
});
