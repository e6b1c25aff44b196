import { Command, Option } from "commander";
import { type Styler, stylerFor } from "../report/formats/style.js";
import type { Requirement } from "../requirements/requirements.js";
import type { Codec } from "../rpc/connect.js";
import { type RunOptions, run } from "../run/run.js";
import { withoutUserInfo } from "../run/target.js";
import { abortOnInterrupt } from "./abort-signal.js";
import {
  type AccountFlags,
  accountArguments,
  accountOptions,
  accountSource,
  fixtureOr,
  fixtureToken,
} from "./accounts.js";
import { applyConfig, CONFIG_FILE } from "./config.js";
import { type ConnectionFlags, connectionArguments, connectionOf, connectionOptions, quoted } from "./connection.js";
import { openHistory } from "./history-writer.js";
import { knownFailuresText, readKnownFailures } from "./known-failures.js";
import { isLocal, type LocalFlags, localArguments, localTarget, requireOneTarget } from "./local-server.js";
import { type OutputFlags, outputOptions, outputSettings, writeOutput } from "./output.js";
import { tryOutputs, writeText } from "./outputs.js";
import { Progress } from "./progress.js";
import { selectBy } from "./select.js";
import { parseShard, type Shard, shardText } from "./shard.js";
import { restartBy } from "./shell.js";
import { collect, EXIT, targetUrl, whole } from "./usage.js";

interface Flags extends AccountFlags, ConnectionFlags, OutputFlags, LocalFlags {
  config?: string;
  only?: string[];
  skip?: string[];
  profile?: string[];
  level?: Requirement["level"];
  codec?: Codec;
  shard?: Shard;
  seed?: number;
  concurrency: number;
  timeoutScale: number;
  slow?: true;
  bail?: number | true;
  knownFailures?: string;
  writeKnownFailures?: string;
  record?: string;
  restartCommand?: string;
}

const command = new Command("check")
  .summary("check a server")
  .description(
    "Checks a Seq Sync server at one URL, or one deployment at several, and tells which requirements it breaks.",
  )
  .argument("[urls...]", "base URLs of the server; several are front ends of one deployment")
  .option("--reference", "check the reference server, started for this run")
  .option("--mutant <name>", "check a faulty server, started for this run; `seqsync mutants` lists them")
  .option("--config <file>", `settings; default: ${CONFIG_FILE} if it is there. Flags win`)
  .optionsGroup("Which cases:")
  .option(
    "--only <pattern>",
    "run only cases whose id, chapter or requirement fits; * stands for anything; may be repeated",
    collect,
  )
  .option("--skip <pattern>", "leave such cases away; may be repeated", collect)
  .option("--profile <name>", "run only cases of this profile, such as CORE; may be repeated", collect)
  .addOption(new Option("--level <level>", "run only cases that check a MUST, or a SHOULD").choices(["MUST", "SHOULD"]))
  .addOption(new Option("--codec <codec>", "run the cases in one codec only").choices(["proto", "json"]))
  .option("--slow", "also run the cases that take long by their nature")
  .addOption(
    new Option("--shard <i/n>", "run the i-th of n parts; `seqsync merge` joins their reports").argParser(parseShard),
  )
  .optionsGroup("How they are run:")
  .addOption(new Option("--seed <n>", "ask the same questions again").argParser(whole(0, 0xffff_ffff)))
  .addOption(new Option("--concurrency <n>", "cases at the same time").argParser(whole(1, 256)).default(16))
  .addOption(
    new Option("--timeout-scale <n>", "stretch every deadline, for slow targets").argParser(whole(1, 100)).default(1),
  )
  .addOption(
    new Option("--bail [n]", "stop after n failures that are not known; without a number after the first").argParser(
      whole(1, 100_000),
    ),
  )
  .option(
    "--restart-command <command>",
    "kills the server and starts it again, exit code 0 when it is up; allows to check what a crash leaves",
  )
  .optionsGroup("What is told:")
  .option("--record <file>", "write the histories of all cases, to be judged again by `seqsync judge`")
  .option(
    "--known-failures <file>",
    "cases or requirements that are known to fail, one a line: `id: reason`. They run all the same, and one that passes fails the build",
  )
  .option("--write-known-failures <file>", "write the list that fits this run");

export const checkCommand = connectionOptions(
  accountOptions(outputOptions(command).optionsGroup("Accounts:")).optionsGroup("How the server is reached:"),
)
  .addHelpText(
    "before",
    `Most of the time:
  seqsync check http://127.0.0.1:8080                            a server with fixtures, for tests
  seqsync check https://chat.example --accounts accounts.json    a deployment, with accounts from a list
  seqsync check http://127.0.0.1:8080 --only 'ack/*'             one chapter, case or requirement
`,
  )
  .addHelpText(
    "after",
    `
Credentials are never given on the command line: SEQSYNC_FIXTURE_TOKEN holds the one that the target's FixtureService asks for, and
--header-env takes those of a gateway. HTTP_PROXY, HTTPS_PROXY and NO_PROXY hold for targets on other machines.

Exit codes: 0 all applicable MUSTs hold, or break only as known; 1 a violation, or a known failure that is none any more; 2 bad usage;
3 it could not be told: unreachable, something is missing, a report cannot be written, or the suite itself went wrong.`,
  )
  .action(async (urls: string[], _flags: Flags) => {
    const config = applyConfig(checkCommand, checkCommand, checkCommand.opts<Flags>().config);
    const flags = checkCommand.opts<Flags>();
    process.exitCode = await check(urls.length === 0 && !isLocal(flags) ? config.urls : urls, flags);
  });

async function check(urls: string[], flags: Flags): Promise<number> {
  requireOneTarget(urls, flags, "check");
  const telling = outputSettings(flags);
  const { detail } = telling;
  const targets = urls.map(targetUrl);
  const known = flags.knownFailures === undefined ? [] : readKnownFailures(flags.knownFailures);
  const select = selectBy(flags);
  const progress = new Progress(process.stderr, stylerFor(process.stderr), detail);
  const connection = isLocal(flags) ? {} : connectionOf(flags, targets, (line) => progress.line(line));
  const source = await accountSource(flags);

  let harmed = false;
  const problem = (line: string) => {
    harmed = true;
    progress.line(`seqsync: ${line}`);
  };
  tryOutputs(telling.outputs, problem);
  const history = flags.record === undefined ? undefined : openHistory(flags.record, problem);
  const local = await localTarget(flags);
  const restart = flags.restartCommand === undefined ? local?.restart : restartBy(flags.restartCommand);
  const paint = stylerFor(process.stdout);
  const interrupted = abortOnInterrupt(() => progress.line("seqsync: stopping; once more to leave at once"));
  try {
    const report = await run({
      ...connection,
      urls: local?.urls ?? targets,
      select,
      concurrency: flags.concurrency,
      timeoutScale: flags.timeoutScale,
      slow: flags.slow ?? false,
      knownFailures: known,
      invocation: invocationOf(targets, flags),
      signal: interrupted.signal,
      ...(flags.shard === undefined ? {} : { shard: shardText(flags.shard) }),
      ...(flags.bail === undefined ? {} : { bail: flags.bail === true ? 1 : flags.bail }),
      ...(flags.seed === undefined ? {} : { seed: flags.seed }),
      ...(flags.codec === undefined ? {} : { codecs: [flags.codec] }),
      ...(history === undefined ? {} : { onHistory: history.write }),
      ...(restart === undefined ? {} : { restart }),
      accounts: (transport) => fixtureOr(source, transport),
      // Only so that it is kept out of the reports.
      fixtureToken: fixtureToken(),
      onStart: (plan) => {
        if (detail !== "quiet") announce(plan, paint);
        progress.begin(plan.jobs.length);
      },
      onResult: (result) => progress.ended(result),
      onProgram: (id, programs) => progress.program(id, programs),
    });
    progress.end();
    const code = writeOutput(report, telling);
    if (flags.writeKnownFailures !== undefined) {
      const text = knownFailuresText(report, known);
      if (text === undefined) problem(`no case was told: ${flags.writeKnownFailures} is left as it is`);
      else writeText(flags.writeKnownFailures, text, problem);
    }
    return harmed ? EXIT.inconclusive : code;
  } finally {
    interrupted.done();
    history?.close();
    await local?.stop();
  }
}

/** Says at the start which accounts are used, and what that leaves open. */
function announce({ jobs, accounts, info, open }: Parameters<NonNullable<RunOptions["onStart"]>>[0], paint: Styler) {
  const name = info.implementation === "" ? "a server that does not tell its name" : info.implementation;
  process.stdout.write(paint("dim", `Checking ${name}: ${jobs.length} cases, accounts from ${accounts}\n`));
  for (const [why, count] of open) process.stdout.write(paint("yellow", `${count} of them stay open: ${why}\n`));
}

/** Arguments that reach the target of this run again. */
function invocationOf(targets: readonly string[], flags: Flags): string {
  const target = isLocal(flags)
    ? localArguments(flags)
    : [...targets.map(withoutUserInfo), ...connectionArguments(flags)];
  const scale = flags.timeoutScale === 1 ? [] : ["--timeout-scale", String(flags.timeoutScale)];
  const needed = [
    ...(flags.slow ? ["--slow"] : []),
    ...(flags.restartCommand === undefined ? [] : ["--restart-command", flags.restartCommand]),
  ];
  return [...target, ...accountArguments(flags), ...scale, ...needed].map(quoted).join(" ");
}
