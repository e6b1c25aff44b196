import "../../../proto/base64.js";
import { Outcome } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { check } from "../../run/check.js";
import { serveTasks } from "../support/pool.js";
import { CONFORMING_SERVERS } from "./conforming-servers.js";

/** One run of the whole suite against one conforming server. */
export interface Task {
  name: string;
  seed: number;
}

/** The outcome of one run. */
export interface SoakRun {
  cases: number;
  inconclusive: number;
  falsePositives: string[];
}

serveTasks<Task, SoakRun>(async ({ name, seed }) => {
  const found = CONFORMING_SERVERS.find((it) => it.name === name);
  if (found === undefined) throw new Error(`there is no server ${name}`);
  const server = await found.start(seed);
  try {
    const { cases, headline } = await check({ urls: [server.url], ...server.connection, seed });
    const which = found.describe === undefined ? name : `${name} ${found.describe(seed)}`;
    const falsePositive = (text: string) =>
      `${which}, seed ${seed}: ${text}; npm run soak -- --only '^${name}$' --rounds 1 --seed ${seed}`;
    const failed = cases.filter(({ outcome }) => outcome === Outcome.FAIL || outcome === Outcome.ERROR);
    return {
      cases: cases.length,
      inconclusive: cases.filter(({ outcome }) => outcome === Outcome.INCONCLUSIVE).length,
      falsePositives: [
        // Such as that this is no Seq Sync server.
        ...(headline === "" ? [] : [falsePositive(headline)]),
        ...failed.map(({ id, findings, reason }) => {
          const violations = findings.map(({ requirement, actual }) => `${requirement} (${actual})`).join(", ");
          return falsePositive(`${id}: ${violations || reason}`);
        }),
      ],
    };
  } finally {
    await server.stop();
  }
});
