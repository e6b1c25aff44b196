import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseSequence, withDiagrams } from "./mermaid.js";
import { scenes, withExamples } from "./player.js";

const model = readFileSync(join(import.meta.dirname, "../../spec/model.md"), "utf8");

test("the player shows the numbers of the model's worked examples", () => {
  const text = scenes().map(({ step }) => step.text);
  // From the tables of the chapter: what is asked, and what comes.
  const rows = [...model.matchAll(/^\| (\d+) \| \d+ \| (\d+) to (\d+) \| (\d+) \| \d+ \|$/gm)].slice(0, 3);
  expect(rows).toHaveLength(3);
  for (const [, asked, from, to, next] of rows) {
    const at = text.indexOf(`Sync(${asked})`);
    expect(text[at + 1]).toBe(`${from}…${to}`);
    expect(text.slice(at)).toContain(`cli_seq ${next}`);
  }
  expect(scenes().at(-1)?.stands).toBe("svr_seq 260, acked_seq 200; first phone at 260, second at 260");
});

test("the diagrams of the model are drawn, all steps of them, without Mermaid and without an empty line", () => {
  const drawn = withDiagrams(model);
  expect(drawn).not.toContain("```mermaid");
  expect(drawn.match(/<svg /g)).toHaveLength(2);
  const figures = drawn.match(/<figure[\s\S]*?<\/figure>/g) ?? [];
  for (const figure of figures) expect(figure).not.toMatch(/\n\s*\n/);
  expect(figures[0]?.match(/class="step"/g)).toHaveLength(12);
});

test("what is not understood is an error, not left out", () => {
  expect(() => parseSequence("sequenceDiagram\n  loop every day")).toThrow("loop every day");
  expect(() => withDiagrams("```mermaid\npie\n```\n")).toThrow("pie");
  expect(() => withDiagrams("```mermaid\nstateDiagram-v2\n  [*] --> Elsewhere\n```\n")).toThrow("Elsewhere");
  expect(() => withExamples("no place for it")).toThrow("worked examples");
});
