import { htmlReport } from "../../../conformance/report/formats/html/page.js";
import { run } from "../../../conformance/run/run.js";
import { MUTANTS, startFaultyServer } from "../../../conformance/selftest/mutants/index.js";
import type { Report } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { startReferenceServer } from "../../../reference-server/index.js";
import type { Page } from "../stage.js";

/** The mistake that the failing run shows: it can be seen in few cases, and is a classic. */
const FAULT = "ack-last-write-wins";
/** Two chapters: enough to see what a report looks like, quick enough for each build. */
const CHAPTERS = /^(ack|dev)\//;

/** Reports of a passing and of a failing run, from real runs made for this build, and the page that leads to them. */
export async function samplePages(): Promise<Page[]> {
  const fault = MUTANTS.find(({ name }) => name === FAULT);
  if (fault === undefined) throw new Error(`there is no fault ${FAULT}`);
  const passing = await runAgainst(() => startReferenceServer({ fixtures: true }));
  const failing = await runAgainst(() => startFaultyServer(fault, { fixtures: true }));
  if (passing.counts?.fail !== 0 || failing.counts?.fail === 0)
    throw new Error("the sample runs are not as they should be");
  return [
    { path: "docs/reference/sample-passing.html", text: forSite(htmlReport(passing)) },
    { path: "docs/reference/sample-failing.html", text: forSite(htmlReport(failing)) },
    { path: "docs/reference/sample-reports.md", group: "Reference", text: page(passing, failing, fault.about) },
  ];
}

async function runAgainst(
  start: () => Promise<{ url: string; close(graceMs?: number): Promise<void> }>,
): Promise<Report> {
  const server = await start();
  try {
    return await run({ urls: [server.url], seed: 1, codecs: ["proto"], select: ({ id }) => CHAPTERS.test(id) });
  } finally {
    await server.close(0);
  }
}

/** Samples stand in `media/`; the chapters that they link to stand in `documents/`. */
const forSite = (html: string) =>
  html.replaceAll(/href="docs\/spec\/([a-z-]+)\.md#/g, 'href="../documents/spec-$1.html#');

const page = (passing: Report, failing: Report, about: string) => `# Sample reports

\`seqsync check URL --report html=FILE\` writes one HTML file that needs no network. These two were made for this build, with the cases of
the chapters Acknowledgement and Devices in the binary codec.

- [A passing run](sample-passing.html): the reference server, ${passing.counts?.pass} cases passed.
- [A failing run](sample-failing.html): the faulty server \`${FAULT}\` (${about}), ${failing.counts?.fail} of
  ${failing.cases.length} cases failed. The broken requirement stands first, with the calls that prove it and a command that plays the
  case again.

The other formats are \`json\`, \`junit\`, \`tap\` and \`markdown\`; what the JSON holds is in [Report format](proto-report.md). How to go from
a failure to its cause is in [Read a failure](../guides/read-a-failure.md).
`;
