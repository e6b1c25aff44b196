import { fromJsonString } from "@bufbuild/protobuf";
import { type Report, ReportSchema } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { REPORT_FORMAT } from "../version.js";
import { readText } from "./files.js";
import { UsageError } from "./usage.js";

/** Reads a JSON report. Ignores fields that a later version added. Throws UsageError if the file is no such report. */
export function readReport(file: string): Report {
  const text = readText(file);
  let report: Report;
  try {
    report = fromJsonString(ReportSchema, text, { ignoreUnknownFields: true });
  } catch {
    throw notReport(file);
  }
  if (report.format === 0) throw notReport(file);
  if (report.format !== REPORT_FORMAT)
    throw new UsageError(
      `${file} is a report of format ${report.format}; this version of seqsync reads format ${REPORT_FORMAT}`,
    );
  return report;
}

const notReport = (file: string) =>
  new UsageError(`${file} is not a JSON report; \`seqsync check --report json=FILE\` writes one`);
