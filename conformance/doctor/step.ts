/** What one step of the examination found. */
export interface Step {
  /** Name of the step, such as "TLS". */
  name: string;
  /**
   * `ok`; `warning`: a run works, but less well or less completely than it could; `problem`: a run cannot work;
   * `skipped`: a step on which this one depends failed, or it does not apply.
   */
  state: "ok" | "warning" | "problem" | "skipped";
  /** What was found, in one line. It may hold text of the server. */
  found: string;
  /** What to do about it. */
  advice?: string;
  /** Options that a run should have because of it. */
  options?: readonly string[];
}

/** A step without its name. */
export type Found = Omit<Step, "name">;

export const ok = (found: string): Found => ({ state: "ok", found });
export const skipped = (found: string): Found => ({ state: "skipped", found });
export const problem = (found: string, advice?: string): Found => withAdvice("problem", found, advice);
export const warning = (found: string, advice?: string, options?: readonly string[]): Found => ({
  ...withAdvice("warning", found, advice),
  ...(options === undefined ? {} : { options }),
});

const withAdvice = (state: Found["state"], found: string, advice: string | undefined): Found =>
  advice === undefined ? { state, found } : { state, found, advice };

/** A problem in one sentence, of which the last part says what to do. */
export function problemOf(text: string): Found {
  const at = text.lastIndexOf("; ");
  return at < 0 ? problem(text) : problem(text.slice(0, at), text.slice(at + 2));
}

/** A number of milliseconds for people. */
export const milliseconds = (ms: number) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
