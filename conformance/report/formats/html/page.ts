import { createHash } from "node:crypto";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Report } from "../../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { cardsOf } from "../../model/card.js";
import { staleKnownFailuresLine } from "../../model/known-failures.js";
import { notCheckedLines } from "../../model/not-checked.js";
import { OUTCOMES, tally } from "../../model/outcomes.js";
import { byChapter, byProfile, chapterOf, countsLine, hasResults, headlineOf } from "../../model/summary.js";
import type { RenderOptions } from "../options.js";
import { cardHtml, classOf } from "./card.js";
import { caseItem } from "./cases.js";
import { SCRIPT } from "./script.js";
import { STYLE } from "./style.js";
import { Html, html } from "./template.js";

/**
 * A report as one HTML file. Its content security policy forbids all network access. It follows the reader's colour
 * scheme, fits a phone, and without its script shows all content, but no filter.
 */
export function htmlReport(report: Report, options: RenderOptions = {}): string {
  const name = report.implementation || "an unnamed server";
  const cards = cardsOf(report, options);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${hashOf(STYLE)}'; script-src '${hashOf(SCRIPT)}'; base-uri 'none'; form-action 'none'">
<title>${OUTCOMES[report.verdict].word}: Seq Sync conformance of ${name}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<a class="skip" href="#cases">Skip to the cases</a>
<header>
<h1><span class="${classOf(report.verdict)}" aria-hidden="true">${OUTCOMES[report.verdict].mark}</span> ${headlineOf(report)}</h1>
<p>${countsLine(report)}</p>
${stale(report)}
${facts(report)}
</header>
<main>
${profiles(report)}
${filter(report)}
${cards.length === 0 ? "" : html`<section data-group aria-labelledby="failures"><h2 id="failures">Violated requirements, root cause first</h2>${cards.map(cardHtml)}</section>`}
<section aria-labelledby="cases"><h2 id="cases">Cases <span class="soft" id="count" role="status"></span></h2>
${byChapter(report.cases).map(([chapter, own]) => html`<section data-group aria-labelledby="chapter-${chapter}"><h3 id="chapter-${chapter}">${chapter}</h3><ul class="cases">${own.map((it) => caseItem(it, report))}</ul></section>`)}
</section>
${unchecked(report)}
</main>
<script>${new Html(SCRIPT)}</script>
</body>
</html>
`.text;
}

/** The hash by which a content security policy names an inline element. */
const hashOf = (text: string) => `sha256-${createHash("sha256").update(text).digest("base64")}`;

function facts(report: Report): Html {
  const rows = [
    ["Server", report.implementation],
    ["URL", report.targets.join(", ")],
    ["Profiles", report.profiles.join(", ")],
    ["Specification", report.specVersion],
    ["Suite", report.suiteVersion],
    ["Accounts", report.accounts],
    ["Started", report.startedAt === undefined ? "" : timestampDate(report.startedAt).toISOString()],
  ] as const;
  return html`<dl>${rows.flatMap(([label, value]) => (value === "" ? [] : [html`<dt>${label}</dt><dd>${value}</dd>`]))}</dl>`;
}

function stale(report: Report): Html | string {
  const line = staleKnownFailuresLine(report);
  return line === "" ? "" : html`<p class="fail">${line}</p>`;
}

function profiles(report: Report): Html | string {
  const rows = byProfile(report).map(({ profile, declared, outcome, text: { word, mark, color }, requirements }) => {
    const shown = color === OUTCOMES[outcome].color ? classOf(outcome) : "warn";
    return html`<tr><th scope="row">${profile}</th><td class="${declared ? shown : "soft"}">${declared ? `${mark} ${word}` : "not declared"}</td><td>${declared ? requirements : ""}</td></tr>`;
  });
  if (rows.length === 0) return "";
  return html`<table><caption>Requirements by profile</caption><thead><tr><th scope="col">Profile</th><th scope="col">Verdict</th><th scope="col">Requirements</th></tr></thead><tbody>${rows}</tbody></table>`;
}

function unchecked(report: Report): Html | string {
  if (!hasResults(report) || report.notChecked.length === 0) return "";
  const lines = notCheckedLines(report).map((line) => html`<li>${line}</li>`);
  return html`<section aria-labelledby="not-checked"><h2 id="not-checked">Not checked</h2><ul>${lines}</ul></section>`;
}

/** The filter, hidden until the script runs: it needs the script. */
function filter({ cases }: Report): Html {
  const boxes = tally(cases.map(({ outcome }) => outcome)).map(({ outcome, count }) => {
    const { word } = OUTCOMES[outcome];
    return html`<label><input type="checkbox" name="outcome" value="${classOf(outcome)}" checked> ${word} (${count})</label>`;
  });
  const chapters = [...new Set(cases.map(chapterOf))].map((it) => html`<option>${it}</option>`);
  return html`<form class="filter" role="search" aria-label="Filter violations and cases" hidden>
<fieldset><legend>Outcomes</legend>${boxes}</fieldset>
<label>Chapter <select name="chapter"><option value="">all</option>${chapters}</select></label>
<label class="search">Search <input type="search" name="text" autocomplete="off"></label>
</form>`;
}
