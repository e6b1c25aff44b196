import { randomBytes } from "node:crypto";
import { Command, Option } from "commander";
import { type Exploration, explore } from "../explore/explore.js";
import { FAULT_LEVELS, type FaultLevel } from "../explore/program.js";
import { renderExploration } from "../report/formats/exploration.js";
import { type Styler, stylerFor } from "../report/formats/style.js";
import { probe, withoutUserInfo } from "../run/target.js";
import { Transport } from "../transport/http.js";
import { abortOnInterrupt } from "./abort-signal.js";
import { type AccountFlags, accountArguments, accountOptions, accountSource, fixtureOr } from "./accounts.js";
import { checkCommand } from "./check.js";
import { applyConfig } from "./config.js";
import { type ConnectionFlags, connectionArguments, connectionOf, connectionOptions, quoted } from "./connection.js";
import { openHistory } from "./history-writer.js";
import { isLocal, type LocalFlags, localArguments, localTarget, requireOneTarget } from "./local-server.js";
import { EXIT, targetUrl, UsageError, whole } from "./usage.js";

interface Flags extends AccountFlags, ConnectionFlags, LocalFlags {
  config?: string;
  runs: number;
  seconds?: number;
  seed?: number;
  path?: string;
  clients: number;
  faults: FaultLevel;
  record?: string;
}

const MOST_RUNS = 10_000_000;

export const exploreCommand = connectionOptions(
  accountOptions(
    new Command("explore")
      .summary("search a server for breaches with random traffic on a faulty network")
      .description(
        "Drives many devices and senders at once through a network that loses, doubles, cuts and delays, and judges what they see.",
      )
      .argument("[urls...]", "base URLs of the server; several are front ends of one deployment")
      .option("--reference", "explore the reference server, started for this run")
      .option("--mutant <name>", "explore a faulty server, started for this run; `seqsync mutants` lists them")
      .option("--config <file>", "settings of `seqsync check`, of which this takes what it knows. Flags win"),
  ),
)
  .addOption(
    new Option("--runs <n>", "programs to run; with --seconds no other bound than these")
      .argParser(whole(1, MOST_RUNS))
      .default(200),
  )
  .addOption(new Option("--seconds <n>", "stop after this time").argParser(whole(1, 86_400)))
  .addOption(new Option("--seed <n>", "make the same programs again").argParser(whole(0, 0xffff_ffff)))
  .option("--path <path>", "run the one program that an earlier failure with this seed named")
  .addOption(new Option("--clients <n>", "devices of each account").argParser(whole(1, 8)).default(2))
  .addOption(new Option("--faults <level>", "how hostile the network is").choices([...FAULT_LEVELS]).default("heavy"))
  .option("--record <file>", "write the histories of all programs, to be judged again by `seqsync judge`")
  .addHelpText(
    "after",
    "\nExit codes: 0 nothing found, 1 a violation, 2 bad usage, 3 it could not be told.\n\nExample:\n  seqsync explore http://127.0.0.1:8080 --seconds 60",
  )
  .action(async (urls: string[], _flags: Flags) => {
    const config = applyConfig(exploreCommand, checkCommand, exploreCommand.opts<Flags>().config);
    const flags = exploreCommand.opts<Flags>();
    // A time alone is the only bound.
    if (flags.seconds !== undefined && exploreCommand.getOptionValueSource("runs") === "default")
      flags.runs = MOST_RUNS;
    process.exitCode = await run(urls.length === 0 && !isLocal(flags) ? config.urls : urls, flags);
  });

async function run(urls: string[], flags: Flags): Promise<number> {
  requireOneTarget(urls, flags, "explore");
  if (flags.path !== undefined && flags.seed === undefined)
    throw new UsageError("--path goes with the --seed that it was found with");
  if (flags.path !== undefined && !/^\d+(:\d+)*$/.test(flags.path))
    throw new UsageError(`--path ${flags.path}: want numbers with colons, as a failure printed them`);
  const given = await accountSource(flags);
  const targets = urls.map(targetUrl);
  const warn = (line: string) => console.error(line);
  const connection = isLocal(flags) ? {} : connectionOf(flags, targets, warn);
  let harmed = false;
  const history =
    flags.record === undefined
      ? undefined
      : openHistory(flags.record, (line) => {
          harmed = true;
          warn(`seqsync: ${line}`);
        });
  const local = await localTarget(flags);
  const paint = stylerFor(process.stdout);
  const targetUrls = local?.urls ?? targets;
  const transport = new Transport({ ...connection, urls: targetUrls });
  const interrupted = abortOnInterrupt(() => warn("seqsync: stopping; once more to leave at once"));
  try {
    const greeting = await probe(transport);
    if ("problem" in greeting) return stop(paint, greeting.problem);
    const source = await fixtureOr(given, transport);
    if ("unavailable" in source) return stop(paint, `no accounts: ${source.unavailable}`);
    const lacking = source.unavailableReason({ count: 2 });
    if (lacking !== undefined) return stop(paint, `no accounts: ${lacking}`);
    const seed = flags.seed ?? randomBytes(4).readUInt32LE();
    const exploration = await explore({
      urls: targetUrls,
      connection: transport.connection,
      info: greeting.info,
      source,
      runs: flags.runs,
      seed,
      path: flags.path,
      devices: flags.clients,
      faults: flags.faults,
      signal: interrupted.signal,
      onProgram: progress(flags.runs),
      ...(history === undefined ? {} : { onHistory: history.write }),
      ...(flags.seconds === undefined ? {} : { budgetMs: flags.seconds * 1000 }),
    });
    const { faults, clients } = flags;
    const reached = isLocal(flags)
      ? localArguments(flags)
      : [...urls.map(withoutUserInfo), ...connectionArguments(flags)];
    const target = [...reached, ...accountArguments(flags)].map(quoted).join(" ");
    process.stdout.write(`\r${renderExploration(exploration, { seed, target, faults, clients }, paint)}`);
    const isCut = interrupted.signal.aborted && exploration.failure === undefined;
    return harmed || isCut ? EXIT.inconclusive : exitCode(exploration);
  } finally {
    interrupted.done();
    history?.close();
    await transport.close();
    await local?.stop();
  }
}

const exitCode = ({ failure }: Exploration) => (failure === undefined ? EXIT.ok : EXIT.violation);

function stop(paint: Styler, why: string): number {
  process.stdout.write(`${paint("yellow", why)}\n`);
  return EXIT.inconclusive;
}

/** On a terminal, a line that counts. */
function progress(runs: number): (programs: number) => void {
  if (!process.stdout.isTTY) return () => {};
  const of = runs === MOST_RUNS ? "" : ` of ${runs}`;
  return (programs) => {
    if (programs % 10 === 0 || programs === runs) process.stdout.write(`\r${programs}${of} programs`);
  };
}
