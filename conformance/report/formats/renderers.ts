import type { Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { withoutCommands } from "../../printable.js";
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

/** Escapes a character of a command for a CI system in XML or HTML. */
const reference = (char: string) => `&#${char.charCodeAt(0)};`;

/**
 * The renderer of each report format. Each escapes data where it puts it into the report. A report may be printed to the
 * log of a CI system: there its lines must not be commands either.
 */
export const renderers: Readonly<Record<ReportFormat, Renderer>> = {
  json: (report) => withoutCommands(reportJson(report)),
  junit: (report, options) => withoutCommands(junitReport(report, options), reference),
  tap: (report, options) => withoutCommands(tapReport(report, options)),
  markdown: (report, options) => withoutCommands(markdownReport(report, options)),
  html: (report, options) => withoutCommands(htmlReport(report, options), reference),
};
