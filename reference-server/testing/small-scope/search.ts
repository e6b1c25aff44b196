import { type Parts, Violation } from "./server.js";
import { keyOf, SmallSystem, type State } from "./system.js";

/** The result of a search. */
export interface SearchResult {
  /** Number of distinct states that were reached. */
  states: number;
  /** Number of steps between them. */
  steps: number;
  /** The first violation, if there is one. */
  violation?: string;
  /** The shortest sequence of steps that leads to it. */
  path?: string[];
}

interface Visit {
  state: State;
  from?: Visit;
  by?: string;
}

/** Searches all states that the system can reach, breadth first, and stops at the first violation of a property. */
export function search(parts?: Parts): SearchResult {
  const system = new SmallSystem(parts);
  const first: Visit = { state: system.initial() };
  const seen = new Set([keyOf(first.state)]);
  const queue = [first];
  let steps = 0;
  for (const visit of queue) {
    let step: string | undefined;
    try {
      system.inspect(visit.state);
      for (const [by, next] of system.steps(visit.state)) {
        step = by;
        const state = next();
        steps += 1;
        const size = seen.size;
        if (seen.add(keyOf(state)).size > size) queue.push({ state, from: visit, by });
      }
    } catch (error) {
      // All calls of the system are legal, so any other error is a violation too.
      const violation = error instanceof Violation ? error.message : `failure: ${(error as Error).message}`;
      return { states: seen.size, steps, violation, path: [...pathTo(visit), ...(step === undefined ? [] : [step])] };
    }
  }
  return { states: seen.size, steps };
}

function pathTo(visit: Visit): string[] {
  const path: string[] = [];
  for (let at: Visit | undefined = visit; at?.by !== undefined; at = at.from) path.unshift(at.by);
  return path;
}
