import { answer } from "../child.js";

/** What each measured server answers to the process that measures: where it is, and how much processor time it has used. */
export function serveBench(listen: () => Promise<string>): void {
  answer({
    listen,
    /** Microseconds of processor time so far, all threads. */
    cpu: () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
  });
}
