import type { Outcome } from "../../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { Card } from "../../model/card.js";
import type { Part } from "../../model/difference.js";
import { exchangeLines, exchangeSummary } from "../../model/exchange.js";
import type { FindingView } from "../../model/finding.js";
import { OUTCOMES } from "../../model/outcomes.js";
import { counted } from "../../model/summary.js";
import { diagram } from "./svg.js";
import { type Html, html } from "./template.js";

/** A card: the requirement, what is wrong, the calls that show it, and how to reproduce it. */
export function cardHtml(card: Card): Html {
  const { requirement, level, outcome, sentence, link, message, caseId, title, steps, otherCases } = card;
  const word = classOf(outcome);
  const cases = [caseId, ...otherCases];
  const chapters = [...new Set(cases.map((id) => id.split("/", 1)[0] ?? ""))].join(" ");
  return html`
<article class="card card-${word}" id="${requirement}" data-outcome="${word}" data-chapter="${chapters}">
<h3><span class="${word}">${requirement}</span> <span class="soft">${level}, ${counted(cases.length, "case")}</span></h3>
${card.knownFailure === "" ? "" : html`<p class="warn">Known failure: ${card.knownFailure}</p>`}
<p><strong>${message}</strong></p>
${comparison(card)}
${diagram(steps, `Sequence diagram of the violation of ${requirement}`)}
<p class="soft">${caseLink(caseId)}: ${title}</p>
<blockquote>${prose(sentence)} <a href="${link}">Specification<span class="skip"> of ${requirement}</span></a></blockquote>
${exchangeList(card)}
${commands(card)}
${otherCases.length === 0 ? "" : html`<details><summary>Also in ${counted(otherCases.length, "other case")}</summary><p>${otherCases.map((id) => html`${caseLink(id)} `)}</p></details>`}
</article>`;
}

/** A sentence of the specification, with code between backticks. */
const prose = (sentence: string) =>
  sentence.split("`").map((part, index) => (index % 2 === 0 ? html`${part}` : html`<code>${part}</code>`));

/** The expected and the actual value, one below the other, with the differences marked. */
export function comparison({ expected, actual }: Pick<FindingView, "expected" | "actual">): Html {
  return html`<dl class="compare"><dt class="expected">expected</dt><dd class="expected mono">${marked(expected)}</dd><dt class="actual">actual</dt><dd class="actual mono">${marked(actual)}</dd></dl>`;
}

function marked(parts: readonly Part[]): readonly Html[] {
  // If everything differs, nothing is marked.
  const isMarked = parts.some(({ same }) => same);
  return parts.map(({ text, same }) => (same || !isMarked ? html`${text}` : html`<mark>${text}</mark>`));
}

/** The HTTP exchanges, folded. */
export function exchangeList({ exchanges }: Pick<Card, "exchanges">): Html | string {
  if (exchanges.length === 0) return "";
  const each = exchanges.map(
    (it) =>
      html`<details><summary><code>${exchangeSummary(it)}</code></summary><pre>${exchangeLines(it).join("\n")}</pre></details>`,
  );
  return html`<details><summary>${exchanges.length === 1 ? "HTTP exchange" : `${exchanges.length} HTTP exchanges`}</summary><div class="exchanges">${each}</div></details>`;
}

/** The commands that reproduce the case and its calls. */
export function commands({ reproduce, curl }: Pick<Card, "reproduce" | "curl">): Html {
  return html`${reproduce === "" ? "" : html`<p>Reproduce:</p><pre>${reproduce}</pre>`}${
    curl.length === 0
      ? ""
      : html`<details><summary>The calls by hand, with curl</summary><pre>${curl.join("\n")}</pre></details>`
  }`;
}

/** The element id of a case, for links. */
export const caseAnchor = (id: string) => `case-${id.replaceAll(/[^\w/().-]+/g, "-")}`;

/** The class of an outcome, which is also its value in the filter. */
export const classOf = (outcome: Outcome) => OUTCOMES[outcome].word.replaceAll(" ", "-");

const caseLink = (id: string) => html`<a href="#${caseAnchor(id)}">${id}</a>`;
