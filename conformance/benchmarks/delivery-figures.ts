import { type Point, WAYS, type Way } from "./delivery/ways.js";
import { against, type Comparison, compare, type Figure, type Value, value } from "./figure.js";

const COUNTS = [1, 100, 10_000];
const MEANING =
  "How long a phone takes that comes back online, until the application has the last message, each exactly once.";
const CONDITIONS =
  "simulated on loopback: half a round trip for every byte, one more for a new connection; an answer that gets lost takes its connection with it, of a large one each part of 64 KiB can; whoever is cut connects again at once; no TLS";

/** A figure for each backlog and round-trip time, with the loss as its axis; then bytes, and round trips, without loss. */
export function deliveryFigures(points: readonly Point[]): Figure[] {
  const rtts = [...new Set(points.map(({ rttMs }) => rttMs))];
  return [
    ...COUNTS.flatMap((count) => rtts.map((rttMs) => timeFigure(points, count, rttMs))),
    bytesFigure(points),
    roundTripsFigure(points, Math.max(...rtts)),
  ];
}

const ways = (points: readonly Point[]) => [...new Set(points.map(({ way }) => way))];

function timeFigure(points: readonly Point[], count: number, rttMs: number): Figure {
  const here = points.filter((point) => point.count === count && point.rttMs === rttMs);
  const values = here.map((point): Value & { way: Way } => {
    const { way, loss, rounds, measured } = point;
    const scale = count / measured;
    const all = rounds.flat();
    const also = {
      "bytes a message": mean(all.map(({ bytes }) => bytes / measured)),
      connections: 1 + mean(all.map(({ connections }) => connections - 1)) * scale,
      "doubles kept from the application": mean(all.map(({ doubled }) => doubled)) * scale,
    };
    const calculated = measured === count ? {} : { calculated: calculatedFrom(measured) };
    const ms = timesOf(point, points);
    return { ...value(way.name, ms, { x: loss * 100, xName: "% of answers lost", also, ...calculated }), way };
  });
  const comparisons: Comparison[] = [];
  for (const loss of new Set(here.map((point) => point.loss * 100))) {
    const at = (way: Way) => values.find((it) => it.way === way && it.x === loss);
    const ours = at(WAYS.seqsync);
    for (const way of ways(points)) {
      const theirs = at(way);
      if (way === WAYS.seqsync || ours === undefined || theirs === undefined) continue;
      comparisons.push(compare(theirs, ours, undefined, `${way.name} / ${WAYS.seqsync.name}, ${loss} % lost`));
    }
  }
  return {
    id: `delivery/${count}-messages-rtt-${rttMs}`,
    name: `Time to deliver a backlog of ${count.toLocaleString("en")} at a round trip of ${rttMs} ms`,
    unit: "ms",
    better: "lower",
    meaning: MEANING,
    conditions: CONDITIONS,
    values: values.map(({ way: _, ...it }) => it),
    comparisons,
  };
}

function bytesFigure(points: readonly Point[]): Figure {
  const values = points
    .filter(({ rttMs, loss }) => rttMs === 0 && loss === 0)
    .map(({ way, count, measured, rounds }) =>
      value(
        way.name,
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
      "What a delivery costs of a user's data plan. A message of Seq Sync says who sent it, when, and under which id; one of MQTT here is the payload and a topic.",
    conditions: "both directions, with HTTP's and MQTT's own heads, acks and connecting; without TCP, IP and TLS",
    values,
    comparisons: [],
  };
}

/** What a longer round trip adds, in round trips: it holds for every protocol, whatever it calls its messages. */
function roundTripsFigure(points: readonly Point[], rttMs: number): Figure {
  const values = ways(points).flatMap((way) =>
    COUNTS.flatMap((count) => {
      const at = (rtt: number) =>
        points.find((it) => it.way === way && it.count === count && it.rttMs === rtt && it.loss === 0);
      const [near, far] = [at(0), at(rttMs)];
      if (near === undefined || far === undefined) return [];
      const nearTimes = timesOf(near, points);
      const trips = timesOf(far, points).map((ms, round) => (ms - (nearTimes[round] as number)) / rttMs);
      const calculated = far.measured === count ? {} : { calculated: calculatedFrom(far.measured) };
      return [value(way.name, trips, { x: count, xName: "messages", ...calculated })];
    }),
  );
  const [ours, theirs] = [WAYS.seqsync, WAYS.single].map(({ name }) =>
    values.find(({ of, x }) => of === name && x === 10_000),
  );
  return {
    id: "delivery/round-trips",
    name: "Round trips until a backlog is delivered",
    unit: "round trips",
    better: "lower",
    meaning: "On a bad network the round trip is what one waits for, and the phone's radio stays on for.",
    conditions: `(time at ${rttMs} ms − time at 0 ms) / ${rttMs} ms, without loss; TCP's handshake included`,
    values,
    comparisons:
      ours === undefined || theirs === undefined
        ? []
        : [against("an ack for each message / Seq Sync, 10,000 messages", [theirs.median / ours.median])],
  };
}

/**
 * Milliseconds of each round, on average over its deliveries. Where only a part of the messages was sent, the rest is in
 * proportion, but for connecting, which is there once: it is what a single message takes.
 */
function timesOf({ way, count, rttMs, measured, rounds }: Point, points: readonly Point[]): number[] {
  const times = rounds.map((deliveries) => mean(deliveries.map(({ ms }) => ms)));
  if (measured === count) return times;
  const single = points.find((it) => it.way === way && it.count === 1 && it.rttMs === rttMs && it.loss === 0);
  const connecting = mean(single?.rounds.flat().map(({ ms }) => ms) ?? []);
  return times.map((ms) => connecting + (ms - connecting) * (count / measured));
}

const calculatedFrom = (messages: number) => `from ${messages} messages, in proportion, connecting once`;
const mean = (numbers: readonly number[]) => numbers.reduce((sum, it) => sum + it, 0) / numbers.length;
