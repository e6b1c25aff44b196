import { fork } from "node:child_process";

/** A process of its own that is asked by messages, so that what is measured shares no thread and no heap with the measuring. */
export interface Child {
  /** Calls one of its methods. Rejects if the method throws, or if the process ends first. */
  ask<T>(method: string, ...args: unknown[]): Promise<T>;
  stop(): Promise<void>;
}

interface Question {
  id: number;
  method: string;
  args: unknown[];
}

interface Reply {
  id: number;
  value?: unknown;
  error?: string;
}

/** Starts a compiled module that calls `answer`. Its heap may be collected on demand, and may be large. */
export function startChild(module: string, args: readonly string[] = [], nodeOptions: readonly string[] = []): Child {
  const child = fork(module, args, {
    execArgv: ["--expose-gc", "--max-old-space-size=12000", ...nodeOptions],
    serialization: "advanced",
  });
  const waiting = new Map<number, (reply: Reply) => void>();
  let asked = 0;
  child.on("message", (reply: Reply) => {
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  });
  const ended = new Promise<void>((resolve) =>
    child.once("exit", (code, signal) => {
      for (const [id, settle] of waiting) settle({ id, error: `${module} ended with ${code ?? signal}` });
      resolve();
    }),
  );
  return {
    ask: <T>(method: string, ...params: unknown[]) =>
      new Promise<T>((resolve, reject) => {
        asked += 1;
        waiting.set(asked, ({ value, error }) =>
          error === undefined ? resolve(value as T) : reject(new Error(`${method}: ${error}`)),
        );
        child.send({ id: asked, method, args: params } satisfies Question);
      }),
    stop: () => {
      // It ends by itself when nobody asks any more, and then writes its profile, if it makes one.
      if (child.connected) child.disconnect();
      const patience = setTimeout(() => child.kill("SIGKILL"), 10_000);
      return ended.finally(() => clearTimeout(patience));
    },
  };
}

/** The other side: answers questions by these methods until the process that asks is gone. */
// biome-ignore lint/suspicious/noExplicitAny: each method knows its own arguments.
export function answer(methods: Readonly<Record<string, (...args: any[]) => unknown>>): void {
  process.on("message", async ({ id, method, args }: Question) => {
    const reply: Reply = { id };
    try {
      reply.value = await methods[method]?.(...args);
    } catch (error) {
      reply.error = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    process.send?.(reply);
  });
  process.on("disconnect", () => process.exit());
}

/** Bytes in use after everything that is not needed has been collected: on the heap, and in buffers outside of it. */
export function memoryInUse(): number {
  if (globalThis.gc === undefined) throw new Error("the process was started without --expose-gc");
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
