import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "./child.js";
import { type Figure, value } from "./figure.js";
import type { Settings } from "./settings.js";

/** Very many open Watches on one server: what each costs, and how soon all have heard of one commit. */
export async function watches({ compiled, quick, rounds, skip }: Settings): Promise<Figure[]> {
  const count = quick ? 2000 : 10_000;
  const room = openFiles();
  if (room < count + 200) {
    skip("growth/watches", `this shell allows ${room} open files, ${count + 200} are needed; raise it with ulimit -n`);
    return [];
  }
  const here = join(compiled, "conformance/benchmarks/growth");
  const server = startChild(join(here, "watched.js"));
  const clients = startChild(join(here, "watchers.js"));
  try {
    const url = await server.ask<string>("listen");
    const [before, rssBefore] = [await server.ask<number>("memory"), await server.ask<number>("rss")];
    await clients.ask("open", url, count);
    const open = await server.ask<number>("watches");
    if (open !== count) throw new Error(`${open} of ${count} watches are open`);
    const each = ((await server.ask<number>("memory")) - before) / count;
    const resident = ((await server.ask<number>("rss")) - rssBefore) / count;

    const times: number[] = [];
    for (let round = 0; round < Math.max(5, rounds); round += 1) {
      const all = clients.ask<number>("allHeard");
      const committed = await server.ask<number>("commit", `commit-${round}`);
      times.push((await all) - committed);
    }
    await clients.ask("close");
    const x = { x: count, xName: "watches" };
    return [
      {
        id: "growth/watches-memory",
        name: "Memory of an open Watch, its connection included",
        unit: "bytes",
        better: "lower",
        meaning: "What it costs a server that a user is online and will hear of a message at once.",
        conditions: "heap and buffers after a full collection of garbage; resident: as the kernel counts the process",
        values: [value("open Watch", [each], x), value("open Watch, resident", [resident], x)],
        comparisons: [],
      },
      {
        id: "growth/watches-heard",
        name: `Time until all of ${count.toLocaleString("en")} watchers of one inbox have heard of one commit`,
        unit: "ms",
        better: "lower",
        meaning:
          "How soon the last of so many open devices is told; the specification allows 5 seconds, and asks for 1.",
        conditions: "the server and all clients on one machine, in a process each",
        values: [value("last watcher", times, x)],
        comparisons: [],
      },
    ];
  } finally {
    await Promise.all([server.stop(), clients.stop()]);
  }
}

/** How many files a process of this machine may have open; without a way to know, enough. */
function openFiles(): number {
  try {
    return Number(/Max open files\s+(\d+)/.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? Number.NaN);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
