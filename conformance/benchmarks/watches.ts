import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "./child.js";
import { type Figure, value } from "./figure.js";
import type { Settings } from "./settings.js";

/** Measures the memory of many open Watches on one server, and the time until all have received a change. */
export async function watches({ compiled, quick, rounds, skip }: Settings): Promise<Figure[]> {
  const count = quick ? 2000 : 10_000;
  const limit = maxOpenFiles();
  if (limit < count + 200) {
    skip(
      "growth/watches",
      `the limit of open files is ${limit}, and ${count + 200} are necessary; raise it with ulimit -n`,
    );
    return [];
  }
  const folder = join(compiled, "conformance/benchmarks/growth");
  const server = startChild(join(folder, "watch-server.js"));
  const clients = startChild(join(folder, "watch-clients.js"));
  try {
    const url = await server.call<string>("listen");
    const [before, rssBefore] = [await server.call<number>("memory"), await server.call<number>("rss")];
    await clients.call("open", url, count);
    const open = await server.call<number>("watches");
    if (open !== count) throw new Error(`${open} of ${count} watches are open`);
    const each = ((await server.call<number>("memory")) - before) / count;
    const resident = ((await server.call<number>("rss")) - rssBefore) / count;

    const times: number[] = [];
    for (let round = 0; round < Math.max(5, rounds); round += 1) {
      const all = clients.call<number>("allNotified");
      const committed = await server.call<number>("commit", `commit-${round}`);
      times.push((await all) - committed);
    }
    await clients.call("close");
    const x = { x: count, xName: "watches" };
    return [
      {
        id: "growth/watches-memory",
        name: "Memory of an open Watch, its connection included",
        unit: "bytes",
        better: "lower",
        meaning: "Memory for a user who is online and is notified of messages at once.",
        conditions: "heap and buffers after a full garbage collection; resident: resident set size of the process",
        values: [value("open Watch", [each], x), value("open Watch, resident", [resident], x)],
        comparisons: [],
      },
      {
        id: "growth/watches-heard",
        name: `Time until ${count.toLocaleString("en")} watchers of one inbox are notified of a message`,
        unit: "ms",
        better: "lower",
        meaning: "How soon the last device is notified. The specification allows 5 seconds, and recommends 1.",
        conditions: "the server and all clients on one machine, in one process each",
        values: [value("last watcher", times, x)],
        comparisons: [],
      },
    ];
  } finally {
    await Promise.all([server.stop(), clients.stop()]);
  }
}

/** Maximum number of open files of a process; infinity if it is unknown. */
function maxOpenFiles(): number {
  try {
    return Number(/Max open files\s+(\d+)/.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? Number.NaN);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
