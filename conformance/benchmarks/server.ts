import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { SendRequestSchema, SyncRequestSchema } from "../../proto/gen/seqsync/v1/service_pb.js";
import { type Child, startChild } from "./child.js";
import { compare, type Figure, value } from "./figure.js";
import type { LoadRequest } from "./load/http1.js";
import type { LoadOptions, LoadResult } from "./load/loader.js";
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
  request: LoadRequest;
  /** Path of the bare server with a response of the same size. */
  barePath: string;
}

const WORKLOADS: Workload[] = [
  {
    id: "server/sync-empty",
    name: "Sync with nothing pending",
    meaning:
      "The most frequent call: a device that is up to date. How many of these Syncs one core processes per second.",
    why: "Two thirds of the time are node:http and the kernel, which the bare server needs as well. The protocol adds decoding the request and encoding the response (a tenth of the time), looking up the hash of the token, and the header Cache-Control.",
    request: { path: `${PATH}/Sync`, token: NAMES.idle, body: sync, idAt: undefined },
    barePath: `${PATH}/Sync`,
  },
  {
    id: "server/sync-page",
    name: "Sync of a page of 100 messages of 100 bytes",
    meaning: "A device comes back online and fetches its pending messages: one response has a hundred messages.",
    why: "Encoding a hundred messages takes @bufbuild/protobuf 70 to 110 µs, about twice the time of the bare server for the whole request. A faster server would keep each message in encoded form, with a handwritten encoder; the reference server is for reading.",
    request: { path: `${PATH}/Sync`, token: NAMES.reader, body: sync, idAt: undefined },
    barePath: `${PATH}/Sync?page`,
  },
  {
    id: "server/send",
    name: "Send of 100 bytes",
    meaning: "How many messages one core accepts per second, each with its dedup record.",
    why: "As with the empty Sync; in addition, a Send stores the message and a dedup record with the hash of the payload, and frees expired records.",
    request: { path: `${PATH}/Send`, token: NAMES.sender, body: send, idAt: send.indexOf(ID) },
    barePath: `${PATH}/Send`,
  },
];

interface Measured extends LoadResult {
  /** Processor time of the server for one request, in microseconds. */
  serverMicros: number;
  /** Share of one core that the server used. */
  serverBusy: number;
}

/** Compares the reference server with the maximum of Node.js, and with libraries for the same purpose. */
export async function benchServer({ compiled, rounds, quick, profile, wants }: Settings): Promise<Figure[]> {
  const folder = join(compiled, "conformance/benchmarks");
  const profiling = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`];
  const loader = startChild(join(folder, "load/loader.js"));
  const servers = SERVERS.map((kind) => ({
    kind,
    child: startChild(join(folder, `servers/${kind}.js`), [], profiling),
  }));
  try {
    const targets = await Promise.all(
      servers.map(async (it) => ({ ...it, url: await it.child.call<string>("listen") })),
    );
    const figures: Figure[] = [];
    for (const workload of WORKLOADS.filter(({ id }) => wants(id))) {
      const measured = new Map<Kind, Measured[]>(SERVERS.map((kind) => [kind, []]));
      for (let round = 0; round < rounds; round += 1) {
        // The order alternates, so that no server always comes first.
        for (const target of round % 2 === 0 ? targets : [...targets].reverse()) {
          const warmUpMs = round > 0 ? 300 : quick ? 1000 : 4000;
          const one = await measure(loader, target, workload, { warmUpMs, ms: quick ? 1000 : 2500 });
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
  { request, barePath }: Workload,
  time: { warmUpMs: number; ms: number },
): Promise<Measured> {
  const load: LoadOptions = {
    url,
    protocol: kind === "grpc" ? "grpc" : "http1",
    request: kind === "bare" ? { ...request, path: barePath } : request,
    // gRPC makes several calls on a connection, which saves system calls; the number of pending calls is the same.
    ...(kind === "grpc" ? { connections: 4, streams: 8 } : { connections: 32, streams: 1 }),
    ...time,
  };
  // Separate warm-up, so that the processor time belongs to the counted requests.
  await loader.call("load", { ...load, warmUpMs: 0, ms: time.warmUpMs });
  const before = await child.call<number>("cpu");
  const loaded = await loader.call<LoadResult>("load", { ...load, warmUpMs: 0 });
  const micros = (await child.call<number>("cpu")) - before;
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
          "bytes per response": middle((it) => it.bytesPerResponse),
          "server busy (cores)": middle((it) => it.serverBusy),
          "loader busy (cores)": middle((it) => it.loaderBusy),
        };
        return [kind, value(TITLES[kind], rounds.map(pick), { also })];
      }),
    ) as Record<Kind, ReturnType<typeof value>>;
  const rate = values((it) => it.requestsPerSecond);
  const cost = values((it) => it.serverMicros);
  const conditions = "32 pending calls at any time; the server and the load generator are separate processes";
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
      meaning:
        "Processor time of a request, independent of other processes: the inverse of the maximum rate of a core.",
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
