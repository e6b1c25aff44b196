import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { cardsOf } from "../report/model/card.js";
import type { Codec } from "../rpc/connect.js";
import { check } from "../run/check.js";
import { MUTANTS } from "./mutants/index.js";
import { startMutant } from "./mutants/mutant.js";

const run = promisify(execFile);

/** Checks a mutant by one case, and runs the commands of the card against the same server. Returns their output. */
async function byHand(name: string, caseId: string, codec: Codec): Promise<{ script: string; output: string }> {
  const mutant = MUTANTS.find((it) => it.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
  const server = await startMutant(mutant, { fixtures: true });
  try {
    const report = await check({
      urls: [server.url],
      select: (it) => it.case.id === caseId,
      codecs: [codec],
      seed: 1,
    });
    const card = cardsOf(report).find(({ requirement }) => requirement === mutant.breaks);
    // Whole seconds are for people.
    const script = (card?.curl.join("\n") ?? "").replaceAll("sleep 1", "sleep 0.1").replaceAll("-m 2 ", "-m 0.3 ");
    const { stdout, stderr } = await run("sh", ["-c", script], { timeout: 20_000 });
    return { script, output: stdout + stderr };
  } finally {
    await server.close(0);
  }
}

const last = (output: string) => output.split(/(?=HTTP\/1\.1 )/).at(-1) ?? "";

describe("the commands of a card, run in a shell, show the violation", () => {
  test("of a Sync in JSON", async () => {
    const { output, script } = await byHand("ack-last-write-wins", "ack/old-device-does-not-lower", "json");
    expect(script).not.toMatch(/Bearer [^$]/);
    expect(last(output)).toContain('"ackedSeq":2');
  });

  test("of a Sync in protobuf", async () => {
    const { output } = await byHand("ack-last-write-wins", "ack/old-device-does-not-lower", "proto");
    // acked_seq is field 3: 0x18, then its value.
    expect(last(output)).toMatch(/\^X\^B/);
  });

  test("of a body that does not decode, and of an odd credential", async () => {
    const { output } = await byHand("auth-send-any-scheme", "auth/other-schemes", "json");
    expect(last(output)).toMatch(/^HTTP\/1\.1 200 /);
    expect(last(output)).toContain("acceptedAt");
  });

  test("of a request that curl cannot make", async () => {
    const { output } = await byHand("http-cut-before-the-last-chunk", "http/send-cut-off", "json");
    expect(JSON.parse(/\{"epoch".*\}/.exec(last(output))?.[0] ?? "{}").svrSeq).toBeGreaterThan(1);
  });
});
