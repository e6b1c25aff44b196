import { Command } from "commander";
import { printable } from "../printable.js";
import { findingText } from "../report/formats/finding.js";
import { type Styler, stylerFor } from "../report/formats/style.js";
import { viewFinding } from "../report/model/finding.js";
import { counted } from "../report/model/summary.js";
import { type JudgedHistory, rejudge } from "../run/rejudge.js";
import { EXIT, exitCodesHelp } from "./exit-code.js";
import { unreadable } from "./files.js";
import { print } from "./terminal.js";

export const judgeCommand = new Command("judge")
  .summary("judge recorded histories again, without a server")
  .description("Judges the histories that --record wrote, or histories of the same format from another source.")
  .argument("<files...>", "history files")
  .addHelpText("after", `${exitCodesHelp("judge")}\n\nExample:\n  seqsync judge history.jsonl`)
  .action(async (files: string[]) => {
    const style = stylerFor(process.stdout);
    let worst: number = EXIT.ok;
    for (const file of files) {
      const code = await judgeFile(file, style);
      if (code === EXIT.violation || worst === EXIT.ok) worst = code;
    }
    process.exitCode = worst;
  });

async function judgeFile(file: string, style: Styler): Promise<number> {
  const counts = { histories: 0, events: 0, findings: 0, damaged: 0 };
  try {
    for await (const part of rejudge(file)) {
      if (part.kind === "damage") {
        counts.damaged += 1;
        print(`${style("yellow", printable(`${file}, line ${part.line}: ${part.problem}`))}\n`);
        continue;
      }
      counts.histories += 1;
      counts.events += part.eventCount;
      counts.findings += part.findings.length;
      printFindings(file, part, style);
    }
  } catch (error) {
    throw unreadable(file, error);
  }
  const { histories, events, findings, damaged } = counts;
  const judged = `${histories} ${histories === 1 ? "history" : "histories"}, ${counted(events, "event")}`;
  const found = findings === 0 ? style("green", "no violation") : style("red", counted(findings, "violation"));
  const rest = damaged === 0 ? "" : style("yellow", "; only the readable part was judged");
  print(`${printable(file)}: ${judged}, ${found}${rest}\n`);
  if (findings > 0) return EXIT.violation;
  return damaged > 0 ? EXIT.inconclusive : EXIT.ok;
}

function printFindings(file: string, { header, findings }: JudgedHistory, style: Styler): void {
  for (const finding of findings) {
    const lines = findingText(viewFinding(finding), { style });
    print(`${style("dim", printable(header.name || file))}\n${lines.join("\n")}\n\n`);
  }
}
