import { describeStep } from "../../explore/describe-step.js";
import type { Exploration, ExplorationFailure } from "../../explore/explore.js";
import type { FaultLevel } from "../../explore/program.js";
import { printable } from "../../printable.js";
import { quoted } from "../../shell.js";
import { viewFinding } from "../model/finding.js";
import { counted } from "../model/summary.js";
import { textDiagram } from "./diagram.js";
import { findingText } from "./finding.js";
import { type Styler, terminalText } from "./style.js";

/** The options of an exploration, to reproduce it. */
export interface ExplorationRun {
  seed: number;
  /** Command line arguments that select the server and the accounts. */
  target: string;
  faults: FaultLevel;
  clients: number;
  /** What varies in requests and messages; undefined for the default. */
  vary?: readonly string[] | undefined;
  /** Factor for the time limits; 1 by default. */
  timeoutScale?: number;
  /** Command that restarts the server; undefined if there is none. */
  restartCommand?: string | undefined;
  /** The words that start the program again. Default: "npx seqsync". */
  command?: string;
  /** Base URL of the specification's chapters. */
  spec?: string | undefined;
}

/** The command that runs a failing program again. */
export function reproduceExploration(
  { seed, path, variation, varied }: Pick<ExplorationFailure, "seed" | "path" | "variation" | "varied">,
  { command = "npx seqsync", target, faults, clients, vary, timeoutScale = 1, restartCommand }: ExplorationRun,
): string {
  // Without a name that is needed, what varied varies again.
  const names = variation === 0 ? ["none"] : varied.length > 0 ? varied : vary;
  const options = [
    ...["--faults", faults, "--clients", String(clients)],
    ...(names === undefined ? [] : ["--vary", names.join(",")]),
    ...(timeoutScale === 1 ? [] : ["--timeout-scale", String(timeoutScale)]),
    ...(restartCommand === undefined ? [] : ["--restart-command", quoted(restartCommand)]),
  ];
  return `${command} explore ${target} ${options.join(" ")} --seed ${seed} --path ${path}`;
}

/** The result of an exploration for a terminal. */
export function renderExploration(exploration: Exploration, run: ExplorationRun, style: Styler): string {
  const { programs, operations, faults, exercised, failure } = exploration;
  const injected = Object.entries(faults).filter(([, count]) => count > 0);
  const lines = [
    `${programs} programs, ${operations} operations, seed ${run.seed}`,
    `network faults  ${injected.length === 0 ? "none" : injected.map(([kind, count]) => `${kind} ${count}`).join(", ")}`,
    `requirements    ${[...exercised].map(([requirement, times]) => `${requirement} ${times}`).join(", ")}`,
  ];
  if (failure === undefined) {
    const unused = [...exercised].filter(([, times]) => times === 0).map(([requirement]) => requirement);
    if (unused.length > 0) lines.push(style("yellow", `not exercised, run more programs: ${unused.join(", ")}`));
    const verdict = style("green", style("bold", "No violation found."));
    return terminalText(`${lines.map((line) => style("dim", line)).join("\n")}\n\n${verdict}\n`);
  }

  // One diagram of the whole program follows the findings.
  for (const finding of failure.findings)
    lines.push("", ...findingText(viewFinding(finding, { spec: run.spec }), { style, diagram: false }));
  const { reruns, steps, history, variation, varied } = failure;
  const frequency =
    reruns.of === 0
      ? "It did not run again, because the server stopped responding."
      : reruns.failed === reruns.of
        ? "The program fails every time."
        : `The failure depends on timing: the program failed in ${reruns.failed} of ${reruns.of} reruns.`;
  lines.push("", `The shortest failing program has ${counted(steps.length, "step")}. ${frequency}`);
  if (varied.length > 0) lines.push(`It fails only if these vary in the marked steps: ${varied.join(", ")}.`);
  else if (variation !== 0) lines.push("Whether it fails in the plain form too is not known.");
  lines.push(...steps.map((step, index) => `  ${index + 1}. ${printable(describeStep(step))}`), "");
  lines.push(...textDiagram(history).map((line) => `  ${printable(line)}`));
  lines.push("", "Reproduce with", `  ${reproduceExploration(failure, run)}`);
  return terminalText(`${lines.join("\n")}\n`);
}
