import { CATALOGUE, chapterOf } from "../../../conformance/cases/catalogue.js";
import type { Case } from "../../../conformance/harness/case.js";
import { groupBy } from "../../../conformance/report/model/group-by.js";
import { REQUIREMENTS } from "../../../conformance/requirements/requirements.js";
import { anchor, caseAnchor } from "../anchors.js";

/** All cases of the suite, chapter by chapter. */
export function casesPage(): string {
  const chapters = groupBy(CATALOGUE, chapterOf);
  return [
    "# Case catalogue",
    "",
    `The ${CATALOGUE.length} cases of the suite. Each is a stimulus, and what only it expects; whatever a case does, the judge holds every`,
    "answer on the wire against every requirement as well. `seqsync check URL --only 'CASE'` runs one, `seqsync list` prints them all. A",
    "case runs once in each codec that the server declares, unless it is about one of them or about many messages: then once.",
    "",
    ...[...chapters].flatMap(([chapter, cases]) => [`## ${chapter}`, "", ...cases.flatMap(entry)]),
  ].join("\n");
}

function entry(it: Case): string[] {
  const wants = needs(it);
  return [
    `### ${anchor(caseAnchor(it.id))}${it.id}`,
    "",
    `${it.title}`,
    "",
    `Checks ${it.requirements.map((id) => `[${id}](../spec/${REQUIREMENTS[id].anchor})`).join(", ")}.${wants}`,
    "",
  ];
}

/** What it needs beyond two accounts, in words. */
function needs({ codec, bulk, needs: wants = {}, slow, undeclared }: Case): string {
  const said = [
    bulk ? "one codec" : codec === undefined ? "" : `only in ${codec === "json" ? "JSON" : "binary"}`,
    undeclared === undefined ? "" : `only where ${undeclared} is not declared`,
    (wants.accounts ?? 2) > 2 ? `${wants.accounts} accounts` : "",
    wants.fresh ? "a new account" : "",
    wants.startSeq === undefined ? "" : `an inbox that starts at ${wants.startSeq}`,
    wants.rotateEpoch ? "the fixture RotateEpoch" : "",
    wants.revokeToken ? "the fixture RevokeToken" : "",
    wants.restart ? "`--restart-command`" : "",
    slow ? "`--slow`" : "",
  ].filter((it) => it !== "");
  return said.length === 0 ? "" : ` Needs: ${said.join("; ")}.`;
}
