import { type DeliveryMethod, METHODS, type Point } from "./delivery/methods.js";
import { type Comparison, compare, comparison, type Figure, type Value, value } from "./figure.js";

const COUNTS = [1, 100, 10_000];
const MEANING =
  "Time until the application on a phone that comes back online has the last message, each message exactly once.";
const CONDITIONS =
  "simulated on loopback, without TLS: every byte takes half a round trip, a new connection one round trip more; a lost response closes its connection, and of a large response each part of 64 KiB may be lost; a client connects again at once";

/**
 * A figure for each backlog and round-trip time, by the share of lost responses; then bytes and round trips without
 * loss.
 */
export function deliveryFigures(points: readonly Point[]): Figure[] {
  const rtts = [...new Set(points.map(({ rttMs }) => rttMs))];
  return [
    ...COUNTS.flatMap((count) => rtts.map((rttMs) => timeFigure(points, count, rttMs))),
    bytesFigure(points),
    roundTripsFigure(points, Math.max(...rtts)),
  ];
}

const methodsOf = (points: readonly Point[]) => [...new Set(points.map(({ method }) => method))];

function timeFigure(points: readonly Point[], count: number, rttMs: number): Figure {
  const selected = points.filter((point) => point.count === count && point.rttMs === rttMs);
  const values = selected.map((point): Value & { method: DeliveryMethod } => {
    const { method, loss, rounds, measured } = point;
    const scale = count / measured;
    const all = rounds.flat();
    const also = {
      "bytes per message": mean(all.map(({ bytes }) => bytes / measured)),
      connections: 1 + mean(all.map(({ connections }) => connections - 1)) * scale,
      "duplicates removed by the device": mean(all.map(({ duplicates }) => duplicates)) * scale,
    };
    const calculated = measured === count ? {} : { calculated: calculationNote(measured) };
    const ms = timesOf(point, points);
    return { ...value(method.name, ms, { x: loss * 100, xName: "% of responses lost", also, ...calculated }), method };
  });
  const comparisons: Comparison[] = [];
  for (const loss of new Set(selected.map((point) => point.loss * 100))) {
    const at = (method: DeliveryMethod) => values.find((it) => it.method === method && it.x === loss);
    const seqSync = at(METHODS.seqsync);
    for (const method of methodsOf(points)) {
      const other = at(method);
      if (method === METHODS.seqsync || seqSync === undefined || other === undefined) continue;
      const of = `${method.name} / ${METHODS.seqsync.name}, ${loss} % lost`;
      comparisons.push(compare(other, seqSync, undefined, of));
    }
  }
  return {
    id: `delivery/${count}-messages-rtt-${rttMs}`,
    name: `Time to deliver a backlog of ${count.toLocaleString("en")} at a round trip of ${rttMs} ms`,
    unit: "ms",
    better: "lower",
    meaning: MEANING,
    conditions: CONDITIONS,
    values: values.map(({ method: _, ...it }) => it),
    comparisons,
  };
}

function bytesFigure(points: readonly Point[]): Figure {
  const values = points
    .filter(({ rttMs, loss }) => rttMs === 0 && loss === 0)
    .map(({ method, count, measured, rounds }) =>
      value(
        method.name,
        rounds.flat().map(({ bytes }) => bytes / measured),
        { x: count, xName: "messages" },
      ),
    );
  return {
    id: "delivery/bytes",
    name: "Bytes on the wire for each message of 100 bytes",
    unit: "bytes/message",
    better: "lower",
    meaning:
      "Mobile data that a delivery uses. A message of Seq Sync carries its sender, its time and its id; a message of MQTT carries the payload and a topic.",
    conditions: "both directions, with the headers of HTTP and MQTT, acks and connecting; without TCP, IP and TLS",
    values,
    comparisons: [],
  };
}

/** The additional time of a longer round trip, in round trips: a number that does not depend on the protocol. */
function roundTripsFigure(points: readonly Point[], rttMs: number): Figure {
  const values = methodsOf(points).flatMap((method) =>
    COUNTS.flatMap((count) => {
      const at = (rtt: number) =>
        points.find((it) => it.method === method && it.count === count && it.rttMs === rtt && it.loss === 0);
      const [near, far] = [at(0), at(rttMs)];
      if (near === undefined || far === undefined) return [];
      const nearTimes = timesOf(near, points);
      const trips = timesOf(far, points).map((ms, round) => (ms - (nearTimes[round] as number)) / rttMs);
      const calculated = far.measured === count ? {} : { calculated: calculationNote(far.measured) };
      return [value(method.name, trips, { x: count, xName: "messages", ...calculated })];
    }),
  );
  const [seqSync, single] = [METHODS.seqsync, METHODS.single].map(({ name }) =>
    values.find(({ of, x }) => of === name && x === 10_000),
  );
  return {
    id: "delivery/round-trips",
    name: "Round trips until a backlog is delivered",
    unit: "round trips",
    better: "lower",
    meaning: "On a slow network, round trips determine the waiting time and how long the radio of a phone stays on.",
    conditions: `(time at ${rttMs} ms − time at 0 ms) / ${rttMs} ms, without loss, including TCP's handshake`,
    values,
    comparisons:
      seqSync === undefined || single === undefined
        ? []
        : [comparison("an ack for each message / Seq Sync, 10,000 messages", [single.median / seqSync.median])],
  };
}

/**
 * Milliseconds of each round, as the mean of its deliveries. If only a part of the messages was delivered, the rest is
 * added in proportion, except for connecting, which is the time of a single message.
 */
function timesOf({ method, count, rttMs, measured, rounds }: Point, points: readonly Point[]): number[] {
  const times = rounds.map((deliveries) => mean(deliveries.map(({ ms }) => ms)));
  if (measured === count) return times;
  const single = points.find((it) => it.method === method && it.count === 1 && it.rttMs === rttMs && it.loss === 0);
  const connecting = mean(single?.rounds.flat().map(({ ms }) => ms) ?? []);
  return times.map((ms) => connecting + (ms - connecting) * (count / measured));
}

const calculationNote = (messages: number) => `in proportion from ${messages} messages, with one connection`;
const mean = (numbers: readonly number[]) => numbers.reduce((sum, it) => sum + it, 0) / numbers.length;
