import { expect, test } from "vitest";
import type { RunnableCase } from "./case-run.js";
import { RunQueue } from "./run-queue.js";

const run = (id: string, flags: Partial<RunnableCase["case"]> = {}) => ({ id, case: flags }) as unknown as RunnableCase;
const idsOf = (runs: readonly (RunnableCase | undefined)[]) => runs.map((it) => it?.id);

test("cases that wait run beside the others, and at most two with large volumes at the same time, first", () => {
  const large = ["l1", "l2", "l3", "l4"].map((id) => run(id, { thorough: true }));
  const waiting = [run("w", { thorough: true, waits: true })];
  const queue = new RunQueue([run("a"), ...large, ...waiting, run("b")]);
  expect(queue.waiting).toEqual(waiting);
  expect(idsOf([queue.take(), queue.take(), queue.take()])).toEqual(["l1", "l2", "a"]);
  queue.ended(run("a"));
  expect(queue.take()?.id).toBe("b");
  queue.ended(large[0] as RunnableCase);
  expect(idsOf([queue.take(), queue.take()])).toEqual(["l3", undefined]);
  queue.ended(large[1] as RunnableCase);
  expect(idsOf([queue.take(), queue.take()])).toEqual(["l4", undefined]);
});

test("cases that wait take turns with the others if the server has no room for all at once", () => {
  const queue = new RunQueue([run("w", { thorough: true, waits: true }), run("a")], { hasRoom: false });
  expect(queue.waiting).toEqual([]);
  expect(idsOf([queue.take(), queue.take(), queue.take()])).toEqual(["w", "a", undefined]);
});
