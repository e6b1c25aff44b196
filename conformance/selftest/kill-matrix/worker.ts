import "../../../proto/base64.js";
import { FAULTS } from "../mutants/index.js";
import { type Examined, type Examinee, type Extent, examine, examineAgain } from "./examine.js";
import { tellOwn } from "./own.js";
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

tellOwn();
serveTasks<Task, Examined>(async ({ name, again, tries, ...extent }) => {
  const fault = name === "" ? CONTROL : FAULTS.find((it) => it.name === name);
  if (fault === undefined) throw new Error("there is no such fault");
  return again === undefined ? examine(fault, extent) : examineAgain(fault, again, { limit: extent.limit, tries });
});
