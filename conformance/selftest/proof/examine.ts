import { type Mechanism, runMechanism } from "../support/mechanisms.js";
import { faultyServer } from "./faulty-server.js";
import { type FreshMutant, freshMutant } from "./fresh-mutant.js";

/** One mutant to examine. */
export interface Task {
  seed: number;
  nr: number;
  mechanisms: readonly Mechanism[];
  /** Maximum seconds for each mechanism. */
  limit: number;
}

/** What happened when one mechanism ran against a mutant. */
export interface Attempt {
  mechanism: Mechanism;
  /** The blamed requirements. */
  blamed: string[];
  /** Moments at which the fault could have occurred. */
  occasions: number;
  /** Times that it occurred. */
  fired: number;
  /** Those of them that a client could see in a response or a frame. */
  shown: number;
  /** Number of cases that ran out of time, as on a busy machine: they have found nothing. */
  timedOut: number;
  seconds: number;
}

/** What was found about one fresh mutant. */
export interface ProofResult {
  nr: number;
  about: string;
  /** Kinds of its conditions. */
  conditions: string[];
  /** Kind of its effect. */
  effect: string;
  target: string;
  /** The requirements that it violates. */
  breaks: string[];
  /** The mechanism that killed it, with the right blame if there was any; "" if it survived. */
  killedBy: Mechanism | "";
  /** Whether one of `breaks` was blamed. */
  isBlamedRightly: boolean;
  attempts: Attempt[];
  /** Errors of the suite itself. */
  errors: string[];
}

/** Runs the mechanisms one after the other against one fresh mutant, until one of them blames the right requirement. */
export async function examineFresh({ seed, nr, mechanisms, limit }: Task): Promise<ProofResult> {
  const fresh = freshMutant(seed, nr);
  const result: ProofResult = { ...describe(fresh), killedBy: "", isBlamedRightly: false, attempts: [], errors: [] };
  for (const mechanism of mechanisms) {
    const started = performance.now();
    const { mutant, traffic } = faultyServer(fresh);
    const restarts = fresh.effect.target === "crash" || fresh.conditions.some((it) => it.restarts);
    const { blamed, timedOut, errors } = await runMechanism(mechanism, mutant, {
      seed: nr,
      limit,
      restarts,
      until: fresh.breaks,
    });
    const { occasions, fired, shown } = traffic;
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    result.attempts.push({ mechanism, blamed, occasions, fired, shown, timedOut, seconds });
    result.errors.push(...errors);
    const isRight = blamed.some((id) => fresh.breaks.some((it) => it === id));
    if (isRight || (blamed.length > 0 && result.killedBy === "")) result.killedBy = mechanism;
    result.isBlamedRightly = isRight;
    if (isRight) break;
  }
  return result;
}

const describe = ({ nr, about, conditions, effect, breaks }: FreshMutant) => ({
  nr,
  about,
  conditions: conditions.map(({ kind }) => kind),
  effect: effect.kind,
  target: effect.target,
  breaks: [...breaks],
});

/**
 * Why a mutant survived, from what its server counted in all attempts.
 * - `never`: the fault never occurred: the suite did not bring its condition about.
 * - `unseen`: it occurred, but no client made the call that shows it.
 * - `shown`: a client could see it, and nothing was found: the most useful ones.
 */
export type Why = "shown" | "unseen" | "never";

export function whySurvived({ attempts }: Pick<ProofResult, "attempts">): Why {
  if (attempts.some(({ shown }) => shown > 0)) return "shown";
  return attempts.some(({ fired }) => fired > 0) ? "unseen" : "never";
}
