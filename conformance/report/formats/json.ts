import { toJson } from "@bufbuild/protobuf";
import { type Report, ReportSchema } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { printableJson } from "../../printable.js";

/** A report as canonical protobuf JSON, indented. What is not printable is escaped, which does not change a value. */
export function reportJson(report: Report): string {
  return `${printableJson(toJson(ReportSchema, report), 2)}\n`;
}
