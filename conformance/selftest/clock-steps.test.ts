import { expect, onTestFinished, test } from "vitest";
import { Outcome, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { Refusal } from "../../reference-server/errors.js";
import { check } from "../run/check.js";
import { MUTANTS, startMutant } from "./mutants/index.js";
import { respondInstead } from "./mutants/interceptors.js";
import type { Mutant } from "./mutants/mutant.js";

const isAboutClocks = ({ case: it }: { case: { needs?: { stepClock?: true }; thorough?: true } }) =>
  it.needs?.stepClock === true && !it.thorough;

/** Starts a server with fixtures, which stops at the end of the test. */
async function start(mutant: Omit<Mutant, "breaks" | "about" | "name">) {
  const server = await startMutant({ name: "test", about: "is a server of a test", ...mutant }, { fixtures: true });
  onTestFinished(() => server.close());
  return server;
}

const outcomes = ({ cases }: Report) => [...new Set(cases.map(({ outcome }) => Outcome[outcome]))];

test("cases that step the clock run alone, and begin and end with the true time", async () => {
  const offsetsAtStart: number[] = [];
  let stepped = 0;
  const server = await start({
    operations: (real) => ({
      createAccount: (service, request) => {
        offsetsAtStart.push(service.clockOffsetMs);
        return real.createAccount(service, request);
      },
      stepClock: (service, request) => {
        stepped += 1;
        return real.stepClock(service, request);
      },
    }),
  });
  const select = (run: Parameters<typeof isAboutClocks>[0] & { id: string }) =>
    isAboutClocks(run) || (run.id.startsWith("sync/") && !run.case.thorough);
  const report = await check({ urls: [server.url], select, seed: 1 });
  expect(outcomes(report)).toEqual(["PASS"]);
  expect(stepped).toBeGreaterThan(20);
  expect(offsetsAtStart.length).toBeGreaterThan(20);
  expect(new Set(offsetsAtStart)).toEqual(new Set([0]));
  expect(server.service.clockOffsetMs).toBe(0);
});

test("a case that fails leaves the clock at the true time, and its history tells the steps", async () => {
  const mutant = MUTANTS.find(({ name }) => name === "clock-messages-expire");
  if (mutant === undefined) throw new Error("no such mutant");
  const server = await start(mutant);
  const report = await check({ urls: [server.url], select: ({ id }) => id === "ack/clock-steps", seed: 1 });
  expect(outcomes(report)).toEqual(["FAIL"]);
  const steps = report.cases[0]?.history.flatMap(({ body }) =>
    body.case === "stepClockCall" ? [body.value.offsetMs / 3_600_000] : [],
  );
  expect(steps).toEqual([-1, -24, 1, 0]);
  expect(server.service.clockOffsetMs).toBe(0);
});

test("a run that is stopped while the clock is being stepped leaves it at the true time", async () => {
  const stop = new AbortController();
  let calls = 0;
  let ended = 0;
  const server = await start({
    operations: (real) => ({
      stepClock: async (service, request) => {
        calls += 1;
        stop.abort();
        // The first step takes effect late: a second one would overtake it, if the suite made it in the meantime.
        for (let n = 0; n < 50 && calls === 1; n += 1) await fetch(server.url);
        ended += 1;
        return real.stepClock(service, request);
      },
    }),
  });
  const { signal } = stop;
  const report = await check({ urls: [server.url], select: ({ id }) => id === "ack/clock-steps", seed: 1, signal });
  expect(outcomes(report)).toEqual(["INCONCLUSIVE"]);
  await expect.poll(() => ended).toBe(2);
  expect(server.service.clockOffsetMs).toBe(0);
});

test("a server whose credentials are bound to the time of day is not blamed", async () => {
  const server = await start({});
  const { service } = server;
  const { authenticate } = service.accounts;
  service.accounts.authenticate = (authorization) =>
    authenticate.call(service.accounts, service.clockOffsetMs === 0 ? authorization : undefined);
  const report = await check({ urls: [server.url], select: isAboutClocks, seed: 1 });
  const unclear = report.cases.filter(({ outcome }) => outcome !== Outcome.PASS);
  expect(unclear.map(({ findings }) => findings.length)).toEqual(unclear.map(() => 0));
  expect(new Set(unclear.map(({ reason }) => reason))).toEqual(
    new Set(["needs credentials that stay valid when the clock is stepped"]),
  );
});

const absent: [string, Omit<Mutant, "breaks" | "about" | "name">][] = [
  [
    "returns unimplemented",
    {
      operations: () => ({
        stepClock: () => {
          throw new Refusal("unimplemented", "this fixture is not available");
        },
      }),
    },
  ],
  [
    "has no such path",
    { handler: respondInstead(({ url }) => (url?.endsWith("/StepClock") ? { status: 404 } : undefined)) },
  ],
];

test.each(absent)("without the fixture the cases are inconclusive: the server %s", async (_, mutant) => {
  const server = await start(mutant);
  const report = await check({ urls: [server.url], select: isAboutClocks, seed: 1 });
  expect(outcomes(report)).toEqual(["INCONCLUSIVE"]);
  expect(new Set(report.cases.map(({ reason }) => reason))).toEqual(new Set(["the server has no fixture StepClock"]));
});
