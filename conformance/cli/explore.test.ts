/** `seqsync explore` as a process. */
import type { ChildProcess } from "node:child_process";
import { expect, test } from "vitest";
import { startReferenceServer } from "../../reference-server/index.js";
import { MUTANTS } from "../selftest/mutants/index.js";
import { startMutant } from "../selftest/mutants/mutant.js";
import { seqsync } from "../selftest/support/command.js";

test("what it found can be had again with all that reached the server", async () => {
  const fault = MUTANTS.find(({ name }) => name === "ack-on-answer");
  if (fault === undefined) throw new Error("there is no such fault");
  const server = await startMutant(fault, { fixtures: true });
  try {
    const flags = ["--connect-timeout", "7", "--header", "x-a: b c"];
    const { code, stdout } = await seqsync(["explore", server.url, "--seed", "1", ...flags]);
    expect(code).toBe(1);
    const again = /seqsync (explore .*)$/m.exec(stdout)?.[1] ?? "";
    expect(again).toContain(`${server.url} --header 'x-a: b c' --connect-timeout 7 --faults heavy`);
    const words = again.replace("'x-a: b c'", "x-a:b").split(" ");
    const repeated = await seqsync(words);
    expect(repeated.code).toBe(1);
    expect(repeated.stdout).toMatch(/^1 programs/m);
  } finally {
    await server.close(0);
  }
});

test("whoever ends it hears what it did so far", async () => {
  let child: ChildProcess | undefined;
  let asked = 0;
  const server = await startReferenceServer({
    fixtures: true,
    log: () => {
      asked += 1;
      if (asked === 200) child?.kill("SIGTERM");
    },
  });
  try {
    const onStart = (started: ChildProcess) => {
      child = started;
    };
    const { code, stdout, stderr } = await seqsync(["explore", server.url, "--runs", "100000"], { onStart });
    expect(stderr).toMatch(/^seqsync: stopping/);
    expect(stdout).toMatch(/^\d+ programs, \d+ operations, seed \d+$/m);
    expect(code).toBe(3);
  } finally {
    await server.close(0);
  }
});
