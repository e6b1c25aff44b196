import "../../../proto/base64.js";
import { MUTANTS } from "../mutants/index.js";
import { type Examinee, type Extent, examine, examineAgain, type MutantResult } from "./examine.js";
import { serveTasks } from "./pool.js";

/** One fault to be examined, by its name; "" for the control. */
export interface Task extends Extent {
  name: string;
  /** Only what these cases expected before, as in `Examined.own`. */
  again?: readonly string[];
  /** With how many seeds at the most; default several. */
  tries?: number;
}

/** A server without any fault: what fails against it is a false alarm. */
const CONTROL: Examinee = { name: "control", breaks: "", about: "the reference server as it is" };

serveTasks<Task, MutantResult>(async ({ name, again, tries, ...extent }) => {
  const fault = name === "" ? CONTROL : MUTANTS.find((it) => it.name === name);
  if (fault === undefined) throw new Error("there is no such fault");
  return again === undefined ? examine(fault, extent) : examineAgain(fault, again, { limit: extent.limit, tries });
});
