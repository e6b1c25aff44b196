import { join } from "node:path";
import { type Child, startChild } from "./child.js";
import { type Broker, mosquitto, startBroker } from "./delivery/broker.js";
import { type DeliveryMethod, METHODS, type Point } from "./delivery/methods.js";
import type { DeliveryRequest, DeliveryResult } from "./delivery/worker.js";
import { deliveryFigures } from "./delivery-figures.js";
import type { Figure } from "./figure.js";
import type { Settings } from "./settings.js";

interface Environment {
  server: Child;
  worker: Child;
  serverPort: number;
  broker: Broker | undefined;
}

/**
 * Measures the delivery of a backlog to a device that comes back online: five methods on the same unreliable networks.
 */
export async function benchDelivery({ compiled, quick, rounds, skip }: Settings): Promise<Figure[]> {
  const folder = join(compiled, "conformance/benchmarks/delivery");
  const server = startChild(join(folder, "server.js"));
  const worker = startChild(join(folder, "worker.js"));
  const command = mosquitto();
  if (command === undefined) skip("delivery, MQTT", "Mosquitto is not installed; apt-get install mosquitto");
  const broker = command === undefined ? undefined : await startBroker(command);
  try {
    const environment: Environment = { server, worker, broker, serverPort: await server.call<number>("listen") };
    const methods = (Object.values(METHODS) as DeliveryMethod[]).filter(
      ({ pageSize }) => pageSize !== undefined || broker !== undefined,
    );
    const points = methods.flatMap((method) => pointsOf(method, quick));
    // Warms up the JIT compiler, which would slow down the first point.
    for (const method of methods) await deliver({ method, measured: 1000, rttMs: 0, loss: 0 }, 1, environment);
    for (let round = 1; round <= Math.min(rounds, 3); round += 1) {
      const run = async (point: Point) => {
        const deliveries: DeliveryResult[] = [];
        for (let nr = 0; nr < deliveriesPerRound(point, quick); nr += 1)
          deliveries.push(await deliver(point, round * 1000 + nr, environment));
        point.rounds.push(deliveries);
      };
      // Points that use the processor run alone; points that wait for the network run concurrently.
      for (const point of points) if (isCpuBound(point)) await run(point);
      const queue = points.filter((point) => !isCpuBound(point)).sort((a, b) => estimatedMs(b) - estimatedMs(a));
      await Promise.all(
        Array.from({ length: 12 }, async () => {
          for (let point = queue.shift(); point !== undefined; point = queue.shift()) await run(point);
        }),
      );
    }
    return deliveryFigures(points);
  } finally {
    broker?.stop();
    await Promise.all([server.stop(), worker.stop()]);
  }
}

function pointsOf(method: DeliveryMethod, quick: boolean): Point[] {
  const points: Point[] = [];
  for (const count of [1, 100, 10_000])
    for (const rttMs of quick ? [0, 200] : [0, 50, 200])
      for (const loss of quick ? [0, 0.05] : [0, 0.01, 0.05, 0.2])
        points.push({
          method,
          count,
          rttMs,
          loss,
          rounds: [],
          measured: feasibleCount(method, count, rttMs, loss, quick),
        });
  return points;
}

/** Number of deliveries of a point in each round: with few responses, enough of them that some responses are lost. */
function deliveriesPerRound(point: Point, quick: boolean): number {
  const { method, measured, loss } = point;
  const responses = Math.ceil(measured / method.perRoundTrip) + 1;
  const maximum = quick ? 4 : isCpuBound(point) ? 5 : 20;
  return loss === 0 ? 1 : Math.max(1, Math.min(maximum, Math.floor(40 / responses)));
}

const isCpuBound = ({ method, rttMs, measured }: Point) => rttMs === 0 || (measured > 1000 && method.perRoundTrip > 1);

let devices = 0;

async function deliver(
  { method, measured: count, rttMs, loss }: Pick<Point, "method" | "measured" | "rttMs" | "loss">,
  seed: number,
  { server, worker, serverPort, broker }: Environment,
): Promise<DeliveryResult> {
  const network = { count, rttMs, loss, seed };
  if (method.pageSize !== undefined) {
    const token = await server.call<string>("fill", count);
    const device = { token, pageSize: method.pageSize };
    const request: DeliveryRequest = { ...network, port: serverPort, device };
    const result = await worker.call<DeliveryResult>("deliver", request);
    if (!(await server.call<boolean>("acked", token))) throw new Error("the server has unacknowledged messages");
    return result;
  }
  if (broker === undefined) throw new Error("there is no broker");
  devices += 1;
  const device = { clientId: `device-${process.pid}-${devices}`, window: method.window };
  await worker.call("fill", broker.port, device.clientId, count);
  const request: DeliveryRequest = { ...network, port: broker.port, device };
  return worker.call<DeliveryResult>("deliver", request);
}

/** Estimated network time in milliseconds. */
const estimatedMs = ({ method, measured, rttMs, loss }: Pick<Point, "method" | "measured" | "rttMs" | "loss">) =>
  Math.ceil(measured / method.perRoundTrip) * rttMs * (1 + 4 * loss);

/** Number of messages to deliver: all, or as many as the time limit allows; the rest is then calculated. */
function feasibleCount(method: DeliveryMethod, count: number, rttMs: number, loss: number, quick: boolean): number {
  const limit = quick ? 4000 : 60_000;
  const all = estimatedMs({ method, measured: count, rttMs, loss });
  if (all <= limit) return count;
  return Math.max(method.perRoundTrip * 10, Math.floor((count * limit) / all));
}
