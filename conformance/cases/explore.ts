import { ReasonCode } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { runExploration } from "../explore/explore.js";
import type { FaultLevel } from "../explore/program.js";
import { Inconclusive } from "../findings.js";
import type { Case } from "../harness/case.js";
import type { Context } from "../harness/context.js";
import type { RequirementId } from "../requirements/requirements.js";

/** Requirements that race conditions violate. The judge checks all other requirements too. */
const RACES: readonly [RequirementId, ...RequirementId[]] = [
  "SYNC-LINEARIZABLE",
  "SEND-VISIBLE",
  "SEND-RETRY-CONCURRENT",
  "SEQ-CONTIGUOUS",
  "SEQ-PARALLEL",
  "ACK-MONOTONE",
  "ACK-NO-REDELIVERY",
  "ACK-REDELIVER",
];

/** Number of programs of each case. */
const RUNS = 40;

/** Short explorations with fixed seeds, so that every run has the same programs. `seqsync explore` runs longer ones. */
export const exploration: readonly Case[] = [
  {
    id: "explore/quiet-network",
    title: `${RUNS} random programs of concurrent senders and devices, on a network without faults`,
    requirements: RACES,
    bulk: true,
    needs: { accounts: 0 },
    run: (t) => explore(t, { seed: 1, faults: "none" }),
  },
  {
    id: "explore/hostile-network",
    title: `${RUNS} random programs, on a network that drops, duplicates, truncates and delays`,
    requirements: RACES,
    bulk: true,
    needs: { accounts: 0 },
    run: (t) => explore(t, { seed: 2, faults: "heavy" }),
  },
];

/** Runs random programs on accounts of their own, and adds their findings to those of the case. */
async function explore(t: Context, { seed, faults }: { seed: number; faults: FaultLevel }): Promise<void> {
  const { info, source, signal, onProgram } = t;
  const unavailable = source.unavailableReason({ count: 2 });
  if (unavailable !== undefined) throw new Inconclusive(unavailable, ReasonCode.ACCOUNTS);
  const { urls, connection } = t.session.transport;
  const { failure } = await runExploration({
    runs: RUNS,
    seed,
    faults,
    urls,
    connection,
    info,
    source,
    signal,
    shrinkMs: 10_000,
    timeoutScale: t.deadline(1),
    ...(onProgram === undefined ? {} : { onProgram }),
  });
  if (failure === undefined) return;
  const { path, varied, variation } = failure;
  const names = variation === 0 ? ["none"] : varied;
  const vary = names.length === 0 ? "" : ` --vary ${names.join(",")}`;
  t.reproduce = `npx seqsync explore ${t.invocation} --faults ${faults} --seed ${failure.seed} --path ${path}${vary}`;
  t.findings.push(...failure.findings);
}
