import { REQUIREMENTS } from "../registry/requirements.js";
import type { Finding } from "../verdict.js";
import type { Paint } from "./paint.js";

/** A finding in lines: the requirement, its sentence, what is wrong, and how it should be. */
export function findingText({ requirement, message, expected, actual }: Finding, paint: Paint): string[] {
  return [
    paint("red", paint("bold", `✗ ${requirement}`)),
    `  ${REQUIREMENTS[requirement].sentence}`,
    "",
    `  ${message}`,
    `    expected  ${paint("green", expected)}`,
    `    actual    ${paint("red", actual)}`,
  ];
}
