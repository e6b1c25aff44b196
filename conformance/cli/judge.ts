import { Command } from "commander";
import { readHistory } from "../history/file.js";
import { Judge } from "../judge/judge.js";
import { textDiagram } from "../report/formats/diagram.js";
import { type Styler, stylerFor } from "../report/formats/style.js";
import { findingText } from "../report/model/finding.js";
import { EXIT, UsageError } from "./usage.js";

export const judgeCommand = new Command("judge")
  .summary("judge recorded histories again, without a server")
  .description("Judges histories that --record wrote, or that anybody else did in the same format.")
  .argument("<files...>", "history files")
  .addHelpText(
    "after",
    "\nExit codes: 0 nothing found, 1 a violation, 2 bad usage, 3 a damaged file, and no violation.",
  )
  .action(async (files: string[]) => {
    const paint = stylerFor(process.stdout);
    let worst: number = EXIT.ok;
    for (const file of files) {
      const code = await judgeFile(file, paint);
      if (code === EXIT.violation || worst === EXIT.ok) worst = code;
    }
    process.exitCode = worst;
  });

async function judgeFile(file: string, paint: Styler): Promise<number> {
  let judge: Judge | undefined;
  let name = "";
  const counts = { histories: 0, events: 0, findings: 0, damaged: 0 };
  const conclude = () => {
    for (const finding of judge?.finish() ?? []) {
      counts.findings += 1;
      const lines = [...findingText(finding, paint), "", ...textDiagram(finding.evidence).map((line) => `  ${line}`)];
      process.stdout.write(`${paint("dim", name || file)}\n${lines.join("\n")}\n\n`);
    }
    judge = undefined;
  };
  try {
    for await (const line of readHistory(file)) {
      if ("problem" in line) {
        counts.damaged += 1;
        process.stdout.write(`${paint("yellow", `${file}, line ${line.number}: ${line.problem}`)}\n`);
        continue;
      }
      const { event } = line;
      if (event.body.case === "header") {
        conclude();
        judge = new Judge();
        counts.histories += 1;
        name = event.body.value.name;
      }
      judge?.observe(event);
      counts.events += 1;
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UsageError(`cannot read ${file}: ${code === "ENOENT" ? "there is no such file" : message}`);
  }
  conclude();
  const { histories, events, findings, damaged } = counts;
  const found = findings === 0 ? paint("green", "nothing found") : paint("red", `${findings} found`);
  const rest = damaged === 0 ? "" : paint("yellow", "; what was whole was judged");
  process.stdout.write(`${file}: ${histories} histories, ${events} events, ${found}${rest}\n`);
  if (findings > 0) return EXIT.violation;
  return damaged > 0 ? EXIT.inconclusive : EXIT.ok;
}
