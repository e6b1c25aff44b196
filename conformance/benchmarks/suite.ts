import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startChild } from "./child.js";
import { compare, comparison, type Figure, value } from "./figure.js";
import type { Settings } from "./settings.js";
import { runTimed, type TimedRun } from "./suite/command.js";
import type { PeerRun } from "./suite/peers.js";

/** Measures the duration of a run of the suite, its rate of requests, and the duration of similar suites. */
export async function benchSuite(settings: Settings): Promise<Figure[]> {
  const { wants, compiled } = settings;
  const figures: Figure[] = [];
  const folder = join(compiled, "conformance/benchmarks/suite");
  const server = startChild(join(folder, "server.js"));
  const raw = startChild(join(folder, "raw.js"));
  try {
    const url = await server.call<string>("listen");
    if (wants("suite/check")) figures.push(...(await checks(settings, server, raw, url)));
    if (wants("suite/explore")) figures.push(await exploration(settings, url));
  } finally {
    await Promise.all([server.stop(), raw.stop()]);
  }
  if (wants("suite/peers")) figures.push(await peers(settings));
  return figures;
}

interface Check extends TimedRun {
  cases: number;
  requests: number;
}

async function checks(
  { compiled, rounds, quick }: Settings,
  server: Child,
  raw: Child,
  url: string,
): Promise<Figure[]> {
  const whole: Check[] = [];
  const fixed: Check[] = [];
  const inOne: Check[] = [];
  const loop: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const check = async (...args: string[]) => {
      await server.call("requests");
      const run = await runCheck(compiled, args);
      return { ...run, requests: await server.call<number>("requests") };
    };
    whole.push(await check(url));
    fixed.push(await check(url, "--skip", "explore/*"));
    if (!quick) inOne.push(await check("--reference"));
    loop.push(await raw.call<number>("raw", url, 1000));
  }
  const also = (checks: readonly Check[]) => ({
    "processor time in s": value(
      "",
      checks.map(({ cpu }) => cpu),
    ).median,
    cases: checks[0]?.cases ?? 0,
    "cases/s": value(
      "",
      checks.map(({ cases, wall }) => cases / wall),
    ).median,
  });
  const seconds = (of: string, checks: readonly Check[]) =>
    value(
      of,
      checks.map(({ wall }) => wall),
      { also: also(checks) },
    );
  const catalogue = seconds("catalogue without exploration", fixed);
  const perSecond = value(
    "the suite",
    fixed.map(({ requests, wall }) => requests / wall),
  );
  const maximum = value("undici in a loop", loop);
  return [
    {
      id: "suite/check",
      name: "seqsync check, from the start of the process to the verdict",
      unit: "s",
      better: "lower",
      meaning: "How long a developer waits for a verdict after a change.",
      conditions:
        "all cases except thorough ones, each in both codecs unless it is about the number of messages, 16 at a time",
      why: "The suite makes 12,000 requests, and both cores are busy all the time. Such a short run executes code that the JIT compiler has not optimized yet: a long loop of undici makes several times as many requests per second. Fewer requests would mean fewer checks.",
      values: [
        catalogue,
        seconds("whole", whole),
        ...(quick ? [] : [seconds("whole, server in the same process", inOne)]),
      ],
      comparisons: [comparison("catalogue without exploration, in s", catalogue.rounds, { is: "at most", value: 2 })],
    },
    {
      id: "suite/check-requests",
      name: "Requests of the suite per second",
      unit: "requests/s",
      better: "higher",
      meaning: "The rate of requests in a run, against that of the same HTTP client in a loop.",
      conditions: "including the start of the process; some cases wait",
      values: [perSecond, maximum],
      comparisons: [compare(perSecond, maximum)],
    },
  ];
}

async function runCheck(compiled: string, args: readonly string[]): Promise<TimedRun & { cases: number }> {
  const folder = mkdtempSync(join(tmpdir(), "seqsync-bench-"));
  const report = join(folder, "report.json");
  try {
    const command = [
      join(compiled, "conformance/cli/main.js"),
      "check",
      ...args,
      "--quiet",
      "--report",
      `json=${report}`,
    ];
    const run = await runTimed(process.execPath, command);
    const { cases, verdict } = JSON.parse(readFileSync(report, "utf8")) as { cases: unknown[]; verdict: string };
    if (verdict === "OUTCOME_FAIL" || verdict === "OUTCOME_ERROR")
      throw new Error(`the verdict on the reference server is ${verdict}`);
    return { ...run, cases: cases.length };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function exploration({ compiled, rounds, quick }: Settings, url: string): Promise<Figure> {
  const programs: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const seconds = quick ? 5 : 10;
    const args = ["explore", url, "--seconds", String(seconds), "--runs", "10000000", "--seed", String(round + 1)];
    const run = await runTimed(process.execPath, [join(compiled, "conformance/cli/main.js"), ...args]);
    const [, count] = /(\d[\d,]*) programs/.exec(run.stdout) ?? [];
    if (count === undefined) throw new Error(`the output has no number of programs: ${run.stdout.slice(0, 300)}`);
    programs.push((Number(count.replaceAll(",", "")) * 10) / seconds);
  }
  const found = value("random programs", programs);
  return {
    id: "suite/explore",
    name: "Random programs that explore runs in 10 seconds",
    unit: "programs/10 s",
    better: "higher",
    meaning: "How many different histories on a faulty network a server is checked with in a short time.",
    conditions: "two devices of each account, many network faults",
    values: [found],
    comparisons: [comparison("programs in 10 s", found.rounds, { is: "at least", value: 1000 })],
  };
}

async function peers({ compiled, quick, skip }: Settings): Promise<Figure> {
  const child = startChild(join(compiled, "conformance/benchmarks/suite/peers.js"));
  const runs: [string, PeerRun][] = [];
  const attempt = async (of: string, method: string, ...args: unknown[]) => {
    try {
      runs.push([of, await child.call<PeerRun>(method, ...args)]);
    } catch (error) {
      skip("suite/peers", `${of}: ${String(error)}`);
    }
  };
  await attempt("graphql-http audits", "graphqlHttp");
  if (quick) skip("suite/peers", "@durable-streams/server-conformance-tests: takes half a minute; not with --quick");
  else
    await attempt("@durable-streams/server-conformance-tests", "durableStreams", join(tmpdir(), "seqsync-bench-peers"));
  await child.stop();
  return {
    id: "suite/peers",
    name: "Similar suites, each against the server of its own project",
    unit: "s",
    better: "lower",
    meaning:
      "How long developers wait for similar suites. The suites check other things, so only the order of magnitude is comparable.",
    values: runs.map(([of, { wall, cpu, cases }]) =>
      value(of, [wall], { also: { "processor time in s": cpu, cases, "cases/s": cases / wall } }),
    ),
    comparisons: [],
  };
}
