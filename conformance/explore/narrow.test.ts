import { afterEach, describe, expect, it } from "vitest";
import { fixtureAccounts } from "../accounts/fixture.js";
import { reproduceExploration } from "../report/formats/exploration.js";
import { reportOnExploration } from "../run/exploration-report.js";
import { probe } from "../run/target.js";
import { MUTANTS } from "../selftest/mutants/index.js";
import { startMutant } from "../selftest/mutants/mutant.js";
import { Transport } from "../transport/http.js";
import { type ExplorationOptions, runExploration } from "./explore.js";

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Starts a mutant. Returns a function that explores it. */
async function mutant(name: string) {
  const found = MUTANTS.find((it) => it.name === name);
  if (found === undefined) throw new Error(`there is no mutant ${name}`);
  const server = await startMutant(found, { fixtures: true });
  const { urls } = server;
  const transport = new Transport({ urls });
  cleanUps.push(
    () => server.close(0),
    () => transport.close(),
  );
  const probed = await probe(transport);
  const source = await fixtureAccounts(transport, {});
  if ("problem" in probed || "unavailable" in source) throw new Error("the server under test is not ready");
  return async (options: Partial<ExplorationOptions> = {}) => {
    const common = { runs: 500, seed: 1, faults: "light", shrinkMs: 20_000 } as const;
    const exploration = await runExploration({ ...common, urls, info: probed.info, source, ...options });
    const { failure } = exploration;
    if (failure === undefined) throw new Error("nothing was found");
    return { exploration, failure };
  };
}

const run = { seed: 1, target: "URL", faults: "light", clients: 2 } as const;

describe("a failure of a program that varies", { timeout: 120_000 }, () => {
  it("is blamed on the form that it needs, in the text, the command and the report, and comes again", async () => {
    const explore = await mutant("forms-tag-of-two-bytes");
    const { exploration, failure } = await explore();
    // Other aspects may make the number that is written in more bytes.
    const { varied, seed, path } = failure;
    expect(varied).toContain("long-varints");
    expect(varied.length).toBeLessThanOrEqual(2);
    expect(failure.steps.length).toBeLessThanOrEqual(3);
    const message = expect.stringMatching(/^only with .*tags, lengths or numbers in more bytes than needed: /);
    expect(failure.findings).toMatchObject([{ requirement: "HTTP-BINARY", message }]);
    expect(reproduceExploration(failure, run)).toContain(` --vary ${varied.join(",")} `);

    const context = { urls: [], info: undefined, seed: 1, started: new Date(), isStopped: false, reproduce: "" };
    expect(reportOnExploration(exploration, context).cases).toMatchObject([{ varied }]);

    const again = await explore({ seed, path, vary: varied });
    expect(again.failure).toMatchObject({
      varied,
      steps: failure.steps,
      findings: [{ requirement: "HTTP-BINARY", message }],
    });
  });

  it("keeps its requirement if it needs contents", async () => {
    const explore = await mutant("contents-emoji-dropped");
    const { failure } = await explore();
    expect(failure.varied).toEqual(["payloads"]);
    expect(failure.steps.length).toBeLessThanOrEqual(2);
    const message = expect.stringMatching(/^only with payloads of many kinds: /);
    expect(failure.findings[0]).toMatchObject({ requirement: "SEND-BYTES", message });
    expect(reproduceExploration(failure, run)).toContain(" --vary payloads ");
  });

  it("is a plain one if the program fails in the plain form too, with a plain program", async () => {
    const explore = await mutant("ack-on-answer");
    const { failure } = await explore();
    expect(failure).toMatchObject({ varied: [], variation: 0 });
    expect(failure.findings[0]?.message).not.toMatch(/^only with/);
    expect(failure.steps.filter(({ look }) => look !== 0)).toEqual([]);
    expect(reproduceExploration(failure, run)).toContain(" --vary none ");
    const again = await explore({ seed: failure.seed, path: failure.path, vary: [] });
    expect(again.failure).toMatchObject({ steps: failure.steps, varied: [] });
  });
});
