import type { Finding } from "../../findings.js";
import { REQUIREMENTS } from "../../requirements/requirements.js";
import type { Styler } from "../formats/style.js";

/** A finding in lines: the requirement, its sentence, what is wrong, and how it should be. */
export function findingText({ requirement, message, expected, actual }: Finding, paint: Styler): string[] {
  return [
    paint("red", paint("bold", `✗ ${requirement}`)),
    `  ${REQUIREMENTS[requirement].sentence}`,
    "",
    `  ${message}`,
    `    expected  ${paint("green", expected)}`,
    `    actual    ${paint("red", actual)}`,
  ];
}
