import { fromJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { Outcome, type Report, ReportSchema } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { lineOfValue } from "../json.js";
import { REPORT_FORMAT } from "../version.js";
import { jsonOf, placeIn, readText } from "./files.js";
import { UsageError } from "./usage.js";

/** Maximum size of a report, in bytes: a run in which every case fails has a few MB. */
export const MAX_REPORT_BYTES = 128 << 20;
/** Maximum length of the reason why a report cannot be read, in characters. It may quote the report. */
const MAX_WHY = 300;

/** Reads a JSON report; "-" is standard input. Throws UsageError like {@link parseReport}. */
export const readReport = (file: string): Report => parseReport(file, readText(file, undefined, MAX_REPORT_BYTES));

/**
 * Parses the text of a JSON report. Ignores fields that a later version added. Throws UsageError with the line if it is
 * no such report.
 */
export function parseReport(file: string, text: string): Report {
  const value = jsonOf(file, text);
  const at = (line: number, what: string) => new UsageError(`${placeIn(file, line)}: ${what}`);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw at(1, NOT_REPORT);
  const json = value as JsonObject;
  const { format } = json;
  if (format === undefined) throw at(1, NOT_REPORT);
  if (format !== REPORT_FORMAT)
    throw at(
      lineOfValue(text, ["format"]),
      `the report has format ${JSON.stringify(format)}; this version of seqsync reads format ${REPORT_FORMAT}`,
    );
  try {
    const report = decode(json);
    const index = report.cases.findIndex(({ outcome }) => !(outcome in Outcome));
    if (index >= 0) throw at(lineOfValue(text, ["cases", index]), "the outcome of the case is unknown");
    if (!(report.verdict in Outcome)) throw at(lineOfValue(text, ["verdict"]), "the verdict is unknown");
    return report;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const why = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, " ").slice(0, MAX_WHY);
    throw at(lineOfValue(text, pathOfError(json)), `this is not a report: ${why}`);
  }
}

const NOT_REPORT = "this is not a JSON report; `seqsync check --report json=FILE` writes one";

const decode = (json: JsonValue) => fromJson(ReportSchema, json, { ignoreUnknownFields: true });

function isDecodable(json: JsonValue): boolean {
  try {
    decode(json);
    return true;
  } catch {
    return false;
  }
}

/** Finds the field, or the element of its list, that cannot be decoded. */
function pathOfError(json: JsonObject): (string | number)[] {
  for (const [name, value] of Object.entries(json)) {
    if (isDecodable({ [name]: value })) continue;
    const index = Array.isArray(value) ? value.findIndex((element) => !isDecodable({ [name]: [element] })) : -1;
    return index < 0 ? [name] : [name, index];
  }
  return [];
}
