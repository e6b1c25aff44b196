import type { Exploration } from "../../explore/explore.js";
import type { FaultLevel } from "../../explore/program.js";
import { viewFinding } from "../model/finding.js";
import { counted } from "../model/summary.js";
import { textDiagram } from "./diagram.js";
import { findingText } from "./finding.js";
import type { Styler } from "./style.js";

/** The options of an exploration, to reproduce it. */
export interface ExplorationRun {
  seed: number;
  /** Command line arguments that select the server and the accounts. */
  target: string;
  faults: FaultLevel;
  clients: number;
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
    return `${lines.map((line) => style("dim", line)).join("\n")}\n\n${verdict}\n`;
  }

  // One diagram of the whole program follows the findings.
  for (const finding of failure.findings)
    lines.push("", ...findingText(viewFinding(finding), { style, diagram: false }));
  const { reruns, steps, seed, path, history } = failure;
  const frequency =
    reruns.failed === reruns.of
      ? "The program fails every time."
      : `The failure depends on timing: the program failed in ${reruns.failed} of ${reruns.of} reruns.`;
  lines.push("", `The shortest failing program has ${counted(steps.length, "step")}. ${frequency}`, "");
  lines.push(...textDiagram(history).map((line) => `  ${line}`));
  lines.push(
    "",
    "Reproduce with",
    `  seqsync explore ${run.target} --faults ${run.faults} --clients ${run.clients} --seed ${seed} --path ${path}`,
  );
  return `${lines.join("\n")}\n`;
}
