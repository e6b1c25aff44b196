import { join } from "node:path";
import { type Child, startChild } from "./child.js";
import { against, type Figure, type Value, value } from "./figure.js";
import type { Settings } from "./settings.js";
import { watches } from "./watches.js";

/** What plain data would need: user id 17, token's hash 32, epoch 16, two seqs of 4. */
const PLAIN_ACCOUNT = 73;
/** Payload 100, sender 6, client_message_id 20, time 12, seq 4. */
const PLAIN_MESSAGE = 142;
const HOUR = 3_600_000;

/** What more of everything costs: nothing must get slower because much is there. */
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

/** Measures along an axis, in each round from its start with a fresh process, so that heaps of the rounds do not add up. */
async function along(
  worker: () => Child,
  settings: Settings,
  { of, xName, method, calls }: { of: string; xName: string; method: string; calls: number },
): Promise<{ values: Value[]; lastOverFirst: number[] }> {
  const rounds = sizes(settings).map((): number[] => []);
  for (let round = 0; round < settings.rounds; round += 1) {
    const child = worker();
    // What is compiled on the way must not make the first size look slow.
    await child.ask(method, 100, calls);
    for (const [index, size] of sizes(settings).entries()) {
      rounds[index]?.push(await child.ask<number>(method, size, calls));
    }
    await child.stop();
  }
  const values = sizes(settings).map((x, index) => value(of, rounds[index] as number[], { x, xName }));
  const last = rounds.at(-1) as number[];
  return { values, lastOverFirst: last.map((it, index) => it / (rounds[0]?.[index] as number)) };
}

/** What is compared: the last value of an axis with the first. */
const ends = (values: readonly Value[]) =>
  `${values.at(-1)?.x?.toLocaleString("en")} / ${values[0]?.x?.toLocaleString("en")} ${values[0]?.xName}`;

async function syncGrowth(worker: () => Child, settings: Settings): Promise<Figure> {
  const axis = { of: "Sync", xName: "messages pending", method: "syncAt", calls: 2000 };
  const { values, lastOverFirst } = await along(worker, settings, axis);
  return {
    id: "growth/sync",
    name: "Sync of a page of 100, acking the last one, against the backlog",
    unit: "µs/call",
    better: "lower",
    meaning: "A device that was away for a year gets its first page as fast as one that was away for a minute.",
    conditions:
      "the call without HTTP, from the body of its request to the body of its answer; median of 2,000 calls in each round",
    why: "The steps are the same for each size, and the same page asked for again costs the same at each. What differs is the garbage collector, for which a million messages are more than a gigabyte.",
    values,
    comparisons: [against(ends(values), lastOverFirst, { is: "at most", value: 1.5 })],
  };
}

async function sendGrowth(worker: () => Child, settings: Settings): Promise<Figure> {
  const axis = { of: "Send", xName: "accounts", method: "sendAt", calls: 2000 };
  const { values, lastOverFirst } = await along(worker, settings, axis);
  const few = await along(worker, settings, { ...axis, of: "Send, always to the same 100", method: "sendToFew" });
  return {
    id: "growth/send",
    name: "Send of 100 bytes, to one after another, against the number of accounts",
    unit: "µs/call",
    better: "lower",
    meaning: "A message costs the same however many people are on the server.",
    conditions:
      "the call without HTTP, from the body of its request to the body of its answer; processor time; median of 21 batches of 2,000 in each round",
    why: "The steps are the same for each size. With a million accounts each Send goes to one whose inbox is no longer in the processor's caches: where the same hundred are met all the time, it costs the same however many others there are.",
    values: [...values, ...few.values],
    comparisons: [
      against(ends(values), lastOverFirst, { is: "at most", value: 1.5 }),
      against(`${ends(values)}, always to the same 100`, few.lastOverFirst),
    ],
  };
}

async function rememberedGrowth(worker: () => Child, settings: Settings): Promise<Figure> {
  const axis = { of: "Send", xName: "Sends remembered", method: "rememberedAt", calls: 2000 };
  const { values, lastOverFirst } = await along(worker, settings, axis);
  return {
    id: "growth/remembered",
    name: "Send of 100 bytes, against the number of Sends that are remembered for their repetition",
    unit: "µs/call",
    better: "lower",
    meaning:
      "A server that promises to recognise a repetition for days is not slower than one that does so for minutes.",
    conditions:
      "the call without HTTP; with each Send the oldest record expires; processor time; median of 21 batches of 2,000 calls in each round",
    values,
    comparisons: [against(ends(values), lastOverFirst, { is: "at most", value: 1.5 })],
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
    account.push(value("idle account", [await child.ask<number>("idleAccounts", x)], { x, xName: "accounts" }));
    await child.stop();
    const other = worker();
    const plain = await other.ask<{ each: number; left: number }>("pendingMessages", x, 1);
    const kept = await other.ask<{ each: number; left: number }>("pendingMessages", x, HOUR);
    await other.stop();
    message.push(value("pending message", [plain.each], { x, xName: "messages" }));
    left.push(value("of it left after the ack", [plain.left], { x, xName: "messages" }));
    remembered.push(value("pending message with its dedupe record", [kept.each], { x, xName: "messages" }));
  }
  const conditions = "heap and buffers after a full collection of garbage";
  const last = (values: readonly Value[]) => values.at(-1)?.median ?? Number.NaN;
  return [
    {
      id: "growth/memory-account",
      name: "Memory of an account that only exists",
      unit: "bytes",
      better: "lower",
      meaning: "How many users fit into a server's memory while they are silent.",
      conditions,
      values: [...account, value("plain data", [PLAIN_ACCOUNT])],
      comparisons: [against("idle account / plain data", [last(account) / PLAIN_ACCOUNT])],
    },
    {
      id: "growth/memory-message",
      name: "Memory of a pending message of 100 bytes",
      unit: "bytes",
      better: "lower",
      meaning: "What a server holds for devices that are away; acked messages are freed.",
      conditions: `${conditions}; in 100 inboxes`,
      values: [...message, ...left, ...remembered, value("plain data", [PLAIN_MESSAGE])],
      comparisons: [
        against("pending message / plain data", [last(message) / PLAIN_MESSAGE]),
        against("left after the ack / pending message", [last(left) / last(message)], { is: "at most", value: 0.05 }),
      ],
    },
  ];
}
