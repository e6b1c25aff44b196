import { Command } from "commander";
import type { Exchange } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { printable } from "../printable.js";
import { stylerFor } from "../report/formats/style.js";
import { counted } from "../report/model/summary.js";
import type { Requirement } from "../requirements/requirements.js";
import type { Codec } from "../rpc/connect.js";
import { check } from "../run/check.js";
import type { CheckPlan } from "../run/check-options.js";
import { withoutUserInfo } from "../run/target.js";
import { quoted } from "../shell.js";
import { abortOnInterrupt } from "./abort-signal.js";
import { type AccountFlags, accountArguments, accountOptions, accountSettings } from "./accounts.js";
import { applyConfig, CONFIG_FILE } from "./config.js";
import {
  type ConnectionFlags,
  connectionArguments,
  connectionOf,
  connectionOptions,
  curlArguments,
} from "./connection.js";
import { EXIT } from "./exit.js";
import { exitCodesHelp } from "./exit-code.js";
import { openHistory } from "./history-writer.js";
import { knownFailuresText, readKnownFailures } from "./known-failures.js";
import { isLocal, type LocalFlags, localArguments, localTarget, requireOneTarget } from "./local-server.js";
import { choice, file, flag, integer, list, text } from "./options.js";
import { type OutputFlags, outputOptions, outputSettings, prepareOutput, writeOutput } from "./output.js";
import { Progress } from "./progress.js";
import { restartBy, restartCommandOption } from "./restart-command.js";
import { selectBy } from "./select.js";
import { parseShard, type Shard, shardText } from "./shard.js";
import { print } from "./terminal.js";
import { traceLines } from "./trace.js";
import { targetUrl, UsageError } from "./usage.js";
import { varyOption } from "./vary.js";
import { prepareFile, writeText } from "./write-file.js";

interface Flags extends AccountFlags, ConnectionFlags, OutputFlags, LocalFlags {
  config?: string;
  only?: string[];
  skip?: string[];
  profile?: string[];
  level?: Requirement["level"];
  codec?: Codec;
  shard?: Shard;
  seed?: number;
  vary?: string[];
  concurrency: number;
  timeoutScale: number;
  timeLimit?: number;
  thorough?: true;
  slow?: true;
  bail?: number | true;
  knownFailures?: string;
  writeKnownFailures?: string;
  record?: string;
  trace?: true;
  restartCommand?: string;
}

const command = new Command("check")
  .summary("check a server")
  .description("Checks a Seq Sync server and reports the requirements that it violates.")
  .argument("[urls...]", "base URLs of the server; several URLs are front ends of one deployment")
  .addOption(flag("--reference", "start the reference server and check it").notInConfig())
  .addOption(text("--mutant <name>", "start a faulty server and check it; `seqsync mutants` lists them").notInConfig())
  .addOption(
    file(
      "--config <file>",
      `configuration file; options override it (default: ${CONFIG_FILE}, if present)`,
    ).notInConfig(),
  )
  .optionsGroup("Selection:")
  .addOption(list("--only <pattern>", "run only cases whose id, chapter or requirement matches; * matches any text"))
  .addOption(list("--skip <pattern>", "do not run cases that match"))
  .addOption(list("--profile <name>", "run only cases of this profile, such as CORE"))
  .addOption(choice("--level <level>", "run only cases that check a requirement of this level", ["MUST", "SHOULD"]))
  .addOption(choice("--codec <codec>", "run the cases in this codec only", ["proto", "json"]))
  .addOption(flag("--thorough", "run thorough cases too: large volumes and long waits, which take minutes"))
  .addOption(flag("--slow", "the name that --thorough had").notInConfig().hideHelp())
  .addOption(
    text("--shard <i/n>", "run the i-th of n parts; `seqsync merge` merges their reports")
      .argParser(parseShard)
      .notInConfig(),
  )
  .optionsGroup("Execution:")
  .addOption(
    integer(
      "--seed <n>",
      "seed of all random choices: the same seed makes the same requests (default: random)",
      0,
      0xffff_ffff,
    ),
  )
  .addOption(varyOption())
  .addOption(
    integer(
      "--concurrency <n>",
      "number of cases that run at the same time, apart from those that mostly wait",
      1,
      256,
    ).default(16),
  )
  .addOption(
    integer(
      "--timeout-scale <n>",
      "factor for the time limits of calls, frames and cases, for slow servers",
      1,
      100,
    ).default(1),
  )
  .addOption(
    integer(
      "--time-limit <seconds>",
      "end the run after this time; cases that have not ended are inconclusive (default: one hour, times --timeout-scale, and more with a rate limit)",
      1,
      604_800,
    ),
  )
  .addOption(integer("--bail [n]", "stop after n unexpected failures (default without n: 1)", 1, 100_000))
  .addOption(restartCommandOption("crash cases need it"))
  .optionsGroup("Output:")
  .addOption(
    file(
      "--record <file>",
      "write the history of each case as it ends; `seqsync judge` judges them again; - is standard output",
    ),
  )
  .addOption(
    flag("--trace", "print each request and response to standard error, with times; use it with --only").notInConfig(),
  )
  .addOption(
    file(
      "--known-failures <file>",
      "list of cases or requirements that are known to fail, one `id: reason` per line; the cases still run, and an entry that no longer fails gives exit code 1",
    ),
  )
  .addOption(file("--write-known-failures <file>", "write the list of known failures for this run").notInConfig());

export const checkCommand = connectionOptions(
  accountOptions(outputOptions(command).optionsGroup("Accounts:")).optionsGroup("Connection:"),
)
  .addHelpText(
    "before",
    `Examples:
  seqsync check http://127.0.0.1:8080                            a server with the fixtures for tests
  seqsync check https://chat.example --accounts accounts.json    a deployment, with accounts from a file
  seqsync check http://127.0.0.1:8080 --only 'ack/*'             only one chapter, case or requirement
`,
  )
  .addHelpText(
    "after",
    `
Environment:
  SEQSYNC_FIXTURE_TOKEN              credential for the FixtureService of the server, if it requires one
  HTTP_PROXY, HTTPS_PROXY, NO_PROXY  proxy for servers on other machines
The command line never holds credentials, because other users can read it.
${exitCodesHelp("check")}`,
  )
  .action(async (urls: string[], _flags: Flags) => {
    const config = applyConfig(checkCommand, checkCommand, checkCommand.opts<Flags>().config);
    const flags = checkCommand.opts<Flags>();
    process.exitCode = await checkTarget(urls.length === 0 && !isLocal(flags) ? config.urls : urls, flags);
  });

async function checkTarget(urls: string[], flags: Flags): Promise<number> {
  if (flags.slow) throw new UsageError("--slow was renamed: use --thorough");
  requireOneTarget(urls, flags, "check");
  const settings = { ...outputSettings(flags, flags.record), knownFailures: flags.knownFailures };
  const { detail } = settings;
  const targets = urls.map(targetUrl);
  const known = flags.knownFailures === undefined ? [] : readKnownFailures(flags.knownFailures);
  const select = selectBy(flags);
  const progress = new Progress(process.stderr, stylerFor(process.stderr), detail);
  const connection = isLocal(flags) ? {} : connectionOf(flags, targets, (line) => progress.line(line));
  const accounts = await accountSettings(flags);

  let isComplete = true;
  const problem = (line: string) => {
    isComplete = false;
    progress.line(`seqsync: ${line}`);
  };
  prepareOutput(settings);
  if (flags.writeKnownFailures !== undefined) prepareFile(flags.writeKnownFailures);
  const history = flags.record === undefined ? undefined : openHistory(flags.record, problem);
  const local = await localTarget(flags);
  const restart = flags.restartCommand === undefined ? local?.restart : restartBy(flags.restartCommand);
  const interrupt = abortOnInterrupt(() => progress.line("seqsync: stopping; interrupt again to exit at once"));
  try {
    const report = await check({
      ...connection,
      ...accounts,
      urls: local?.urls ?? targets,
      select,
      concurrency: flags.concurrency,
      timeoutScale: flags.timeoutScale,
      thorough: flags.thorough ?? false,
      knownFailures: known,
      invocation: invocationOf(targets, flags),
      curlArguments: isLocal(flags) ? [] : curlArguments(flags),
      signal: interrupt.signal,
      ...(flags.shard === undefined ? {} : { shard: shardText(flags.shard) }),
      ...(flags.wait === undefined ? {} : { waitMs: flags.wait * 1000 }),
      ...(flags.timeLimit === undefined ? {} : { timeLimitMs: flags.timeLimit * 1000 }),
      ...(flags.bail === undefined ? {} : { bail: flags.bail === true ? 1 : flags.bail }),
      ...(flags.seed === undefined ? {} : { seed: flags.seed }),
      ...(flags.vary === undefined ? {} : { vary: flags.vary }),
      ...(flags.codec === undefined ? {} : { codecs: [flags.codec] }),
      ...(history === undefined ? {} : { onHistory: history.write }),
      ...(restart === undefined ? {} : { restart }),
      onStart: (plan) => {
        if (detail !== "quiet") printPlan(plan, settings.people);
        progress.begin(plan.cases.length);
      },
      onResult: (result) => progress.caseEnded(result),
      ...(flags.trace && {
        onExchange: (id: string, exchange: Exchange) => {
          for (const line of traceLines(id, exchange)) progress.line(line);
        },
      }),
      onProgram: (id, programs) => progress.program(id, programs),
    });
    progress.end();
    const code = writeOutput(report, settings);
    if (flags.writeKnownFailures !== undefined) {
      const list = knownFailuresText(report, known);
      if (list === undefined) problem(`no case has a verdict; ${flags.writeKnownFailures} was not changed`);
      else writeText(flags.writeKnownFailures, list, problem);
    }
    return isComplete ? code : EXIT.inconclusive;
  } finally {
    interrupt.done();
    history?.close();
    await local?.stop();
  }
}

/**
 * Prints the number of cases, the source of the accounts, and the number of cases for which the accounts do not
 * suffice.
 */
function printPlan({ cases, accounts, info, connections, inconclusive }: CheckPlan, people: NodeJS.WriteStream): void {
  const style = stylerFor(people);
  const name = info.implementation === "" ? "a server without a declared name" : info.implementation;
  const size = counted(cases.length, "case");
  print(`${style("dim", printable(`Checking ${name}: ${size}, accounts from ${accounts}`))}\n`, people);
  if (connections !== undefined) {
    const limit = `The server serves few connections at once: the run uses at most ${connections}, and takes longer`;
    print(`${style("dim", limit)}\n`, people);
  }
  for (const [reason, count] of inconclusive)
    print(`${style("yellow", printable(`${counted(count, "case")} will be inconclusive: ${reason}`))}\n`, people);
}

/** Returns the arguments that check the same server again, with the same accounts. */
function invocationOf(targets: readonly string[], flags: Flags): string {
  const target = isLocal(flags)
    ? localArguments(flags)
    : [...targets.map(withoutUserInfo), ...connectionArguments(flags)];
  const scale = flags.timeoutScale === 1 ? [] : ["--timeout-scale", String(flags.timeoutScale)];
  const required = [
    ...(flags.thorough ? ["--thorough"] : []),
    ...(flags.restartCommand === undefined ? [] : ["--restart-command", flags.restartCommand]),
  ];
  return [...target, ...accountArguments(flags), ...scale, ...required].map(quoted).join(" ");
}
