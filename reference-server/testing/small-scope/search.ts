import { type Parts, Violation } from "./server.js";
import { keyOf, SmallSystem, type State } from "./system.js";

export interface Finding {
  /** Different states that were reached. */
  states: number;
  /** Steps between them. */
  steps: number;
  /** What went wrong first, if anything did, and the shortest way there. */
  violation?: string;
  path?: string[];
}

interface Visit {
  state: State;
  from?: Visit;
  by?: string;
}

/** Goes through all states that the system can reach, breadth first, and stops at the first that breaks a property. */
export function search(parts?: Parts): Finding {
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
      // An inbox that throws in the middle of a legal call is broken as well.
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
