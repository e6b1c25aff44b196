import { writeFileSync } from "node:fs";
import type { Reporter, TestCase, TestModule } from "vitest/node";

/** Result of one test. */
export interface Note {
  name: string;
  /** Names of the blocks around the test, the outermost first. */
  blocks: string[];
  state: "passed" | "failed" | "skipped" | "pending";
  /** Why the test was skipped; otherwise empty. */
  reason: string;
  errors: string[];
  annotations: string[];
}

/** Results of a run of the project. */
export interface Notes {
  tests: Note[];
  /** Errors of blocks and of files, outside of any test. */
  errors: string[];
}

function blocksOf({ parent }: TestCase): string[] {
  const names: string[] = [];
  for (let block = parent; block.type === "suite"; block = block.parent) names.unshift(block.name);
  return names;
}

/** A vitest reporter that writes the results to the file in `PROJECT_NOTES`. */
export default class NotesReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((file) => [...file.children.allTests()]);
    const blocks = modules.flatMap((file) => [file, ...file.children.allSuites()]);
    const notes: Notes = {
      tests: tests.map((it): Note => {
        const result = it.result();
        return {
          name: it.name,
          blocks: blocksOf(it),
          state: result.state,
          reason: result.state === "skipped" ? (result.note ?? "") : "",
          errors: (result.errors ?? []).map(({ message }) => message),
          annotations: it.annotations().map(({ message }) => message),
        };
      }),
      errors: blocks.flatMap((block) => block.errors().map(({ message }) => message)),
    };
    writeFileSync(process.env["PROJECT_NOTES"] ?? "", JSON.stringify(notes));
  }
}
