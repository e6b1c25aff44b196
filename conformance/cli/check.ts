import { writeFileSync } from "node:fs";
import { Command, Option } from "commander";
import { Outcome, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { reportJson } from "../report/json.js";
import { type Paint, painter } from "../report/paint.js";
import { renderReport } from "../report/terminal.js";
import { type RunOptions, run } from "../run/run.js";
import type { Codec } from "../wire/connect.js";
import { type AccountFlags, accountOptions, accountSource, fixtureOr } from "./accounts.js";
import { openHistory } from "./record.js";
import { startReference } from "./reference.js";
import { restartBy } from "./restart.js";
import { selectBy } from "./select.js";
import { collect, EXIT, targetUrl, UsageError, whole } from "./usage.js";

interface Flags extends AccountFlags {
  reference?: true;
  only?: string[];
  skip?: string[];
  codec?: Codec;
  seed?: number;
  concurrency: number;
  timeoutScale: number;
  slow?: true;
  report?: string[];
  record?: string;
  restartCommand?: string;
}

export const checkCommand = accountOptions(new Command("check"))
  .summary("check a server")
  .description(
    "Checks a Seq Sync server at one URL, or one deployment at several, and tells which requirements it breaks.",
  )
  .argument("[urls...]", "base URLs of the server; several are front ends of one deployment")
  .option("--reference", "check the reference server, started for this run")
  .option(
    "--only <pattern>",
    "run only cases whose id, chapter or requirement fits; * stands for anything; may be repeated",
    collect,
  )
  .option("--skip <pattern>", "leave such cases away; may be repeated", collect)
  .addOption(new Option("--codec <codec>", "run the cases in one codec only").choices(["proto", "json"]))
  .addOption(new Option("--seed <n>", "ask the same questions again").argParser(whole(0, 0xffff_ffff)))
  .addOption(new Option("--concurrency <n>", "cases at the same time").argParser(whole(1, 256)).default(16))
  .addOption(
    new Option("--timeout-scale <n>", "stretch every deadline, for slow targets").argParser(whole(1, 100)).default(1),
  )
  .option("--slow", "also run the cases that take long by their nature")
  .option("--record <file>", "write the histories of all cases, to be judged again by `seqsync judge`")
  .option(
    "--restart-command <command>",
    "kills the server and starts it again, exit code 0 when it is up; allows to check what a crash leaves",
  )
  .option("--report <format=file>", "write a report: json=FILE; may be repeated", collect)
  .addHelpText(
    "after",
    `
Credentials are never given on the command line: SEQSYNC_FIXTURE_TOKEN holds the one that the target's FixtureService asks for.

Exit codes: 0 all applicable MUSTs hold, 1 a violation, 2 bad usage, 3 it could not be told (unreachable, or something is missing).

Examples:
  seqsync check http://127.0.0.1:8080
  seqsync check --reference --only 'ack/*'
  seqsync check https://a.example https://b.example --report json=report.json`,
  )
  .action(async (urls: string[], flags: Flags) => {
    process.exitCode = await check(urls, flags);
  });

async function check(urls: string[], flags: Flags): Promise<number> {
  if (flags.reference ? urls.length > 0 : urls.length === 0) {
    throw new UsageError("give the URL of a server to check, or --reference, one of the two");
  }
  const outputs = (flags.report ?? []).map(parseReport);
  const targets = urls.map(targetUrl);
  const source = await accountSource(flags);
  const select = selectBy(flags.only ?? [], flags.skip ?? []);
  const history = flags.record === undefined ? undefined : openHistory(flags.record);
  const reference = flags.reference ? await startReference() : undefined;
  const paint = painter(process.stdout);
  try {
    const report = await run({
      urls: reference === undefined ? targets : [reference.url],
      select,
      concurrency: flags.concurrency,
      timeoutScale: flags.timeoutScale,
      slow: flags.slow ?? false,
      ...(flags.seed === undefined ? {} : { seed: flags.seed }),
      ...(flags.codec === undefined ? {} : { codecs: [flags.codec] }),
      ...(history === undefined ? {} : { onHistory: history.write }),
      ...(flags.restartCommand === undefined ? {} : { restart: restartBy(flags.restartCommand) }),
      accounts: (transport) => fixtureOr(source, transport),
      onStart: announce(paint),
    });
    for (const write of outputs) write(report);
    process.stdout.write(renderReport(report, paint));
    return exitCode(report);
  } finally {
    history?.close();
    await reference?.stop();
  }
}

/** Says at the start which accounts are used, and what that leaves open. */
function announce(paint: Paint): NonNullable<RunOptions["onStart"]> {
  return ({ jobs, accounts, info, open }) => {
    const name = info.implementation === "" ? "a server that does not tell its name" : info.implementation;
    process.stdout.write(paint("dim", `Checking ${name}: ${jobs.length} cases, accounts from ${accounts}\n`));
    for (const [why, count] of open) process.stdout.write(paint("yellow", `${count} of them stay open: ${why}\n`));
  };
}

/** Where a report goes. Opened before the run, so that a bad path does not cost one. */
function parseReport(text: string): (report: Report) => void {
  const [, format, file] = /^(\w+)=(.+)$/.exec(text) ?? [];
  if (format !== "json" || file === undefined) throw new UsageError(`--report ${text}: want json=FILE`);
  try {
    writeFileSync(file, "");
  } catch (error) {
    throw new UsageError(`--report ${text}: cannot write there: ${(error as NodeJS.ErrnoException).code}`);
  }
  return (report) => writeFileSync(file, reportJson(report));
}

function exitCode({ verdict }: Report): number {
  switch (verdict) {
    case Outcome.PASS:
    case Outcome.WARN:
      return EXIT.ok;
    case Outcome.FAIL:
      return EXIT.violation;
    default:
      return EXIT.inconclusive;
  }
}
