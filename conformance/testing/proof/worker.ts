import { FAULTS } from "../../../reference-server/faults/index.js";
import { type Examined, type Extent, examine } from "./examine.js";

/** What a worker is asked, and what it answers. */
export interface Task extends Extent {
  /** Name of the fault; "" for the control. */
  name: string;
}
export type Answer = { name: string; examined: Examined } | { name: string; crash: string };

/** A server without any fault: what fails against it is a false alarm. */
const CONTROL = { name: "control", breaks: "", about: "the reference server as it is" };

// A faulty server may throw where nobody waits for it. That is part of the fault, and no reason to stop.
process.on("unhandledRejection", () => {});
process.on("uncaughtException", () => {});

process.on("message", async ({ name, ...extent }: Task) => {
  const fault = name === "" ? CONTROL : FAULTS.find((it) => it.name === name);
  let answer: Answer;
  try {
    if (fault === undefined) throw new Error("there is no such fault");
    answer = { name, examined: await examine(fault, extent) };
  } catch (error) {
    answer = { name, crash: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.send?.(answer);
});
