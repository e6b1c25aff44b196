import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { compile } from "../support/compile.js";

/** What a worker is told, and what it tells. Tasks and answers are numbered, as several may be under way at a time. */
interface Asked<Task> {
  nr: number;
  task: Task;
}
type Told<Answer> = { nr: number; answer: Answer } | { nr: number; crash: string };

export interface PoolOptions {
  /** Name of the module beside this one that calls `serveTasks`. */
  worker: string;
  processes: number;
  /** Tasks that one process has at a time: while one waits for a deadline, the others work. */
  atOnce: number;
  /** Whether no further task shall begin. */
  isOver?: () => boolean;
}

/** There are at least as many processes as processors: threads that collect garbage beside them only get in their way. */
const V8_OPTIONS = ["--no-parallel-scavenge", "--max-semi-space-size=64"];

/** Has `tasks` done in processes of their own, in their order. Resolves when all are; `onAnswer` hears of each as it ends. */
export async function spread<Task, Answer>(
  tasks: readonly Task[],
  { worker, processes, atOnce, isOver = () => false }: PoolOptions,
  onAnswer: (answer: Answer, task: Task) => void,
): Promise<void> {
  const queue = tasks.map((task, nr) => ({ nr, task }));
  const workers = Array.from({ length: processes }, () => startWorker(worker));
  try {
    await Promise.all(
      workers.flatMap((child) =>
        Array.from({ length: atOnce }, async () => {
          for (let it = queue.shift(); it !== undefined && !isOver(); it = queue.shift()) {
            const told = await ask<Task, Answer>(child, it);
            if ("crash" in told) throw new Error(`${JSON.stringify(it.task)} went wrong: ${told.crash}`);
            onAnswer(told.answer, it.task);
          }
        }),
      ),
    );
  } finally {
    for (const child of workers) child.kill();
  }
}

/** The other end, in the worker: does what it is asked. */
export function serveTasks<Task, Answer>(work: (task: Task) => Promise<Answer>): void {
  // A faulty server may throw where nobody waits for it. That is part of the fault, and no reason to stop.
  process.on("unhandledRejection", () => {});
  process.on("uncaughtException", () => {});
  process.on("message", async ({ nr, task }: Asked<Task>) => {
    let told: Told<Answer>;
    try {
      told = { nr, answer: await work(task) };
    } catch (error) {
      told = { nr, crash: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    process.send?.(told);
  });
}

function startWorker(module: string): ChildProcess {
  const file = join(compile(), "conformance/selftest/kill-matrix", `${module}.js`);
  // What broken servers log is of no interest.
  return fork(file, { execArgv: V8_OPTIONS, stdio: ["ignore", "ignore", "ignore", "ipc"] }).setMaxListeners(0);
}

function ask<Task, Answer>(worker: ChildProcess, asked: Asked<Task>): Promise<Told<Answer>> {
  return new Promise((resolve, reject) => {
    const onMessage = (told: Told<Answer>) => {
      if (told.nr !== asked.nr) return;
      done();
      resolve(told);
    };
    const onExit = (code: number | null) => {
      done();
      reject(new Error(`a process ended with ${code} while it worked on ${JSON.stringify(asked.task)}`));
    };
    const done = () => {
      worker.off("message", onMessage);
      worker.off("exit", onExit);
    };
    worker.on("message", onMessage);
    worker.on("exit", onExit);
    worker.send(asked);
  });
}
