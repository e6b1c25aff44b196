import { fork } from "node:child_process";

/**
 * A child process whose methods are called by messages, so that the measured code shares no thread and no heap with the
 * benchmark.
 */
export interface Child {
  /** Calls a method. Rejects if the method throws, or if the process exits first. */
  call<T>(method: string, ...args: unknown[]): Promise<T>;
  /** Stops the process; kills it after 10 s. */
  stop(): Promise<void>;
}

interface MethodCall {
  id: number;
  method: string;
  args: unknown[];
}

interface Reply {
  id: number;
  value?: unknown;
  error?: string;
}

/** Starts a compiled module that calls `serveMethods`, with a large heap and with garbage collection on demand. */
export function startChild(module: string, args: readonly string[] = [], nodeOptions: readonly string[] = []): Child {
  const child = fork(module, args, {
    execArgv: ["--expose-gc", "--max-old-space-size=12000", ...nodeOptions],
    serialization: "advanced",
  });
  const waiting = new Map<number, (reply: Reply) => void>();
  let calls = 0;
  child.on("message", (reply: Reply) => {
    waiting.get(reply.id)?.(reply);
    waiting.delete(reply.id);
  });
  const ended = new Promise<void>((resolve) =>
    child.once("exit", (code, signal) => {
      for (const [id, settle] of waiting) settle({ id, error: `${module} exited with ${code ?? signal}` });
      resolve();
    }),
  );
  return {
    call: <T>(method: string, ...params: unknown[]) =>
      new Promise<T>((resolve, reject) => {
        calls += 1;
        waiting.set(calls, ({ value, error }) =>
          error === undefined ? resolve(value as T) : reject(new Error(`${method}: ${error}`)),
        );
        child.send({ id: calls, method, args: params } satisfies MethodCall);
      }),
    stop: () => {
      // The process exits by itself when it is disconnected, and then writes its profile, if it makes one.
      if (child.connected) child.disconnect();
      const timeout = setTimeout(() => child.kill("SIGKILL"), 10_000);
      return ended.finally(() => clearTimeout(timeout));
    },
  };
}

/** Serves these methods in a child process, until the parent disconnects. */
// biome-ignore lint/suspicious/noExplicitAny: each method has its own arguments.
export function serveMethods(methods: Readonly<Record<string, (...args: any[]) => unknown>>): void {
  process.on("message", async ({ id, method, args }: MethodCall) => {
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

/** Bytes in use after garbage collection, on the heap and in buffers outside of it. */
export function memoryInUse(): number {
  if (globalThis.gc === undefined) throw new Error("the process was started without --expose-gc");
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
