import { Command } from "commander";
import { examine } from "../doctor/doctor.js";
import type { Step } from "../doctor/step.js";
import { printable, printableJson } from "../printable.js";
import { type Styler, stylerFor } from "../report/formats/style.js";
import { withoutUserInfo } from "../run/target.js";
import { quoted } from "../shell.js";
import { abortOnInterrupt } from "./abort-signal.js";
import { type AccountFlags, accountArguments, accountOptions, accountSettings } from "./accounts.js";
import { checkCommand } from "./check.js";
import { applyConfig, CONFIG_FILE } from "./config.js";
import { type ConnectionFlags, connectionArguments, connectionOf, connectionOptions } from "./connection.js";
import { EXIT } from "./exit.js";
import { exitCodesHelp } from "./exit-code.js";
import { runnable } from "./invocation.js";
import { file, flag } from "./options.js";
import { print, printError } from "./terminal.js";
import { targetUrl, UsageError } from "./usage.js";

interface Flags extends AccountFlags, ConnectionFlags {
  config?: string;
  json?: true;
}

const command = new Command("doctor")
  .summary("find out what would stand in the way of a run")
  .description(
    "Examines a server within ten seconds, before a run: the network, TLS, HTTP, GetServerInfo, latency, rate limit, clock, accounts, a message, and whether a proxy holds back the frames of a Watch. It says what to do about each problem, and the command to run next. It sends a few messages between the accounts, and acknowledges nothing.",
  )
  .argument("[urls...]", "base URLs of the server; several URLs are front ends of one deployment")
  .addOption(
    file(
      "--config <file>",
      `configuration file of \`seqsync check\`; options override it (default: ${CONFIG_FILE}, if present)`,
    ).notInConfig(),
  )
  .optionsGroup("Output:")
  .addOption(flag("--json", "print JSON").notInConfig());

export const doctorCommand = connectionOptions(
  accountOptions(command.optionsGroup("Accounts:")).optionsGroup("Connection:"),
)
  .addHelpText("after", `${exitCodesHelp("doctor")}\n\nExample:\n  seqsync doctor http://127.0.0.1:8080`)
  .action(async (urls: string[], _flags: Flags) => {
    const config = applyConfig(doctorCommand, checkCommand, doctorCommand.opts<Flags>().config);
    process.exitCode = await examineTarget(urls.length === 0 ? config.urls : urls, doctorCommand.opts<Flags>());
  });

async function examineTarget(urls: string[], flags: Flags): Promise<number> {
  if (urls.length === 0) throw new UsageError("name the server to examine by its URL, such as http://127.0.0.1:8080");
  const targets = urls.map(targetUrl);
  const connection = connectionOf(flags, targets, printError);
  const accounts = await accountSettings(flags);
  const style = stylerFor(process.stdout);
  const interrupt = abortOnInterrupt(() => process.exit(130));
  const examined: { url: string; steps: Step[] }[] = [];
  try {
    for (const [index, url] of targets.entries()) {
      if (!flags.json && targets.length > 1) print(`${index === 0 ? "" : "\n"}${printable(withoutUserInfo(url))}\n`);
      const steps = await examine({
        ...connection,
        ...accounts,
        url,
        signal: interrupt.signal,
        ...(flags.wait === undefined ? {} : { waitMs: flags.wait * 1000 }),
        onStep: (step) => {
          if (!flags.json) print(stepText(step, style));
        },
      });
      examined.push({ url: withoutUserInfo(url), steps });
    }
  } finally {
    interrupt.done();
  }
  const steps = examined.flatMap((it) => it.steps);
  const isReady = steps.every(({ state }) => state !== "problem");
  const next = isReady ? nextCommand(targets, flags, steps) : undefined;
  if (flags.json) print(`${printableJson({ ready: isReady, servers: examined, next: next ?? null }, 2)}\n`);
  else
    print(`\n${printable(next === undefined ? "A run cannot work yet; mend what is marked ✗." : `Next: ${next}`)}\n`);
  return isReady ? EXIT.ok : EXIT.inconclusive;
}

const MARKS = { ok: "✓", warning: "!", problem: "✗", skipped: "–" } as const;
const COLORS = { ok: "green", warning: "yellow", problem: "red", skipped: "dim" } as const;
/** Width of the mark and the name, in columns. */
const NAME_WIDTH = 15;

function stepText({ name, state, found, advice, options = [] }: Step, style: Styler): string {
  const heading = `${MARKS[state]} ${name}`.padEnd(NAME_WIDTH + 2);
  const text = state === "skipped" ? `skipped: ${found}` : found;
  const remedy = [advice ?? "", options.join(" ")].filter((it) => it !== "").join(": ");
  const lines = [`${style(COLORS[state], heading)}${printable(text)}`];
  if (remedy !== "") lines.push(`${" ".repeat(NAME_WIDTH + 2)}→ ${printable(remedy)}`);
  return `${lines.join("\n")}\n`;
}

/** The command that checks the server, with the options that the examination suggests. */
function nextCommand(targets: readonly string[], flags: Flags, steps: readonly Step[]): string {
  const words = [...targets.map(withoutUserInfo), ...connectionArguments(flags), ...accountArguments(flags)];
  for (const [option = "", ...values] of steps.flatMap(({ options }) => (options === undefined ? [] : [options])))
    if (!words.includes(option)) words.push(option, ...values);
  return runnable(`seqsync check ${words.map(quoted).join(" ")}`);
}
