import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Child, startChild } from "./child.js";
import { against, compare, type Figure, value } from "./figure.js";
import type { Settings } from "./settings.js";
import { type Timed, timed } from "./suite/command.js";
import type { PeerRun } from "./suite/peers.js";

/** How long a run of the suite takes, where its time goes, and what other suites of this kind take. */
export async function benchSuite(settings: Settings): Promise<Figure[]> {
  const { wants, compiled } = settings;
  const figures: Figure[] = [];
  const here = join(compiled, "conformance/benchmarks/suite");
  const server = startChild(join(here, "server.js"));
  const raw = startChild(join(here, "raw.js"));
  try {
    const url = await server.ask<string>("listen");
    if (wants("suite/check")) figures.push(...(await checks(settings, server, raw, url)));
    if (wants("suite/explore")) figures.push(await exploration(settings, url));
  } finally {
    await Promise.all([server.stop(), raw.stop()]);
  }
  if (wants("suite/peers")) figures.push(await peers(settings));
  return figures;
}

interface Check extends Timed {
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
      await server.ask("requests");
      const run = await runCheck(compiled, args);
      return { ...run, requests: await server.ask<number>("requests") };
    };
    whole.push(await check(url));
    fixed.push(await check(url, "--skip", "explore/*"));
    if (!quick) inOne.push(await check("--reference"));
    loop.push(await raw.ask<number>("raw", url, 1000));
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
  const most = value("undici in a loop", loop);
  return [
    {
      id: "suite/check",
      name: "seqsync check, from the start of its process to the verdict",
      unit: "s",
      better: "lower",
      meaning: "How long a developer waits for the verdict on a server after a change.",
      conditions:
        "all cases but those that are slow by their nature, each in both codecs unless it is about the number of messages, 16 at a time",
      why: "The suite makes 12,000 requests, and both cores are busy all the time. A run so short is spent in code that is not compiled yet: a loop of undici that has run for a while makes several times as many requests a second. Fewer requests would mean fewer checks.",
      values: [
        catalogue,
        seconds("whole", whole),
        ...(quick ? [] : [seconds("whole, server in the same process", inOne)]),
      ],
      comparisons: [against("catalogue without exploration, in s", catalogue.rounds, { is: "at most", value: 2 })],
    },
    {
      id: "suite/check-requests",
      name: "Requests that the suite makes in a second",
      unit: "requests/s",
      better: "higher",
      meaning: "How much of a run is work on the wire, against what the same HTTP client does if it does nothing else.",
      conditions: "start of the process included; some cases wait by their nature",
      values: [perSecond, most],
      comparisons: [compare(perSecond, most)],
    },
  ];
}

async function runCheck(compiled: string, args: readonly string[]): Promise<Timed & { cases: number }> {
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
    const run = await timed(process.execPath, command);
    const { cases, verdict } = JSON.parse(readFileSync(report, "utf8")) as { cases: unknown[]; verdict: string };
    if (verdict === "OUTCOME_FAIL" || verdict === "OUTCOME_HARNESS_ERROR")
      throw new Error(`the reference server gets the verdict ${verdict}`);
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
    const run = await timed(process.execPath, [join(compiled, "conformance/cli/main.js"), ...args]);
    const [, count] = /(\d[\d,]*) programs/.exec(run.stdout) ?? [];
    if (count === undefined) throw new Error(`no count of programs in: ${run.stdout.slice(0, 300)}`);
    programs.push((Number(count.replaceAll(",", "")) * 10) / seconds);
  }
  const found = value("random programs", programs);
  return {
    id: "suite/explore",
    name: "Random programs that exploration runs in 10 seconds",
    unit: "programs/10 s",
    better: "higher",
    meaning: "How many different histories on a hostile network a server is put through while one waits.",
    conditions: "two devices of each account, heavy faults",
    values: [found],
    comparisons: [against("programs in 10 s", found.rounds, { is: "at least", value: 1000 })],
  };
}

async function peers({ compiled, quick, skip }: Settings): Promise<Figure> {
  const child = startChild(join(compiled, "conformance/benchmarks/suite/peers.js"));
  const runs: [string, PeerRun][] = [];
  const attempt = async (of: string, method: string, ...args: unknown[]) => {
    try {
      runs.push([of, await child.ask<PeerRun>(method, ...args)]);
    } catch (error) {
      skip("suite/peers", `${of}: ${String(error)}`);
    }
  };
  await attempt("graphql-http audits", "graphqlHttp");
  if (quick) skip("suite/peers", "@durable-streams/server-conformance-tests: takes half a minute; left out by --quick");
  else
    await attempt("@durable-streams/server-conformance-tests", "durableStreams", join(tmpdir(), "seqsync-bench-peers"));
  await child.stop();
  return {
    id: "suite/peers",
    name: "Other suites of this kind, each against the server of its own project",
    unit: "s",
    better: "lower",
    meaning:
      "What developers are used to wait for. The suites check other things, so only the order of size says something.",
    values: runs.map(([of, { wall, cpu, cases }]) =>
      value(of, [wall], { also: { "processor time in s": cpu, cases, "cases/s": cases / wall } }),
    ),
    comparisons: [],
  };
}
