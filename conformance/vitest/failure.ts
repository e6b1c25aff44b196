import { create } from "@bufbuild/protobuf";
import { type CaseResult, ReportSchema } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { printable } from "../printable.js";
import { unwrappedRow } from "../report/formats/rows.js";
import { terminalText, unstyled } from "../report/formats/style.js";
import { fullCard } from "../report/formats/terminal.js";
import { cardsOf } from "../report/model/card.js";
import { outcomeLine } from "../report/model/finding.js";
import { singleQuoted } from "../shell.js";

/** Width of a card in columns. */
const WIDTH = 100;

/** Where a test is, and how its run was started. */
export interface TestPlace {
  /** The test file, relative to the root of the project. */
  file: string;
  /** Start of the name of the test, which no other test has. */
  name: string;
  seed: number;
}

/** Makes the error of a case that did not pass: the cards that a terminal shows, and the command that runs it again. */
export function failureOf(result: CaseResult, place: TestPlace): Error {
  const error = new Error(textOf(result, place));
  // A stack trace would lead into the suite; the message has what the reader needs.
  error.stack = `Error: ${error.message}`;
  return error;
}

function textOf(result: CaseResult, place: TestPlace): string {
  if (result.findings.length === 0) return printable(outcomeLine(result));
  const cards = cardsOf(create(ReportSchema, { cases: [result] }));
  const lines = cards.flatMap((card) => [...fullCard(card, unstyled, WIDTH, false), ""]);
  return terminalText([...lines, ...unwrappedRow("run again", runAgain(place))].join("\n"));
}

/** The command that runs one test again, with the same seed. */
function runAgain({ file, name, seed }: TestPlace): string {
  // vitest takes the name for a regular expression.
  const pattern = name.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return `${SEED}=${seed} npx vitest run ${file} -t ${singleQuoted(pattern)}`;
}

/** The environment variable with the seed of the run. */
export const SEED = "SEQSYNC_SEED";
