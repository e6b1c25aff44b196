import type { CaseResult, Report } from "../../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { curlLines } from "../../model/curl.js";
import { viewFinding } from "../../model/finding.js";
import { OUTCOMES } from "../../model/outcomes.js";
import { sequenceOf, stepText } from "../../model/sequence.js";
import { chapterOf, counted, secondsOf } from "../../model/summary.js";
import { caseAnchor, classOf, commands, comparison, exchangeList } from "./card.js";
import { type Html, html } from "./template.js";

/** Maximum number of steps of a history that the page shows: the last ones. */
const MAX_STEPS = 40;
/** Maximum number of findings that the page shows for a case. Later ones are mostly consequences of the first. */
const MAX_FINDINGS = 5;

/** A case in the list: one line, with its details if there are any. */
export function caseItem(it: CaseResult, report: Report): Html {
  const { word, mark } = OUTCOMES[it.outcome];
  const line = html`<span class="mark ${classOf(it.outcome)}"><span aria-hidden="true">${mark} </span>${word}</span> <code>${it.id}</code>`;
  const more = it.findings.length > 0 || it.reason !== "" || it.history.length > 0;
  return html`<li id="${caseAnchor(it.id)}" data-outcome="${classOf(it.outcome)}" data-chapter="${chapterOf(it)}">${
    more
      ? html`<details><summary>${line}</summary><div>${about(it)}${findings(it)}${history(it)}${exchangeList({ exchanges: it.exchanges.slice(-2) })}${commands({ reproduce: it.reproduce, curl: curlOf(it, report) })}</div></details>`
      : html`<div>${line}<br><span class="soft">${it.title}</span></div>`
  }</li>
`;
}

function curlOf(it: CaseResult, report: Report): string[] {
  const [first] = it.findings;
  return first === undefined ? [] : curlLines(first, it, report);
}

function about({ title, reason, requirements, duration, knownFailure }: CaseResult): Html {
  return html`<p>${title}</p>${knownFailure === "" ? "" : html`<p class="warn">Known failure: ${knownFailure}</p>`}${reason === "" ? "" : html`<p>${reason}</p>`}<p class="soft">Checks ${requirements.join(", ")}; took ${secondsOf(duration).toFixed(2)} s.</p>`;
}

function findings({ findings: all }: CaseResult): Html {
  const shown = all
    .slice(0, MAX_FINDINGS)
    .map((finding) => viewFinding(finding))
    .map(
      (it) =>
        html`<p><a href="#${it.requirement}">${it.requirement}</a>: <strong>${it.message}</strong></p>${comparison(it)}`,
    );
  const rest = all.length - MAX_FINDINGS;
  return html`${shown}${rest > 0 ? html`<p class="soft">And ${counted(rest, "more finding")}.</p>` : ""}`;
}

function history({ history: events }: CaseResult): Html | string {
  const steps = sequenceOf(events);
  if (steps.length === 0) return "";
  const shown = steps.slice(-MAX_STEPS);
  const omitted = steps.length - shown.length;
  return html`<details><summary>History, ${counted(steps.length, "step")}</summary><pre>${omitted > 0 ? `… ${omitted} earlier steps\n` : ""}${shown.map(stepText).join("\n")}</pre></details>`;
}
