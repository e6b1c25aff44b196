import "../../../proto/base64.js";
import { MUTANTS } from "../mutants/index.js";
import { serveTasks } from "../support/pool.js";
import { type ExamineOptions, examine, type MutantResult, reexamine, type Subject } from "./examine.js";

/** Examines one mutant. */
export interface Task extends ExamineOptions {
  /** The mutant's name; "" for the control. */
  name: string;
  /**
   * Runs only the cases of these expectations, as in `MutantResult.failedExpectations`. Default: the cases of the
   * extent.
   */
  expectations?: readonly string[];
  /** Maximum number of seeds for `expectations`. Default: several. */
  attempts?: number;
}

/** The reference server without changes: a failure against it is a false positive. */
const CONTROL: Subject = { name: "control", breaks: "", about: "the reference server without changes" };

serveTasks<Task, MutantResult>(async ({ name, expectations, attempts, ...options }) => {
  const subject = name === "" ? CONTROL : MUTANTS.find((it) => it.name === name);
  if (subject === undefined) throw new Error(`there is no mutant ${name}`);
  return expectations === undefined
    ? examine(subject, options)
    : reexamine(subject, expectations, { limit: options.limit, attempts });
});
