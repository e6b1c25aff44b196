import type { RequestListener } from "node:http";
import { afterAll } from "vitest";
import type { Running } from "./serve.js";

/** Collects what the tests of a file start, and stops it after the last one. */
export function cleanUpsAfterAll() {
  const cleanUps: (() => unknown)[] = [];
  afterAll(async () => {
    for (const cleanUp of cleanUps) await cleanUp();
  });
  return {
    /** Calls a function after the last test. */
    onEnd: (cleanUp: () => unknown): void => void cleanUps.push(cleanUp),
    /** Returns the URL of a server that is stopped after the last test. */
    async running(starting: Promise<Running>): Promise<string> {
      const { url, stop } = await starting;
      cleanUps.push(stop);
      return url;
    },
  };
}

/** Answers every request with one page, as servers of something else do. */
export const page =
  (status: number, body: string, headers: Record<string, string> = {}): RequestListener =>
  (_req, res) =>
    void res.writeHead(status, { "content-type": "text/html", ...headers }).end(body);
