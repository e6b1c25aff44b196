import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { compile } from "./compile.js";

/** A task for a worker. Tasks and results are numbered, because a worker has several tasks at a time. */
interface TaskMessage<Task> {
  nr: number;
  task: Task;
}
type ResultMessage<Result> = { nr: number; result: Result } | { nr: number; error: string };

export interface PoolOptions {
  /** Path of the module that calls `serveTasks`, below conformance/selftest and without extension. */
  worker: string;
  processes: number;
  /** Tasks that one process has at a time: while one waits for a deadline, the others proceed. */
  tasksPerProcess: number;
  /** Is called before each task; if it returns true, no further task starts. Default: never. */
  shouldStop?: () => boolean;
}

/** There are at least as many processes as processors, so threads for garbage collection would compete with them. */
const V8_OPTIONS = ["--no-parallel-scavenge", "--max-semi-space-size=64"];

/** Number of characters that are kept of what a worker writes to standard error. */
const MAX_ERROR_CHARACTERS = 2000;

const lastErrors = new WeakMap<ChildProcess, string>();

/**
 * Runs tasks in processes of their own, in order, and calls `onResult` with each result. Rejects when a task fails or a
 * process exits.
 */
export async function runTasks<Task, Result>(
  tasks: readonly Task[],
  { worker, processes, tasksPerProcess, shouldStop = () => false }: PoolOptions,
  onResult: (result: Result, task: Task) => void,
): Promise<void> {
  const queue = tasks.map((task, nr) => ({ nr, task }));
  const workers = Array.from({ length: processes }, () => startWorker(worker));
  try {
    await Promise.all(
      workers.flatMap((child) =>
        Array.from({ length: tasksPerProcess }, async () => {
          for (let next = queue.shift(); next !== undefined && !shouldStop(); next = queue.shift()) {
            const message = await runTask<Task, Result>(child, next);
            if ("error" in message) throw new Error(`task ${JSON.stringify(next.task)} failed: ${message.error}`);
            onResult(message.result, next.task);
          }
        }),
      ),
    );
  } finally {
    for (const child of workers) child.kill();
  }
}

/** Runs in the worker: executes `work` for each task, and sends its result. */
export function serveTasks<Task, Result>(work: (task: Task) => Promise<Result>): void {
  // A mutant may throw outside of a call. That is part of its wrong behaviour, and must not stop the worker.
  process.on("unhandledRejection", () => {});
  process.on("uncaughtException", () => {});
  process.on("message", async ({ nr, task }: TaskMessage<Task>) => {
    let message: ResultMessage<Result>;
    try {
      message = { nr, result: await work(task) };
    } catch (error) {
      message = { nr, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    process.send?.(message);
  });
}

function startWorker(module: string): ChildProcess {
  const file = join(compile(), "conformance/selftest", `${module}.js`);
  // The log output of mutants is discarded, but for the end that explains why a worker exited.
  const child = fork(file, { execArgv: V8_OPTIONS, stdio: ["ignore", "ignore", "pipe", "ipc"] }).setMaxListeners(0);
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    lastErrors.set(child, ((lastErrors.get(child) ?? "") + text).slice(-MAX_ERROR_CHARACTERS));
  });
  return child;
}

function runTask<Task, Result>(worker: ChildProcess, message: TaskMessage<Task>): Promise<ResultMessage<Result>> {
  return new Promise((resolve, reject) => {
    const onMessage = (received: ResultMessage<Result>) => {
      if (received.nr !== message.nr) return;
      removeListeners();
      resolve(received);
    };
    const onExit = (code: number | null) => {
      removeListeners();
      const errors = lastErrors.get(worker) ?? "";
      reject(new Error(`a worker exited with code ${code} during task ${JSON.stringify(message.task)}\n${errors}`));
    };
    const removeListeners = () => {
      worker.off("message", onMessage);
      worker.off("exit", onExit);
    };
    worker.on("message", onMessage);
    worker.on("exit", onExit);
    worker.send(message);
  });
}
