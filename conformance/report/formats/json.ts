import { toJsonString } from "@bufbuild/protobuf";
import { type Report, ReportSchema } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";

/** A report as canonical protobuf JSON, indented. */
export function reportJson(report: Report): string {
  return `${toJsonString(ReportSchema, report, { prettySpaces: 2 })}\n`;
}
