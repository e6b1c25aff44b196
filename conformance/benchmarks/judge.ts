import { join } from "node:path";
import { startChild } from "./child.js";
import { against, type Figure, value } from "./figure.js";
import type { Judged } from "./judge/worker.js";
import type { Settings } from "./settings.js";

/** How fast a recorded history is judged, and that twice the history takes twice the time. */
export async function benchJudge({ compiled, rounds, quick, long, skip }: Settings): Promise<Figure[]> {
  const counts = [10_000, 100_000, ...(quick ? [300_000] : [1_000_000]), ...(long ? [10_000_000] : [])];
  if (!long) skip("judge, 10,000,000 events", "takes minutes and several GiB; --long measures it");
  const measured = counts.map((): Judged[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, count] of counts.entries()) {
      if (count > 1_000_000 && round > 0) continue; // once is enough for a point that only confirms the line
      const child = startChild(join(compiled, "conformance/benchmarks/judge/worker.js"));
      // What is compiled on the way must not make the shortest history look slow.
      await child.ask("judge", 50_000);
      const judged = await child.ask<Judged>("judge", count);
      if (judged.findings > 0) throw new Error(`${judged.findings} findings in a history that has no fault`);
      measured[index]?.push(judged);
      await child.stop();
    }
  }
  const at = (index: number) => ({ x: counts[index] as number, xName: "events" });
  const speeds = measured.map((all, index) =>
    value(
      "judge",
      all.map(({ seconds }) => (counts[index] as number) / seconds),
      at(index),
    ),
  );
  const memory = measured.map((all, index) =>
    value(
      "judge",
      all.map(({ bytes }) => bytes / (counts[index] as number)),
      at(index),
    ),
  );
  const slowdown = (speeds.at(-1)?.rounds ?? []).map((last, round) => (speeds[0]?.rounds[round] as number) / last);
  const conditions = "ten inboxes, ten messages a page, each twentieth answer lost; processor time of the judge alone";
  return [
    {
      id: "judge/events",
      name: "Events that the judge takes in a second",
      unit: "events/s",
      better: "higher",
      meaning:
        "How fast a day of recorded traffic can be judged again, offline. Every twentieth event is a page of ten messages.",
      conditions,
      values: speeds,
      comparisons: [
        against("time of an event in the longest history / in the shortest", slowdown, { is: "at most", value: 1.5 }),
      ],
    },
    {
      id: "judge/memory",
      name: "Memory that the judge holds for an event",
      unit: "bytes",
      better: "lower",
      meaning: "How long a history may be on a given machine: a judge of sent ids must remember them all.",
      conditions: "heap and buffers after a full collection of garbage",
      values: memory,
      comparisons: [],
    },
  ];
}
