import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { type BenchResult, compare, type Figure, value } from "../../../conformance/benchmarks/figure.js";
import { benchmarksPage } from "./benchmarks.js";
import { BENCHMARKS } from "./measurements.js";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const ours = value("reference server", [90, 100, 120]);
const theirs = value("bare node:http", [100, 200, 100]);
const FIGURE: Figure = {
  id: "server/send",
  name: "Send of 100 bytes",
  unit: "requests/s",
  better: "higher",
  meaning: "How many messages one core accepts.",
  conditions: "32 calls in flight",
  why: "There is more to do.",
  values: [ours, theirs],
  comparisons: [
    compare(ours, theirs, { is: "at least", value: 0.95 }),
    compare(ours, theirs, { is: "at least", value: 0.5 }, "another"),
  ],
};
const RESULT: BenchResult = {
  format: 1,
  measuredAt: "2026-11-23T20:05:00.314Z",
  commit: "0123456789ab",
  machine: { cpu: "A CPU", cores: 2, memoryGiB: 24, os: "Linux 6", node: "v20.20.2", loadAverageAtStart: 1.09 },
  quick: false,
  rounds: 3,
  seconds: 216,
  figures: [FIGURE],
  skipped: [{ id: "delivery, MQTT", why: "there is no Mosquitto" }],
};

function page(result?: BenchResult): string {
  const root = mkdtempSync(join(tmpdir(), "seqsync-bench-page-"));
  folders.push(root);
  if (result !== undefined) {
    mkdirSync(dirname(join(root, BENCHMARKS.file)), { recursive: true });
    writeFileSync(join(root, BENCHMARKS.file), JSON.stringify(result));
  }
  return benchmarksPage(root);
}

test("without a result the page shows the command that makes one", () => {
  expect(page()).toContain(`\`\`\`sh\n${BENCHMARKS.command}\n\`\`\``);
});

test("the page lists each goal, whether it is met, and the measured ratio", () => {
  const text = page(RESULT);
  expect(text).toContain("1 of 2 goals are met, 1 missed.");
  expect(text).toContain(
    "| [Send of 100 bytes](#bench-server-send)<br>reference server / bare node:http | ≥&nbsp;0.95<br>**missed** | 0.9<br>(0.5–1.2) |",
  );
  expect(text).toContain("<br>another | ≥&nbsp;0.5<br>met | 0.9<br>(0.5–1.2) |");
  expect(text).toContain('<a id="bench-server-send"></a>How many messages');
  expect(text).toContain("\n\nReason: There is more to do.\n");
});

test("the page shows the machine and the figures that were not measured", () => {
  const text = page(RESULT);
  expect(text).toContain("| measured | 2026-11-23 20:05 UTC with commit 0123456789ab, for 4 minutes |");
  expect(text).toContain("| machine | 2 × A CPU, 24 GiB, Linux 6, Node v20.20.2 |");
  expect(text).toContain("| load average at the start | 1.09 |");
  expect(text).toContain("- delivery, MQTT: there is no Mosquitto");
});

test("a figure has a text alternative and a table of its values", () => {
  const text = page(RESULT);
  expect(text).toContain(
    'aria-label="Send of 100 bytes, requests/s, higher is better. reference server 100; bare node:http 100."',
  );
  expect(text).toContain("| bare node:http | 100 | 100 | 200 | 3 |");
  expect(text).not.toContain("logarithmic scale");
});

test("a figure with an axis has a table of comparisons, and does not repeat the texts of the previous figure", () => {
  const at = (x: number, ms: number) => [
    value("Seq Sync, pages of 1,000", [ms], { x, xName: "% lost" }),
    value("MQTT", [ms * 100], { x, xName: "% lost", calculated: "from 10 messages" }),
  ];
  const values = [...at(0, 10), ...at(5, 20)];
  const comparisons = [0, 1, 2, 3, 4, 5, 6].map((loss) =>
    compare(
      values[1] as never,
      values[loss % 2] as never,
      undefined,
      `MQTT / Seq Sync, pages of 1,000, ${loss} % lost`,
    ),
  );
  const figure: Figure = { ...FIGURE, id: "server/other", values, comparisons };
  const text = page({ ...RESULT, figures: [FIGURE, figure] });
  expect(text.match(/How many messages one core accepts/g)).toHaveLength(1);
  expect(text).toContain("Conditions as above.");
  expect(text).toContain(
    "on the left: % lost; <strong>logarithmic scale</strong>; * calculated from a smaller measurement",
  );
  expect(text).toContain("Seq Sync, pages of 1,000 10 at 0 % lost, 20 at 5 % lost; MQTT 1,000 at 0 % lost");
  expect(text).toContain("Relative to Seq Sync, pages of 1,000;");
  expect(text).toContain("| | 0 % lost | 1 % lost |");
  expect(text).toContain("| MQTT | 100 | 1 | 100 |");
  expect(text).toContain("| MQTT | 5 | 2,000 | 2,000 | 2,000 | 1 | from 10 messages |");
});

test("a figure of an unknown section is an error", () => {
  expect(() => page({ ...RESULT, figures: [{ ...FIGURE, id: "new/one" }] })).toThrow("new");
});
