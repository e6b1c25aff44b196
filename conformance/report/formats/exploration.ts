import type { Exploration } from "../../explore/explore.js";
import type { FaultLevel } from "../../explore/program.js";
import { findingText } from "../model/finding.js";
import { textDiagram } from "./diagram.js";
import type { Styler } from "./style.js";

/** How the exploration was asked for, so that it can be asked for again. */
export interface Asked {
  seed: number;
  /** Arguments that reach the target again. */
  target: string;
  faults: FaultLevel;
  clients: number;
}

/** What an exploration found, for people. */
export function renderExploration(exploration: Exploration, asked: Asked, paint: Styler): string {
  const { programs, operations, faults, applied, failure } = exploration;
  const injected = Object.entries(faults).filter(([, count]) => count > 0);
  const lines = [
    `${programs} programs, ${operations} operations, seed ${asked.seed}`,
    `faults  ${injected.length === 0 ? "none" : injected.map(([kind, count]) => `${kind} ${count}`).join(", ")}`,
  ];
  lines.push(`rules   ${[...applied].map(([rule, times]) => `${rule} ${times}`).join(", ")}`);
  const unused = [...applied].filter(([, times]) => times === 0).map(([rule]) => rule);
  if (failure === undefined && unused.length > 0)
    lines.push(paint("yellow", `never exercised, run more programs: ${unused.join(", ")}`));
  if (failure === undefined)
    return `${lines.map((line) => paint("dim", line)).join("\n")}\n\n${paint("green", paint("bold", "Nothing found."))}\n`;

  for (const finding of failure.findings) lines.push("", ...findingText(finding, paint));
  const { repeated, steps, seed, path, history } = failure;
  const again =
    repeated.failed === repeated.of
      ? "it fails each time"
      : `a race: of ${repeated.of} repetitions, ${repeated.failed} failed`;
  lines.push(
    "",
    `The shortest program that shows it has ${steps.length} step${steps.length === 1 ? "" : "s"}; ${again}.`,
    "",
  );
  lines.push(...textDiagram(history).map((line) => `  ${line}`));
  lines.push(
    "",
    "Run it again with",
    `  seqsync explore ${asked.target} --faults ${asked.faults} --clients ${asked.clients} --seed ${seed} --path ${path}`,
  );
  return `${lines.join("\n")}\n`;
}
