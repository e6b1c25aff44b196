import { CATALOGUE, chapterOf } from "../../../conformance/cases/catalogue.js";
import type { Case } from "../../../conformance/harness/case.js";
import { groupBy } from "../../../conformance/report/model/group-by.js";
import { REQUIREMENTS } from "../../../conformance/requirements/requirements.js";
import { anchor, caseAnchor } from "../anchors.js";

/** Returns the page of all cases, by chapter. */
export function casesPage(): string {
  const chapters = groupBy(CATALOGUE, chapterOf);
  return [
    "# Case catalogue",
    "",
    `The ${CATALOGUE.length} cases of the suite. Each consists of a stimulus and of its own expectations; in addition, the judge checks`,
    "every response of every case against every requirement. `seqsync check URL --only 'CASE'` runs one case, `seqsync list` lists",
    "all. A case runs in each codec that the server declares; a case about one codec, with very many messages, or with steps of the clock, runs once.",
    "",
    ...[...chapters].flatMap(([chapter, cases]) => [`## ${chapter}`, "", ...cases.flatMap(entry)]),
  ].join("\n");
}

function entry(it: Case): string[] {
  const prerequisites = needs(it);
  return [
    `### ${anchor(caseAnchor(it.id))}${it.id}`,
    "",
    `${it.title}`,
    "",
    `Checks ${it.requirements.map((id) => `[${id}](../spec/${REQUIREMENTS[id].anchor})`).join(", ")}.${prerequisites}`,
    "",
  ];
}

/** Describes the prerequisites of a case beyond two accounts. */
function needs({ codec, bulk, needs: wants = {}, thorough, undeclared }: Case): string {
  const parts = [
    bulk ? "one codec" : codec === undefined ? "" : `only in ${codec === "json" ? "JSON" : "binary"}`,
    undeclared === undefined ? "" : `only where ${undeclared} is not declared`,
    (wants.accounts ?? 2) > 2 ? `${wants.accounts} accounts` : "",
    wants.fresh ? "a new account" : "",
    wants.startSeq === undefined ? "" : `an inbox that starts at ${wants.startSeq}`,
    wants.rotateEpoch ? "the fixture RotateEpoch" : "",
    wants.revokeToken ? "the fixture RevokeToken" : "",
    wants.stepClock ? "the fixture StepClock" : "",
    wants.restart ? "`--restart-command`" : "",
    thorough ? "`--thorough`" : "",
  ].filter((it) => it !== "");
  return parts.length === 0 ? "" : ` Needs: ${parts.join("; ")}.`;
}
