import type { Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { htmlReport } from "./html/page.js";
import { reportJson } from "./json.js";
import { junitReport } from "./junit.js";
import { markdownReport } from "./markdown.js";
import type { RenderOptions } from "./options.js";
import { tapReport } from "./tap.js";

/** Renders a report as text. */
export type Renderer = (report: Report, options?: RenderOptions) => string;

/** The name of a report format. */
export type ReportFormat = "json" | "junit" | "tap" | "markdown" | "html";

/** The renderer of each report format. */
export const renderers: Readonly<Record<ReportFormat, Renderer>> = {
  json: reportJson,
  junit: junitReport,
  tap: tapReport,
  markdown: markdownReport,
  html: htmlReport,
};
