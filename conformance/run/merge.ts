import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Outcome, type Report, ReportSchema } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { summarize } from "./summarize.js";

/** Reports that do not belong together. The message says why. */
export class MergeError extends Error {}

/** Makes one report of those of the parts of a run. A part that is missing leaves the verdict open. */
export function mergeReports(reports: readonly Report[]): Report {
  const [first] = reports;
  if (first === undefined) throw new MergeError("there is no report");
  for (const name of ["suiteVersion", "specVersion", "implementation"] as const) {
    const values = new Set(reports.filter(({ headline }) => headline === "").map((report) => report[name]));
    if (values.size > 1) throw new MergeError(`the reports differ in ${name}: ${[...values].join(", ")}`);
  }
  const seen = new Set<string>();
  for (const { id } of reports.flatMap(({ cases }) => cases)) {
    if (seen.has(id)) throw new MergeError(`${id} is in two of the reports; give each part once`);
    seen.add(id);
  }
  const started = reports.flatMap(({ startedAt }) => (startedAt === undefined ? [] : [timestampMs(startedAt)]));
  const ended = reports.flatMap(({ startedAt, duration }) =>
    startedAt === undefined ? [] : [timestampMs(startedAt) + msOf(duration)],
  );
  const begin = Math.min(...started);
  const whole = reports.find(({ headline }) => headline === "") ?? first;
  const merged = create(ReportSchema, {
    ...whole,
    targets: [...new Set(reports.flatMap(({ targets }) => targets))],
    headline: missing(reports) ?? reports.find(({ headline }) => headline !== "")?.headline ?? "",
    cases: reports.flatMap(({ cases }) => cases),
    retriedCalls: reports.reduce((sum, { retriedCalls }) => sum + retriedCalls, 0),
    staleKnownFailures: [],
    shard: "",
    verdict: Outcome.UNSPECIFIED,
    ...(started.length === 0
      ? {}
      : { startedAt: timestampFromMs(begin), duration: durationFromMs(Math.max(...ended) - begin) }),
  });
  summarize(merged);
  return merged;
}

/** Which parts are not there; undefined if all are. */
function missing(reports: readonly Report[]): string | undefined {
  const shards = reports.map(({ shard }) => shard).filter((shard) => shard !== "");
  const counts = new Set(shards.map((shard) => Number(shard.split("/")[1])));
  const [count = 0] = counts;
  if (counts.size > 1) throw new MergeError(`the reports are parts of different runs: ${shards.join(", ")}`);
  const absent = Array.from({ length: count }, (_, index) => `${index + 1}/${count}`).filter(
    (shard) => !shards.includes(shard),
  );
  return absent.length === 0 ? undefined : `Not the whole run: the report of shard ${absent.join(", ")} is missing.`;
}

const msOf = (duration: Report["duration"]) => Number(duration?.seconds ?? 0n) * 1000 + (duration?.nanos ?? 0) / 1e6;
