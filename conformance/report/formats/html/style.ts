/** The style sheet of the page. Colours have a contrast of at least 4.5 to 1 on their background, in both schemes. */
export const STYLE = `
:root { color-scheme: light dark;
  --ground: #fff; --panel: #f6f7f9; --line: #d4d8de; --text: #1b1f24; --soft: #57606a; --link: #0b57b0;
  --pass: #116932; --fail: #b3141f; --warn: #7a4d00; --good: #e3f4e8; --bad: #fde8e8; --mark-good: #a9dfba; --mark-bad: #f5b5b5; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #14171b; --panel: #1d2127; --line: #3a414b; --text: #e8eaed; --soft: #a4adb8; --link: #86b9ff;
  --pass: #6fd391; --fail: #ff9190; --warn: #f0b95b; --good: #16301f; --bad: #3a1c1d; --mark-good: #24663a; --mark-bad: #7c2d2f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1.05rem; margin: 0; }
p { margin: .5rem 0; }
a { color: var(--link); }
code, pre, .mono { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .875rem; }
pre { margin: .5rem 0; padding: .6rem .75rem; background: var(--panel); border: 1px solid var(--line); border-radius: 6px;
  white-space: pre-wrap; }
summary { cursor: pointer; padding: .3rem 0; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--ground); padding: .5rem; }
.soft { color: var(--soft); }
.pass { color: var(--pass); } .fail, .error { color: var(--fail); } .warn, .inconclusive { color: var(--warn); }
header { border-bottom: 1px solid var(--line); padding-bottom: 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .75rem 0 0; }
dt { color: var(--soft); } dd { margin: 0; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
caption { text-align: start; font-weight: 600; padding-bottom: .25rem; }
th, td { text-align: start; padding: .3rem .5rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; font-weight: 400; }
th { overflow-wrap: normal; }
thead th { color: var(--soft); font-size: .875rem; }
.filter { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; align-items: center; padding: .75rem; margin: 1rem 0 .5rem;
  background: var(--panel); border: 1px solid var(--line); border-radius: 8px; }
.filter fieldset { border: 0; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
.filter legend { position: absolute; left: -999rem; }
.filter label { display: inline-flex; gap: .35rem; align-items: center; min-height: 1.75rem; }
.filter input[type=search], .filter select { font: inherit; min-height: 2.25rem; padding: .25rem .5rem; max-width: 100%; min-width: 0;
  color: inherit; background: var(--ground); border: 1px solid var(--soft); border-radius: 6px; }
.filter .search { flex: 1 1 16rem; } .filter .search input { flex: 1; }
.card { border: 1px solid var(--line); border-inline-start: 5px solid var(--fail); border-radius: 8px; padding: .75rem 1rem 1rem; margin: 1rem 0; }
.card-warn { border-inline-start-color: var(--warn); }
blockquote { margin: .4rem 0; padding-inline-start: .75rem; border-inline-start: 3px solid var(--line); color: var(--soft); }
.compare { display: grid; grid-template-columns: max-content 1fr; margin: .75rem 0; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; }
.compare dt, .compare dd { padding: .35rem .6rem; } .compare { gap: 0; }
.compare .expected { background: var(--good); color: var(--text); } .compare .actual { background: var(--bad); color: var(--text); }
.expected mark { background: var(--mark-good); color: inherit; font-weight: 600; } .actual mark { background: var(--mark-bad); color: inherit; font-weight: 600; }
.diagram { margin: .75rem 0; }
.diagram svg { display: block; width: 100%; max-width: 34rem; height: auto; font: 12px ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
svg text { fill: var(--text); font-size: 11.5px; paint-order: stroke; stroke: var(--ground); stroke-width: 4px; stroke-linejoin: round; }
svg .head { font-weight: 600; } svg .rail { stroke: var(--line); stroke-width: 1.5; }
svg g line, svg g path { stroke: var(--text); stroke-width: 1.3; fill: none; } svg g .tip { fill: var(--text); stroke: none; }
svg .from line { stroke-dasharray: 5 3; } svg .lost line { stroke-dasharray: 2 3; }
svg .decisive text { font-weight: 700; } svg .decisive line { stroke-width: 2.2; }
svg .lost line, svg .lost path { stroke: var(--fail); } svg .lost text { fill: var(--fail); } svg .both line { stroke: var(--soft); stroke-width: 3; }
.cases { list-style: none; padding: 0; margin: 0; }
.cases > li { border-bottom: 1px solid var(--line); padding: .2rem 0; }
.cases > li > div { padding: .3rem 0; } .cases details > div { padding: 0 0 .75rem 1.2rem; }
.exchanges { padding-inline-start: 1rem; }
.mark { display: inline-block; min-width: 7rem; font-weight: 600; font-size: .875rem; }
[hidden] { display: none !important; }
@media (max-width: 30rem) { .card { padding: .6rem .7rem; } .compare { grid-template-columns: 1fr; } .compare dt { padding-bottom: 0; } .compare dd { padding-top: 0; } .cases details > div { padding-inline-start: 0; } }
@media print { .filter, .skip { display: none; } }
`;
