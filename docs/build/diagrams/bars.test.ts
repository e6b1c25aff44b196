import { expect, test } from "vitest";
import { type BarGroup, drawBars, scaleOf } from "./bars.js";

const group = (...values: number[]): BarGroup[] => [
  { name: "one", bars: values.map((value) => ({ label: "", value, low: value, high: value, text: `${value}` })) },
];

test("a scale begins at zero, unless the largest value is more than 30 times the smallest", () => {
  const even = scaleOf(group(10, 300));
  expect(even).toMatchObject({ logarithmic: false, ticks: [0, 100, 200, 300] });
  expect([0, 150, 300].map(even.at)).toEqual([0, 0.5, 1]);

  const wide = scaleOf(group(10, 1000));
  expect(wide).toMatchObject({ logarithmic: true, ticks: [1, 10, 100, 1000] });
  expect([1, 10, 1000].map((it) => wide.at(it).toFixed(3))).toEqual(["0.000", "0.333", "1.000"]);
});

test("a value of zero or below has no bar, and does not affect the scale", () => {
  const scale = scaleOf(group(-1, 0, 5, 500));
  expect(scale.logarithmic).toBe(true);
  expect([-1, 0].map(scale.at)).toEqual([0, 0]);
  expect(scale.at(5)).toBeGreaterThan(0);
  expect(scaleOf(group(0)).at(0)).toBe(0);
});

test("an axis has at most six marks, however long it is", () => {
  for (const most of [0.013, 1, 1.9, 2.4, 9.99, 10, 123_456]) {
    expect(scaleOf(group(most)).ticks.length, `${most}`).toBeGreaterThan(2);
    expect(scaleOf(group(most)).ticks.length, `${most}`).toBeLessThanOrEqual(6);
    expect(scaleOf(group(0.001, most * 1e6)).ticks.length, `${most * 1e6}`).toBeLessThanOrEqual(6);
  }
});

test("bars have their numbers, a spread if there is one, and no empty line", () => {
  const svg = drawBars(
    [
      { name: "ours & theirs", bars: [{ label: "", value: 50, low: 40, high: 100, text: "50" }] },
      { name: "theirs", bars: [{ label: "", value: 25, low: 25, high: 25, text: "25", pale: true }] },
    ],
    'half of "all"',
  );
  expect(svg).toContain('role="img" aria-label="half of &quot;all&quot;"');
  expect(svg).toContain("ours &amp; theirs");
  // Relative to the 74 % that the numbers leave.
  expect(svg).toContain('<rect class="value" x="0%" width="37%"');
  expect(svg).toContain('<rect class="spread" x="29.6%" width="44.4%"');
  expect(svg).toContain('<rect class="value pale" x="0%" width="18.5%"');
  expect(svg.match(/class="spread"/g)).toHaveLength(1);
  expect(svg).toMatch(/>50<\/text>.*>25<\/text>/);
  expect(svg).not.toMatch(/\n\s*\n/);
});
