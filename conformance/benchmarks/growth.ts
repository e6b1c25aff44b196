import { join } from "node:path";
import { type Child, startChild } from "./child.js";
import { comparison, type Figure, type Value, value } from "./figure.js";
import type { Settings } from "./settings.js";
import { watches } from "./watches.js";

/** Bytes of the plain data of an account: user id 17, hash of the token 32, epoch 16, two seqs of 4. */
const PLAIN_ACCOUNT = 73;
/** Bytes of the plain data of a message: payload 100, sender 6, client_message_id 20, time 12, seq 4. */
const PLAIN_MESSAGE = 142;
const HOUR = 3_600_000;

/** Measures how costs grow with the amount of data. */
export async function benchGrowth(settings: Settings): Promise<Figure[]> {
  const figures: Figure[] = [];
  const { wants, compiled } = settings;
  const worker = () => startChild(join(compiled, "conformance/benchmarks/growth/worker.js"));
  if (wants("growth/sync")) figures.push(await syncGrowth(worker, settings));
  if (wants("growth/send")) figures.push(await sendGrowth(worker, settings));
  if (wants("growth/remembered")) figures.push(await rememberedGrowth(worker, settings));
  if (wants("growth/memory")) figures.push(...(await memory(worker, settings)));
  if (wants("growth/watches")) figures.push(...(await watches(settings)));
  return figures;
}

const sizes = ({ quick }: Settings) => (quick ? [100, 10_000, 100_000] : [100, 1000, 10_000, 100_000, 1_000_000]);

/** Measures all positions of an axis, each round in a new process, so that the heaps of the rounds do not add up. */
async function measureAlong(
  worker: () => Child,
  settings: Settings,
  { of, xName, method, calls }: { of: string; xName: string; method: string; calls: number },
): Promise<{ values: Value[]; lastOverFirst: number[] }> {
  const rounds = sizes(settings).map((): number[] => []);
  for (let round = 0; round < settings.rounds; round += 1) {
    const child = worker();
    // Warms up the JIT compiler, which would slow down the first size.
    await child.call(method, 100, calls);
    for (const [index, size] of sizes(settings).entries()) {
      rounds[index]?.push(await child.call<number>(method, size, calls));
    }
    await child.stop();
  }
  const values = sizes(settings).map((x, index) => value(of, rounds[index] as number[], { x, xName }));
  const last = rounds.at(-1) as number[];
  return { values, lastOverFirst: last.map((it, index) => it / (rounds[0]?.[index] as number)) };
}

/** Name of the comparison of the last value of an axis with the first. */
const endsOf = (values: readonly Value[]) =>
  `${values.at(-1)?.x?.toLocaleString("en")} / ${values[0]?.x?.toLocaleString("en")} ${values[0]?.xName}`;

async function syncGrowth(worker: () => Child, settings: Settings): Promise<Figure> {
  const axis = { of: "Sync", xName: "messages pending", method: "syncAt", calls: 2000 };
  const { values, lastOverFirst } = await measureAlong(worker, settings, axis);
  return {
    id: "growth/sync",
    name: "Sync of a page of 100, acking the last one, against the backlog",
    unit: "µs/call",
    better: "lower",
    meaning: "A device that was offline for a year gets its first page as fast as one that was offline for a minute.",
    conditions:
      "the call without HTTP, from the body of the request to the body of the response; median of 2,000 calls in each round",
    why: "The steps are the same for each size, and requesting the same page again costs the same for each size. The difference is the garbage collector, for which a million messages are more than a gigabyte.",
    values,
    comparisons: [comparison(endsOf(values), lastOverFirst, { is: "at most", value: 1.5 })],
  };
}

async function sendGrowth(worker: () => Child, settings: Settings): Promise<Figure> {
  const axis = { of: "Send", xName: "accounts", method: "sendAt", calls: 2000 };
  const { values, lastOverFirst } = await measureAlong(worker, settings, axis);
  const few = await measureAlong(worker, settings, {
    ...axis,
    of: "Send, always to the same 100",
    method: "sendToFew",
  });
  return {
    id: "growth/send",
    name: "Send of 100 bytes to different accounts, against the number of accounts",
    unit: "µs/call",
    better: "lower",
    meaning: "A message costs the same, however many users the server has.",
    conditions:
      "the call without HTTP, from the body of the request to the body of the response; processor time; median of 21 batches of 2,000 in each round",
    why: "The steps are the same for each size. With a million accounts, the inbox of the recipient is no longer in the caches of the processor: a Send to the same hundred accounts costs the same, however many others there are.",
    values: [...values, ...few.values],
    comparisons: [
      comparison(endsOf(values), lastOverFirst, { is: "at most", value: 1.5 }),
      comparison(`${endsOf(values)}, always to the same 100`, few.lastOverFirst),
    ],
  };
}

async function rememberedGrowth(worker: () => Child, settings: Settings): Promise<Figure> {
  const axis = { of: "Send", xName: "dedup records", method: "rememberedAt", calls: 2000 };
  const { values, lastOverFirst } = await measureAlong(worker, settings, axis);
  return {
    id: "growth/remembered",
    name: "Send of 100 bytes, against the number of dedup records",
    unit: "µs/call",
    better: "lower",
    meaning: "A server with a dedup window of days is not slower than one with a dedup window of minutes.",
    conditions:
      "the call without HTTP; with each Send the oldest record expires; processor time; median of 21 batches of 2,000 calls in each round",
    values,
    comparisons: [comparison(endsOf(values), lastOverFirst, { is: "at most", value: 1.5 })],
  };
}

async function memory(worker: () => Child, settings: Settings): Promise<Figure[]> {
  const counts = settings.quick ? [100_000] : [100_000, 1_000_000];
  const account: Value[] = [];
  const message: Value[] = [];
  const remembered: Value[] = [];
  const left: Value[] = [];
  for (const x of counts) {
    const child = worker();
    account.push(value("idle account", [await child.call<number>("idleAccounts", x)], { x, xName: "accounts" }));
    await child.stop();
    const other = worker();
    const plain = await other.call<{ each: number; left: number }>("pendingMessages", x, 1);
    const kept = await other.call<{ each: number; left: number }>("pendingMessages", x, HOUR);
    await other.stop();
    message.push(value("pending message", [plain.each], { x, xName: "messages" }));
    left.push(value("left after the ack", [plain.left], { x, xName: "messages" }));
    remembered.push(value("pending message with its dedup record", [kept.each], { x, xName: "messages" }));
  }
  const conditions = "heap and buffers after a full garbage collection";
  const last = (values: readonly Value[]) => values.at(-1)?.median ?? Number.NaN;
  return [
    {
      id: "growth/memory-account",
      name: "Memory of an idle account",
      unit: "bytes",
      better: "lower",
      meaning: "How many idle users fit into the memory of a server.",
      conditions,
      values: [...account, value("plain data", [PLAIN_ACCOUNT])],
      comparisons: [comparison("idle account / plain data", [last(account) / PLAIN_ACCOUNT])],
    },
    {
      id: "growth/memory-message",
      name: "Memory of a pending message of 100 bytes",
      unit: "bytes",
      better: "lower",
      meaning: "Memory that a server needs for offline devices. Acked messages are freed.",
      conditions: `${conditions}; in 100 inboxes`,
      values: [...message, ...left, ...remembered, value("plain data", [PLAIN_MESSAGE])],
      comparisons: [
        comparison("pending message / plain data", [last(message) / PLAIN_MESSAGE]),
        comparison("left after the ack / pending message", [last(left) / last(message)], {
          is: "at most",
          value: 0.05,
        }),
      ],
    },
  ];
}
