import type { Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { htmlReport } from "./html/page.js";
import { reportJson } from "./json.js";
import { junitReport } from "./junit.js";
import { markdownReport } from "./markdown.js";
import type { RenderOptions } from "./options.js";
import { tapReport } from "./tap.js";

/** Makes a text of a report. */
export type Renderer = (report: Report, options?: RenderOptions) => string;

/** The formats that a report can be written in, by name. */
export const renderers = {
  json: reportJson,
  junit: junitReport,
  tap: tapReport,
  markdown: markdownReport,
  html: htmlReport,
} as const satisfies Readonly<Record<string, Renderer>>;

/** The name of a format. */
export type ReportFormat = keyof typeof renderers;
