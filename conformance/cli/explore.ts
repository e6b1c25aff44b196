import { randomBytes } from "node:crypto";
import { Command } from "commander";
import type { GetServerInfoResponse } from "../../proto/gen/seqsync/v1/service_pb.js";
import { FAULT_LEVELS, type FaultLevel } from "../explore/program.js";
import { printable } from "../printable.js";
import { renderExploration, reproduceExploration } from "../report/formats/exploration.js";
import { CLEAR_LINE, stylerFor } from "../report/formats/style.js";
import { reportOnExploration } from "../run/exploration-report.js";
import { explore } from "../run/explore.js";
import { withoutUserInfo } from "../run/target.js";
import { quoted } from "../shell.js";
import { abortOnInterrupt } from "./abort-signal.js";
import { type AccountFlags, accountArguments, accountOptions, accountSettings } from "./accounts.js";
import { checkCommand } from "./check.js";
import { applyConfig, CONFIG_FILE } from "./config.js";
import { type ConnectionFlags, connectionArguments, connectionOf, connectionOptions } from "./connection.js";
import { EXIT } from "./exit.js";
import { exitCodesHelp } from "./exit-code.js";
import { openHistory } from "./history-writer.js";
import { COMMAND, FOR_OTHERS, localSpec } from "./invocation.js";
import { isLocal, type LocalFlags, localArguments, localTarget, requireOneTarget } from "./local-server.js";
import { choice, file, flag, integer, text } from "./options.js";
import { outputSettings, prepareOutput, reportOption, writeReports } from "./output.js";
import { restartBy, restartCommandOption } from "./restart-command.js";
import { print, printError } from "./terminal.js";
import { targetUrl, UsageError } from "./usage.js";
import { varyOption } from "./vary.js";

interface Flags extends AccountFlags, ConnectionFlags, LocalFlags {
  config?: string;
  runs: number;
  seconds?: number;
  seed?: number;
  path?: string;
  clients: number;
  faults: FaultLevel;
  vary?: string[];
  timeoutScale: number;
  restartCommand?: string;
  record?: string;
  report?: string[];
}

/** Maximum of --runs, and its value if only --seconds limits the run. */
const MAX_RUNS = 10_000_000;

const command = new Command("explore")
  .summary("search a server for violations with random programs on a faulty network")
  .description(
    "Runs random programs of senders and devices against a server, over a network that drops, duplicates, truncates and delays requests and responses, and judges what the clients observe. A violation is shrunk to a short program.",
  )
  .argument("[urls...]", "base URLs of the server; several URLs are front ends of one deployment")
  .addOption(flag("--reference", "start the reference server and explore it").notInConfig())
  .addOption(
    text("--mutant <name>", "start a faulty server and explore it; `seqsync mutants` lists them").notInConfig(),
  )
  .addOption(
    file(
      "--config <file>",
      `configuration file of \`seqsync check\`; options override it (default: ${CONFIG_FILE}, if present)`,
    ).notInConfig(),
  )
  .optionsGroup("Execution:")
  .addOption(
    integer("--runs <n>", "maximum number of programs; no limit by default if --seconds is set", 1, MAX_RUNS).default(
      200,
    ),
  )
  .addOption(integer("--seconds <n>", "start no further program after this time", 1, 86_400))
  .addOption(
    integer(
      "--seed <n>",
      "seed of all random choices: the same seed makes the same programs (default: random)",
      0,
      0xffff_ffff,
    ),
  )
  .addOption(text("--path <path>", "run only the program at this path; a failure prints its path and its seed"))
  .addOption(integer("--clients <n>", "number of devices for each account", 1, 8).default(2))
  .addOption(choice("--faults <level>", "frequency of network faults", FAULT_LEVELS).default("heavy"))
  .addOption(varyOption("all, in three of four programs"))
  .addOption(
    integer(
      "--timeout-scale <n>",
      "factor for the time limits of calls, frames and restarts, for slow servers",
      1,
      100,
    ).default(1),
  )
  .addOption(restartCommandOption("a few programs then have a crash"))
  .optionsGroup("Output:")
  .addOption(reportOption())
  .addOption(
    file(
      "--record <file>",
      "write the history of each program as it ends; `seqsync judge` judges them again; - is standard output",
    ),
  );

export const exploreCommand = connectionOptions(
  accountOptions(command.optionsGroup("Accounts:")).optionsGroup("Connection:"),
)
  .addHelpText("after", `${exitCodesHelp("explore")}\n\nExample:\n  seqsync explore http://127.0.0.1:8080 --seconds 60`)
  .action(async (urls: string[], _flags: Flags) => {
    const config = applyConfig(exploreCommand, checkCommand, exploreCommand.opts<Flags>().config);
    const flags = exploreCommand.opts<Flags>();
    if (flags.seconds !== undefined && exploreCommand.getOptionValueSource("runs") === "default") flags.runs = MAX_RUNS;
    process.exitCode = await exploreTarget(urls.length === 0 && !isLocal(flags) ? config.urls : urls, flags);
  });

async function exploreTarget(urls: string[], flags: Flags): Promise<number> {
  requireOneTarget(urls, flags, "explore");
  if (flags.path !== undefined && flags.seed === undefined)
    throw new UsageError("--path requires --seed; use the values that the failure printed");
  if (flags.path !== undefined && !/^\d+(:\d+)*$/.test(flags.path))
    throw new UsageError(`--path ${flags.path}: expected numbers separated by colons, as the failure printed them`);
  const settings = outputSettings(flags.report === undefined ? {} : { report: flags.report }, flags.record);
  const { people } = settings;
  const accounts = await accountSettings(flags);
  const targets = urls.map(targetUrl);
  const warn = printError;
  const connection = isLocal(flags) ? {} : connectionOf(flags, targets, warn);
  let isComplete = true;
  prepareOutput(settings);
  const history =
    flags.record === undefined
      ? undefined
      : openHistory(flags.record, (line) => {
          isComplete = false;
          warn(`seqsync: ${line}`);
        });
  const local = await localTarget(flags);
  const restart = flags.restartCommand === undefined ? local?.restart : restartBy(flags.restartCommand);
  const style = stylerFor(people);
  const started = new Date();
  let info: GetServerInfoResponse | undefined;
  const interrupt = abortOnInterrupt(() => warn("seqsync: stopping; interrupt again to exit at once"));
  try {
    const seed = flags.seed ?? randomBytes(4).readUInt32LE();
    const exploration = await explore({
      ...connection,
      ...accounts,
      urls: local?.urls ?? targets,
      runs: flags.runs,
      seed,
      path: flags.path,
      devices: flags.clients,
      faults: flags.faults,
      timeoutScale: flags.timeoutScale,
      signal: interrupt.signal,
      onStart: (declared) => {
        info = declared;
      },
      onProgram: progress(flags.runs, people),
      ...(history === undefined ? {} : { onHistory: history.write }),
      ...(flags.vary === undefined ? {} : { vary: flags.vary }),
      ...(restart === undefined ? {} : { restart }),
      ...(flags.wait === undefined ? {} : { waitMs: flags.wait * 1000 }),
      ...(flags.seconds === undefined ? {} : { budgetMs: flags.seconds * 1000 }),
    });
    const { faults, clients, vary, timeoutScale, restartCommand } = flags;
    const reached = isLocal(flags)
      ? localArguments(flags)
      : [...urls.map(withoutUserInfo), ...connectionArguments(flags)];
    const target = [...reached, ...accountArguments(flags)].map(quoted).join(" ");
    const run = {
      seed,
      target,
      faults,
      clients,
      vary,
      timeoutScale,
      restartCommand,
      command: COMMAND,
      spec: localSpec(),
    };
    const isStopped = interrupt.signal.aborted;
    const failure = "problem" in exploration ? undefined : exploration.failure;
    const reproduce = failure === undefined ? "" : reproduceExploration(failure, { ...run, command: FOR_OTHERS });
    const context = { urls: local?.urls ?? targets, info, seed, started, isStopped, reproduce };
    const written = writeReports(reportOnExploration(exploration, context), settings);
    if (people.isTTY) print(CLEAR_LINE, people);
    if ("problem" in exploration) {
      print(`${style("yellow", printable(exploration.problem))}\n`, people);
      return EXIT.inconclusive;
    }
    print(renderExploration(exploration, run, style), people);
    if (!isComplete || !written.isComplete || (isStopped && failure === undefined)) return EXIT.inconclusive;
    return failure === undefined ? EXIT.ok : EXIT.violation;
  } finally {
    interrupt.done();
    history?.close();
    await local?.stop();
  }
}

/** Returns a function that redraws the number of programs; it does nothing without a terminal. */
function progress(runs: number, people: NodeJS.WriteStream): (programs: number) => void {
  if (!people.isTTY) return () => {};
  const of = runs === MAX_RUNS ? "" : ` of ${runs}`;
  return (programs) => {
    if (programs % 10 === 0 || programs === runs) print(`${CLEAR_LINE}${programs}${of} programs`, people);
  };
}
