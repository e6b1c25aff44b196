import { serveMethods } from "../child.js";

/** Serves the methods of a measured server: `listen` returns its URL, `cpu` its processor time. */
export function serveBench(listen: () => Promise<string>): void {
  serveMethods({
    listen,
    /** Processor time of all threads so far, in microseconds. */
    cpu: () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
  });
}
