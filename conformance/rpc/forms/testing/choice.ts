import { seeded } from "../../../random.js";
import type { FormAspect, FormChoice } from "../aspects.js";

/** Returns a choice in which exactly these aspects apply. */
export function choiceOf(seed: number, aspects: readonly FormAspect[]): FormChoice {
  return { applies: (aspect) => aspects.includes(aspect), random: (aspect) => seeded(seed, aspect) };
}
