import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { SendRequestSchema, SyncRequestSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import { type Child, startChild } from "./child.js";
import { compare, type Figure, value } from "./figure.js";
import type { Ask } from "./load/http1.js";
import type { Load, Loaded } from "./load/loader.js";
import { NAMES } from "./servers/service.js";
import type { Settings } from "./settings.js";

const SERVERS = ["reference", "bare", "connect", "grpc"] as const;
type Kind = (typeof SERVERS)[number];
const TITLES: Record<Kind, string> = {
  reference: "reference server",
  bare: "bare node:http",
  connect: "@connectrpc/connect-node",
  grpc: "@grpc/grpc-js",
};

const ID = "0".repeat(20);
const send = Buffer.from(
  toBinary(
    SendRequestSchema,
    create(SendRequestSchema, {
      recipientId: NAMES.recipient,
      clientMessageId: ID,
      payload: new Uint8Array(100).fill(7),
    }),
  ),
);
const sync = Buffer.from(toBinary(SyncRequestSchema, create(SyncRequestSchema, { pageSize: 100 })));
const PATH = "/seqsync.v1.SeqSyncService";

interface Workload {
  id: string;
  name: string;
  meaning: string;
  why: string;
  ask: Ask;
  /** Where the bare server has an answer of the same size. */
  barePath: string;
}

const WORKLOADS: Workload[] = [
  {
    id: "server/sync-empty",
    name: "Sync with nothing pending",
    meaning:
      "The most frequent call: a device asks, and is up to date. How many devices one core can reassure in a second.",
    why: "Two thirds of the time are node:http and the kernel, which the bare server needs as well. What is added is the protocol: decoding the request and encoding the answer (a tenth of the time), looking up the hash of the token, and one more header, Cache-Control.",
    ask: { path: `${PATH}/Sync`, token: NAMES.idle, body: sync, idAt: undefined },
    barePath: `${PATH}/Sync`,
  },
  {
    id: "server/sync-page",
    name: "Sync of a page of 100 messages of 100 bytes",
    meaning: "A device comes back and fetches what it missed: one answer is a hundred messages.",
    why: "Encoding a hundred messages takes @bufbuild/protobuf 70 to 110 µs, about twice what the bare server takes for the whole request. To come near it, the server would have to keep each message in its encoded form, and one way of encoding would be written by hand; the reference server is for reading.",
    ask: { path: `${PATH}/Sync`, token: NAMES.reader, body: sync, idAt: undefined },
    barePath: `${PATH}/Sync?page`,
  },
  {
    id: "server/send",
    name: "Send of 100 bytes",
    meaning: "How many messages one core accepts in a second, each with its dedupe record.",
    why: "As with the empty Sync, and a Send also leaves something behind: the message, its dedupe record with the payload's hash, and the collection of what expires.",
    ask: { path: `${PATH}/Send`, token: NAMES.sender, body: send, idAt: send.indexOf(ID) },
    barePath: `${PATH}/Send`,
  },
];

interface Measured extends Loaded {
  /** Processor time of the server for one request, in microseconds. */
  serverMicros: number;
  /** Part of one core that the server was busy. */
  serverBusy: number;
}

/** The reference server against what Node can do at most, and against the libraries that one would use instead. */
export async function benchServer({ compiled, rounds, quick, profile, wants }: Settings): Promise<Figure[]> {
  const here = join(compiled, "conformance/benchmarks");
  const profiling = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`];
  const loader = startChild(join(here, "load/loader.js"));
  const servers = SERVERS.map((kind) => ({ kind, child: startChild(join(here, `servers/${kind}.js`), [], profiling) }));
  try {
    const targets = await Promise.all(
      servers.map(async (it) => ({ ...it, url: await it.child.ask<string>("listen") })),
    );
    const figures: Figure[] = [];
    for (const workload of WORKLOADS.filter(({ id }) => wants(id))) {
      const measured = new Map<Kind, Measured[]>(SERVERS.map((kind) => [kind, []]));
      for (let round = 0; round < rounds; round += 1) {
        // The order alternates, so that nobody always comes first.
        for (const target of round % 2 === 0 ? targets : [...targets].reverse()) {
          const warmMs = round > 0 ? 300 : quick ? 1000 : 4000;
          const one = await measure(loader, target, workload, { warmMs, ms: quick ? 1000 : 2500 });
          measured.get(target.kind)?.push(one);
        }
      }
      figures.push(...figuresOf(workload, measured));
    }
    return figures;
  } finally {
    await Promise.all([loader, ...servers.map(({ child }) => child)].map((child) => child.stop()));
  }
}

async function measure(
  loader: Child,
  { kind, child, url }: { kind: Kind; child: Child; url: string },
  { ask, barePath }: Workload,
  time: { warmMs: number; ms: number },
): Promise<Measured> {
  const load: Load = {
    url,
    protocol: kind === "grpc" ? "grpc" : "http1",
    ask: kind === "bare" ? { ...ask, path: barePath } : ask,
    // gRPC puts several calls on a connection, which saves it system calls; the number of calls under way is the same.
    ...(kind === "grpc" ? { connections: 4, streams: 8 } : { connections: 32, streams: 1 }),
    ...time,
  };
  // Warmed apart, so that the processor time that is counted belongs to the requests that are counted.
  await loader.ask("load", { ...load, warmMs: 0, ms: time.warmMs });
  const before = await child.ask<number>("cpu");
  const loaded = await loader.ask<Loaded>("load", { ...load, warmMs: 0 });
  const micros = (await child.ask<number>("cpu")) - before;
  return { ...loaded, serverMicros: micros / loaded.requests, serverBusy: micros / 1000 / time.ms };
}

function figuresOf({ id, name, meaning, why }: Workload, measured: ReadonlyMap<Kind, Measured[]>): Figure[] {
  const values = (pick: (it: Measured) => number) =>
    Object.fromEntries(
      SERVERS.map((kind) => {
        const rounds = measured.get(kind) as Measured[];
        const middle = (of: (it: Measured) => number) => value("", rounds.map(of)).median;
        const also = {
          "p50 in ms": middle((it) => it.p50Micros / 1000),
          "p99 in ms": middle((it) => it.p99Micros / 1000),
          "bytes of an answer": middle((it) => it.bytesPerAnswer),
          "server busy (cores)": middle((it) => it.serverBusy),
          "loader busy (cores)": middle((it) => it.loaderBusy),
        };
        return [kind, value(TITLES[kind], rounds.map(pick), { also })];
      }),
    ) as Record<Kind, ReturnType<typeof value>>;
  const rate = values((it) => it.requestsPerSecond);
  const cost = values((it) => it.serverMicros);
  const conditions = "32 calls under way at any time; the server and the load are processes of their own";
  return [
    {
      id,
      name,
      unit: "requests/s",
      better: "higher",
      meaning,
      conditions,
      why,
      values: Object.values(rate),
      comparisons: [
        compare(rate.reference, rate.bare, { is: "at least", value: 0.8 }),
        compare(rate.reference, rate.connect, { is: "at least", value: 4 }),
        compare(rate.reference, rate.grpc),
      ],
    },
    {
      id: `${id}-cpu`,
      name: `${name}: processor time of the server`,
      unit: "µs/request",
      better: "lower",
      meaning: "What a request costs the machine, whatever else runs on it: the inverse of what a core can do.",
      conditions,
      values: Object.values(cost),
      comparisons: [
        compare(cost.bare, cost.reference),
        compare(cost.connect, cost.reference),
        compare(cost.grpc, cost.reference),
      ],
    },
  ];
}
