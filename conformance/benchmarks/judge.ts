import { join } from "node:path";
import { startChild } from "./child.js";
import { comparison, type Figure, value } from "./figure.js";
import type { JudgeRun } from "./judge/worker.js";
import type { Settings } from "./settings.js";

/** Measures how fast the judge is, and whether its time is proportional to the length of the history. */
export async function benchJudge({ compiled, rounds, quick, long, skip }: Settings): Promise<Figure[]> {
  const counts = [10_000, 100_000, ...(quick ? [300_000] : [1_000_000]), ...(long ? [10_000_000] : [])];
  if (!long) skip("judge, 10,000,000 events", "takes minutes and several GiB; use --long");
  const measured = counts.map((): JudgeRun[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, count] of counts.entries()) {
      if (count > 1_000_000 && round > 0) continue; // one round suffices to confirm the trend
      const child = startChild(join(compiled, "conformance/benchmarks/judge/worker.js"));
      // Warms up the JIT compiler, which would slow down the shortest history.
      await child.call("judge", 50_000);
      const run = await child.call<JudgeRun>("judge", count);
      if (run.findings > 0) throw new Error(`${run.findings} findings in a history without violations`);
      measured[index]?.push(run);
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
  const conditions =
    "ten inboxes, ten messages per page, every twentieth Sync without a response; processor time of the judge alone";
  return [
    {
      id: "judge/events",
      name: "Events that the judge processes per second",
      unit: "events/s",
      better: "higher",
      meaning:
        "How fast a day of recorded traffic can be judged offline. Every twentieth event is a page of ten messages.",
      conditions,
      values: speeds,
      comparisons: [
        comparison("time per event in the longest history / in the shortest", slowdown, { is: "at most", value: 1.5 }),
      ],
    },
    {
      id: "judge/memory",
      name: "Memory of the judge per event",
      unit: "bytes",
      better: "lower",
      meaning: "How long a history may be on a given machine: the judge keeps every id that was sent.",
      conditions: "heap and buffers after a full garbage collection",
      values: memory,
      comparisons: [],
    },
  ];
}
