import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Examined, Extent } from "./examine.js";
import type { Answer, Task } from "./worker.js";

/** Servers that one process examines at a time: while one run waits for a deadline, the others work. */
const AT_ONCE = 2;

/** Examines faulty servers in `processes` processes. Resolves when all are done; `onExamined` hears of each as it ends. */
export async function examineAll(
  names: readonly string[],
  extent: Extent,
  processes: number,
  onExamined: (examined: Examined) => void,
): Promise<void> {
  const queue = [...names];
  const workers = Array.from({ length: processes }, startWorker);
  try {
    await Promise.all(
      workers.flatMap((worker) =>
        Array.from({ length: AT_ONCE }, async () => {
          for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
            const answer = await ask(worker, { name, ...extent });
            if ("crash" in answer) throw new Error(`the examination of ${answer.name} went wrong: ${answer.crash}`);
            onExamined(answer.examined);
          }
        }),
      ),
    );
  } finally {
    for (const worker of workers) worker.kill();
  }
}

function startWorker(): ChildProcess {
  const file = fileURLToPath(new URL("./worker.ts", import.meta.url));
  // What broken servers log is of no interest.
  return fork(file, { execArgv: process.execArgv, stdio: ["ignore", "ignore", "ignore", "ipc"] }).setMaxListeners(0);
}

function ask(worker: ChildProcess, task: Task): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onMessage = (answer: Answer) => {
      if (answer.name !== task.name) return;
      done();
      resolve(answer);
    };
    const onExit = (code: number | null) => {
      done();
      reject(new Error(`a process ended with ${code} while it examined ${task.name || "the control"}`));
    };
    const done = () => {
      worker.off("message", onMessage);
      worker.off("exit", onExit);
    };
    worker.on("message", onMessage);
    worker.on("exit", onExit);
    worker.send(task);
  });
}
