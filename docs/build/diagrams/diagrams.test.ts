import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseSequence, withDiagrams } from "./mermaid.js";
import { scenes, withExamples } from "./player.js";

const model = readFileSync(join(import.meta.dirname, "../../spec/model.md"), "utf8");

test("the player shows the numbers of the model's worked examples", () => {
  const text = scenes().map(({ step }) => step.text);
  // From the tables of the chapter: requests and responses.
  const rows = [...model.matchAll(/^\| (\d+) \| \d+ \| (\d+) to (\d+) \| (\d+) \| \d+ \|$/gm)].slice(0, 3);
  expect(rows).toHaveLength(3);
  for (const [, cliSeq, from, to, next] of rows) {
    const at = text.indexOf(`Sync(${cliSeq})`);
    expect(text[at + 1]).toBe(`${from}…${to}`);
    expect(text.slice(at)).toContain(`cli_seq ${next}`);
  }
  expect(scenes().at(-1)?.state).toBe("svr_seq 260, acked_seq 200; first phone at 260, second at 260");
});

test("the diagrams of the model are drawn with all steps, without Mermaid and without empty lines", () => {
  const drawn = withDiagrams(model);
  expect(drawn).not.toContain("```mermaid");
  expect(drawn.match(/<svg /g)).toHaveLength(2);
  const figures = drawn.match(/<figure[\s\S]*?<\/figure>/g) ?? [];
  for (const figure of figures) expect(figure).not.toMatch(/\n\s*\n/);
  expect(figures[0]?.match(/class="step"/g)).toHaveLength(12);
});

test("unsupported input is an error", () => {
  expect(() => parseSequence("sequenceDiagram\n  loop every day")).toThrow("loop every day");
  expect(() => withDiagrams("```mermaid\npie\n```\n")).toThrow("pie");
  expect(() => withDiagrams("```mermaid\nstateDiagram-v2\n  [*] --> Elsewhere\n```\n")).toThrow("Elsewhere");
  expect(() => withExamples("no place for it")).toThrow("worked examples");
});
