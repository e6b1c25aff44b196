import { join } from "node:path";
import { type Child, startChild } from "./child.js";
import { type Broker, mosquitto, startBroker } from "./delivery/broker.js";
import { type Point, WAYS, type Way } from "./delivery/ways.js";
import type { Delivered, Delivery } from "./delivery/worker.js";
import { deliveryFigures } from "./delivery-figures.js";
import type { Figure } from "./figure.js";
import type { Settings } from "./settings.js";

interface Stage {
  home: Child;
  worker: Child;
  homePort: number;
  broker: Broker | undefined;
}

/** What a device goes through that comes back online: the same backlog, the same bad networks, and five ways to deliver it. */
export async function benchDelivery({ compiled, quick, rounds, skip }: Settings): Promise<Figure[]> {
  const here = join(compiled, "conformance/benchmarks/delivery");
  const home = startChild(join(here, "home.js"));
  const worker = startChild(join(here, "worker.js"));
  const command = mosquitto();
  if (command === undefined) skip("delivery, MQTT", "there is no Mosquitto here; apt-get install mosquitto");
  const broker = command === undefined ? undefined : await startBroker(command);
  try {
    const stage: Stage = { home, worker, broker, homePort: await home.ask<number>("listen") };
    const ways = (Object.values(WAYS) as Way[]).filter(
      ({ pageSize }) => pageSize !== undefined || broker !== undefined,
    );
    const points = ways.flatMap((way) => pointsOf(way, quick));
    // What is compiled on the way must not make the first point look slow.
    for (const way of ways) await deliver({ way, measured: 1000, rttMs: 0, loss: 0 }, 1, stage);
    for (let round = 1; round <= Math.min(rounds, 3); round += 1) {
      const run = async (point: Point) => {
        const deliveries: Delivered[] = [];
        for (let nr = 0; nr < repetitions(point, quick); nr += 1)
          deliveries.push(await deliver(point, round * 1000 + nr, stage));
        point.rounds.push(deliveries);
      };
      // What takes time because it works runs alone; what takes time because it waits runs side by side.
      for (const point of points) if (works(point)) await run(point);
      const waiting = points.filter((point) => !works(point)).sort((a, b) => foreseen(b) - foreseen(a));
      await Promise.all(
        Array.from({ length: 12 }, async () => {
          for (let point = waiting.shift(); point !== undefined; point = waiting.shift()) await run(point);
        }),
      );
    }
    return deliveryFigures(points);
  } finally {
    broker?.stop();
    await Promise.all([home.stop(), worker.stop()]);
  }
}

function pointsOf(way: Way, quick: boolean): Point[] {
  const points: Point[] = [];
  for (const count of [1, 100, 10_000])
    for (const rttMs of quick ? [0, 200] : [0, 50, 200])
      for (const loss of quick ? [0, 0.05] : [0, 0.01, 0.05, 0.2])
        points.push({ way, count, rttMs, loss, rounds: [], measured: feasible(way, count, rttMs, loss, quick) });
  return points;
}

/** Few answers are measured again and again, until some will have been lost. */
function repetitions(point: Point, quick: boolean): number {
  const { way, measured, loss } = point;
  const answers = Math.ceil(measured / way.perRoundTrip) + 1;
  const most = quick ? 4 : works(point) ? 5 : 20;
  return loss === 0 ? 1 : Math.max(1, Math.min(most, Math.floor(40 / answers)));
}

const works = ({ way, rttMs, measured }: Point) => rttMs === 0 || (measured > 1000 && way.perRoundTrip > 1);

let devices = 0;

async function deliver(
  { way, measured: count, rttMs, loss }: Pick<Point, "way" | "measured" | "rttMs" | "loss">,
  seed: number,
  { home, worker, homePort, broker }: Stage,
): Promise<Delivered> {
  const network = { count, rttMs, loss, seed };
  if (way.pageSize !== undefined) {
    const token = await home.ask<string>("fill", count);
    const device = { token, pageSize: way.pageSize };
    const delivered = await worker.ask<Delivered>("deliver", { ...network, port: homePort, device } satisfies Delivery);
    if (!(await home.ask<boolean>("acked", token)))
      throw new Error("the server has messages that were not acknowledged");
    return delivered;
  }
  if (broker === undefined) throw new Error("there is no broker");
  devices += 1;
  const device = { clientId: `device-${process.pid}-${devices}`, window: way.window };
  await worker.ask("fill", broker.port, device.clientId, count);
  return worker.ask<Delivered>("deliver", { ...network, port: broker.port, device } satisfies Delivery);
}

/** Milliseconds that the network alone will take, about. */
const foreseen = ({ way, measured, rttMs, loss }: Pick<Point, "way" | "measured" | "rttMs" | "loss">) =>
  Math.ceil(measured / way.perRoundTrip) * rttMs * (1 + 4 * loss);

/** All messages where that takes bearable time; else as many as fit into it, and the rest is calculated. */
function feasible(way: Way, count: number, rttMs: number, loss: number, quick: boolean): number {
  const limit = quick ? 4000 : 60_000;
  const all = foreseen({ way, measured: count, rttMs, loss });
  if (all <= limit) return count;
  return Math.max(way.perRoundTrip * 10, Math.floor((count * limit) / all));
}
