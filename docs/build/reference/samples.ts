import { htmlReport } from "../../../conformance/report/formats/html/page.js";
import { check } from "../../../conformance/run/check.js";
import { MUTANTS, startMutant } from "../../../conformance/selftest/mutants/index.js";
import type { Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { startReferenceServer } from "../../../reference-server/index.js";
import type { Page } from "../stage.js";

/** The mutant of the failing run: a common mistake that few cases detect. */
const MUTANT = "ack-last-write-wins";
/** Two chapters: enough for a sample, and quick enough for each build. */
const CHAPTERS = /^(ack|devices)\//;

/** The reports of a passing and of a failing run, made by real runs, and the page that links to them. */
export async function samplePages(): Promise<Page[]> {
  const mutant = MUTANTS.find(({ name }) => name === MUTANT);
  if (mutant === undefined) throw new Error(`no mutant ${MUTANT}`);
  const passing = await runAgainst(() => startReferenceServer({ fixtures: true }));
  const failing = await runAgainst(() => startMutant(mutant, { fixtures: true }));
  if (passing.counts?.fail !== 0 || failing.counts?.fail === 0)
    throw new Error("the passing sample fails, or the failing one passes");
  return [
    { path: "docs/reference/sample-passing.html", text: forSite(htmlReport(passing)) },
    { path: "docs/reference/sample-failing.html", text: forSite(htmlReport(failing)) },
    { path: "docs/reference/sample-reports.md", group: "Reference", text: page(passing, failing, mutant.about) },
  ];
}

async function runAgainst(
  start: () => Promise<{ url: string; close(graceMs?: number): Promise<void> }>,
): Promise<Report> {
  const server = await start();
  try {
    return await check({ urls: [server.url], seed: 1, codecs: ["proto"], select: ({ id }) => CHAPTERS.test(id) });
  } finally {
    await server.close(0);
  }
}

/** Adapts links: on the site, samples are in `media/` and chapters in `documents/`. */
const forSite = (html: string) =>
  html.replaceAll(/href="docs\/spec\/([a-z-]+)\.md#/g, 'href="../documents/spec-$1.html#');

const page = (passing: Report, failing: Report, about: string) => `# Sample reports

\`seqsync check URL --report html=FILE\` writes one HTML file that needs no network. These two reports come from runs of this version,
with the cases of the chapters Acknowledgement and Devices in the binary codec.

- [A passing run](sample-passing.html): the reference server; ${passing.counts?.pass} cases passed.
- [A failing run](sample-failing.html): the mutant \`${MUTANT}\` (${about}); ${failing.counts?.fail} of ${failing.cases.length} cases failed.
  The violated requirement comes first, with the calls that show the violation and a command that reproduces it.

The other formats are \`json\`, \`junit\`, \`tap\` and \`markdown\`. [Report format](proto-report.md) describes the JSON.
[Read a failure](../guides/read-a-failure.md) explains how to find the cause of a failure.
`;
