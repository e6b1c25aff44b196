import "../../../proto/base64.js";
import { Outcome } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { run } from "../../run/run.js";
import { serveTasks } from "../kill-matrix/pool.js";
import { RIGHT } from "./conforming-servers.js";

/** One run of the whole suite against one right server. */
export interface Task {
  name: string;
  seed: number;
}

/** What the suite said. */
export interface Endured {
  cases: number;
  inconclusive: number;
  falseAlarms: string[];
}

serveTasks<Task, Endured>(async ({ name, seed }) => {
  const right = RIGHT.find((it) => it.name === name);
  if (right === undefined) throw new Error("there is no such server");
  const server = await right.start();
  try {
    const { cases } = await run({ urls: [server.url], seed });
    return {
      cases: cases.length,
      inconclusive: cases.filter(({ outcome }) => outcome === Outcome.INCONCLUSIVE).length,
      falseAlarms: cases
        .filter(({ outcome }) => outcome === Outcome.FAIL || outcome === Outcome.ERROR)
        .map(({ id, findings, reason }) => {
          const why = findings.map(({ requirement, actual }) => `${requirement} (${actual})`).join(", ");
          return `${name}, seed ${seed}: ${id}: ${why || reason}`;
        }),
    };
  } finally {
    await server.stop();
  }
});
