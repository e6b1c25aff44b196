import { readFileSync } from "node:fs";
import { fromJsonString } from "@bufbuild/protobuf";
import { type Report, ReportSchema } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { REPORT_FORMAT } from "../version.js";
import { UsageError } from "./usage.js";

/** Reads a JSON report. What a later version has added is left out. */
export function readReport(file: string): Report {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  let report: Report;
  try {
    report = fromJsonString(ReportSchema, text, { ignoreUnknownFields: true });
  } catch {
    throw new UsageError(`${file} is no report in JSON, as \`seqsync check --report json=FILE\` writes it`);
  }
  if (report.format !== REPORT_FORMAT)
    throw new UsageError(
      `${file} is ${report.format === 0 ? "no report" : `a report of format ${report.format}`}; this version reads reports of format ${REPORT_FORMAT}`,
    );
  return report;
}
