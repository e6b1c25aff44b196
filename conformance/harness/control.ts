import { NoResponseFailure, Violation } from "../findings.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { Context } from "./context.js";

/**
 * Does something in special circumstances. A violation is blamed on `requirement`, which is about them, only if `control`
 * finds none, which does the same in ordinary circumstances: otherwise the violation that `control` finds is the result.
 */
export async function blamingCircumstances<T>(
  t: Context,
  requirement: RequirementId,
  act: () => Promise<T>,
  control: () => Promise<unknown>,
): Promise<T> {
  return await t.blaming(requirement, act).catch(async (error: unknown) => {
    if (error instanceof Violation || error instanceof NoResponseFailure) await control();
    throw error;
  });
}
