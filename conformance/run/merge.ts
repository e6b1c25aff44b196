import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Outcome, type Report, ReportSchema } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { summarize } from "./summarize.js";

/** Thrown for reports that are not the parts of one run. The message says why. */
export class MergeError extends Error {}

/**
 * Merges the reports of the parts of a run. A missing part makes the verdict inconclusive, unless the others show a
 * failure.
 *
 * @throws MergeError if the reports are not parts of one run.
 */
export function mergeReports(reports: readonly Report[]): Report {
  const [first] = reports;
  if (first === undefined) throw new MergeError("no report to merge");
  for (const name of ["suiteVersion", "specVersion", "implementation"] as const) {
    const values = new Set(reports.filter(({ headline }) => headline === "").map((report) => report[name]));
    if (values.size > 1) throw new MergeError(`the reports differ in ${name}: ${[...values].join(", ")}`);
  }
  const seen = new Set<string>();
  for (const { id } of reports.flatMap(({ cases }) => cases)) {
    if (seen.has(id)) throw new MergeError(`${id} is in two of the reports; pass each part once`);
    seen.add(id);
  }
  const started = reports.flatMap(({ startedAt }) => (startedAt === undefined ? [] : [timestampMs(startedAt)]));
  const ended = reports.flatMap(({ startedAt, duration }) =>
    startedAt === undefined ? [] : [timestampMs(startedAt) + msOf(duration)],
  );
  const begin = Math.min(...started);
  const reachable = reports.find(({ headline }) => headline === "") ?? first;
  const merged = create(ReportSchema, {
    ...reachable,
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

/** Returns a headline that lists the missing parts; undefined if there are none. */
function missing(reports: readonly Report[]): string | undefined {
  const shards = reports.map(({ shard }) => shard).filter((shard) => shard !== "");
  const counts = new Set(shards.map((shard) => Number(shard.split("/")[1])));
  const [count = 0] = counts;
  if (counts.size > 1) throw new MergeError(`the reports are parts of different runs: ${shards.join(", ")}`);
  const absent = Array.from({ length: count }, (_, index) => `${index + 1}/${count}`).filter(
    (shard) => !shards.includes(shard),
  );
  return absent.length === 0 ? undefined : `Incomplete run: the report of shard ${absent.join(", ")} is missing.`;
}

const msOf = (duration: Report["duration"]) => Number(duration?.seconds ?? 0n) * 1000 + (duration?.nanos ?? 0) / 1e6;
