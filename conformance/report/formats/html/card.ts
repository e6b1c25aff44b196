import type { Card } from "../../model/card.js";
import type { Part } from "../../model/difference.js";
import { exchangeLine, exchangeLines } from "../../model/exchange.js";
import { diagram } from "./svg.js";
import { type Html, html } from "./template.js";

/** A failure card: the requirement, what is wrong, the proof, and how to see it again. */
export function cardHtml(card: Card): Html {
  const { requirement, level, sentence, link, message, caseId, title, steps, before, others } = card;
  const cases = [caseId, ...others];
  const chapters = [...new Set(cases.map((id) => id.split("/", 1)[0] ?? ""))].join(" ");
  return html`
<article class="card ${level === "MUST" ? "" : "should"}" id="${requirement}" data-outcome="${level === "MUST" ? "fail" : "warn"}" data-chapter="${chapters}">
<h3><span class="${level === "MUST" ? "fail" : "warn"}">${requirement}</span> <span class="soft">${level}, in ${cases.length === 1 ? "one case" : `${cases.length} cases`}</span></h3>
<blockquote>${prose(sentence)} <a href="${link}">In the specification<span class="skip"> (${requirement})</span></a></blockquote>
${card.known === "" ? "" : html`<p class="warn">Known: ${card.known}</p>`}
<p><strong>${message}</strong></p>
<p class="soft">${caseLink(caseId)}: ${title}</p>
${comparison(card)}
${before > 0 ? html`<p class="soft">${before} earlier steps are left out.</p>` : ""}
${diagram(steps, `Sequence diagram: what proves ${requirement}`)}
${wire(card)}
${commands(card)}
${others.length === 0 ? "" : html`<details><summary>${others.length === 1 ? "One other case blames" : `${others.length} other cases blame`} it too</summary><p>${others.map((id) => html`${caseLink(id)} `)}</p></details>`}
</article>`;
}

/** A sentence of the specification: what stands between backticks is code. */
const prose = (sentence: string) =>
  sentence.split("`").map((part, index) => (index % 2 === 0 ? html`${part}` : html`<code>${part}</code>`));

/** Expected and actual below each other, with what differs marked. */
export function comparison({ expected, actual }: Pick<Card, "expected" | "actual">): Html {
  return html`<dl class="compare"><dt class="expected">expected</dt><dd class="expected mono">${marked(expected)}</dd><dt class="actual">actual</dt><dd class="actual mono">${marked(actual)}</dd></dl>`;
}

function marked(parts: readonly Part[]): readonly Html[] {
  // Where all differs, marking it would say nothing.
  const some = parts.some(({ same }) => same);
  return parts.map(({ text, same }) => (same || !some ? html`${text}` : html`<mark>${text}</mark>`));
}

/** The bytes, for whoever wants to see them. */
export function wire({ exchanges }: Pick<Card, "exchanges">): Html | string {
  if (exchanges.length === 0) return "";
  const each = exchanges.map(
    (it) =>
      html`<details><summary><code>${exchangeLine(it)}</code></summary><pre>${exchangeLines(it).join("\n")}</pre></details>`,
  );
  return html`<details><summary>On the wire: ${exchanges.length === 1 ? "the last exchange" : `the last ${exchanges.length} exchanges`} of the case</summary><div class="wire">${each}</div></details>`;
}

/** The commands that show it again. */
export function commands({ reproduce, curl }: Pick<Card, "reproduce" | "curl">): Html {
  const calls = curl.map(
    ({ caller, command }) => html`<p class="soft">SEQSYNC_TOKEN is the token of ${caller}:</p><pre>${command}</pre>`,
  );
  return html`${reproduce === "" ? "" : html`<p>Run it again:</p><pre>${reproduce}</pre>`}${
    curl.length === 0 ? "" : html`<details><summary>Call by call, with curl</summary>${calls}</details>`
  }`;
}

/** The id of a case as that of an element, which also stands in addresses. */
export const caseAnchor = (id: string) => `case-${id.replaceAll(/[^\w/().-]+/g, "-")}`;

const caseLink = (id: string) => html`<a href="#${caseAnchor(id)}">${id}</a>`;
