import type { CaseResult, Report } from "../../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { commandsOf } from "../../model/card.js";
import { difference } from "../../model/difference.js";
import { evidenceOf } from "../../model/evidence.js";
import { OUTCOMES } from "../../model/outcomes.js";
import { sequenceOf } from "../../model/sequence.js";
import { chapterOf, secondsOf } from "../../model/summary.js";
import { caseAnchor, commands, comparison, wire } from "./card.js";
import { type Html, html } from "./template.js";

/** A longer history is in the recording; the page has its end. In steps. */
const MAX_STEPS = 40;
/** What follows the first findings of a case mostly follows from them. */
const MAX_FINDINGS = 5;

/** A case in the list: a line, and for one that did not pass all that is known of it. */
export function caseItem(it: CaseResult, report: Report): Html {
  const { word, mark } = OUTCOMES[it.outcome];
  const line = html`<span class="mark ${word}"><span aria-hidden="true">${mark} </span>${word}</span> <code>${it.id}</code>`;
  const more = it.findings.length > 0 || it.reason !== "" || it.history.length > 0;
  return html`<li id="${caseAnchor(it.id)}" data-outcome="${word}" data-chapter="${chapterOf(it)}">${
    more
      ? html`<details><summary>${line}</summary><div>${about(it)}${findings(it)}${history(it)}${wire({ exchanges: it.exchanges.slice(-2) })}${commands({ reproduce: it.reproduce, curl: commandsOf(it.findings[0] === undefined ? [] : evidenceOf(it.findings[0], it), report) })}</div></details>`
      : html`<div>${line}<br><span class="soft">${it.title}</span></div>`
  }</li>
`;
}

function about({ title, reason, requirements, duration, knownFailure }: CaseResult): Html {
  return html`<p>${title}</p>${knownFailure === "" ? "" : html`<p class="warn">Known: ${knownFailure}</p>`}${reason === "" ? "" : html`<p>${reason}</p>`}<p class="soft">Checks ${requirements.join(", ")}; took ${secondsOf(duration).toFixed(2)} s.</p>`;
}

function findings({ findings: all }: CaseResult): Html {
  const shown = all
    .slice(0, MAX_FINDINGS)
    .map(
      ({ requirement, message, expected, actual }) =>
        html`<p><a href="#${requirement}">${requirement}</a>: <strong>${message}</strong></p>${comparison(difference(expected, actual))}`,
    );
  const rest = all.length - MAX_FINDINGS;
  return html`${shown}${rest > 0 ? html`<p class="soft">And ${rest} more.</p>` : ""}`;
}

function history({ history: events }: CaseResult): Html | string {
  const steps = sequenceOf(events);
  if (steps.length === 0) return "";
  const shown = steps.slice(-MAX_STEPS);
  const arrow = { to: "→", from: "←", lost: "✗", both: "•" };
  const lines = shown.map(({ client, direction, text }) => `${client} ${arrow[direction]} ${text}`.trim());
  const left = steps.length - shown.length;
  return html`<details><summary>What was said, ${steps.length} steps</summary><pre>${left > 0 ? `… ${left} earlier steps\n` : ""}${lines.join("\n")}</pre></details>`;
}
