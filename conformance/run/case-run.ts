import { type Case, type CaseInfo, caseIdOf } from "../harness/case.js";
import { REQUIREMENTS, type Requirement } from "../requirements/requirements.js";
import type { Codec } from "../rpc/connect.js";

export { caseIdOf };

/** A case in one codec: the unit that is run, and that a report has a result for. */
export interface CaseRun {
  /** The case's id, followed by " (json)" if it runs in that codec and is not about it. */
  id: string;
  /** The case. */
  case: CaseInfo;
  /** The codec of its calls. */
  codec: Codec;
  /** The aspects in which its requests and messages vary. Default: none. */
  aspects?: ReadonlySet<string>;
}

/** A case in one codec, with the function that runs it. */
export interface RunnableCase extends CaseRun {
  case: Case;
}

/**
 * Pairs each case with the codecs that it runs in: the one that it is about, or all of them. A bulk case, which is
 * about many messages and not about their encoding, runs in the first codec only.
 */
export function caseRuns(cases: readonly Case[], codecs: readonly Codec[]): RunnableCase[] {
  return cases.flatMap((it) => {
    if (it.codec !== undefined || it.undeclared !== undefined)
      return [{ id: it.id, case: it, codec: it.codec ?? "proto" }];
    return (it.bulk ? codecs.slice(0, 1) : codecs).map(
      (codec): RunnableCase => ({ id: codec === "proto" ? it.id : `${it.id} (${codec})`, case: it, codec }),
    );
  });
}

/** All case runs that any run can have: a bulk case runs in JSON where that is the only codec of the run. */
export function allCaseRuns(cases: readonly Case[]): RunnableCase[] {
  const runs = [...caseRuns(cases, ["proto", "json"]), ...caseRuns(cases, ["json"])];
  return [...new Map(runs.map((run) => [run.id, run])).values()];
}

/** The id of the second run of a case in the same codec, in which requests and messages vary. */
export const variedId = (id: string) => `${id} (varied)`;

/** The profile that a case belongs to: that of its first requirement. */
export const profileOf = ({ requirements: [first] }: CaseInfo): Requirement["profile"] => REQUIREMENTS[first].profile;
