import type { WriteStream } from "node:tty";
import { type CaseResult, Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { printable } from "../printable.js";
import { CLEAR_LINE, type Styler, terminalLine } from "../report/formats/style.js";
import { explain } from "../report/model/finding.js";
import { OUTCOMES } from "../report/model/outcomes.js";
import { chapterOf, counted, secondsOf } from "../report/model/summary.js";
import { isUnexpected } from "../run/known-failures.js";

export type Detail = "quiet" | "normal" | "verbose";

/** A terminal, or a stream of lines. */
export type Screen = Pick<WriteStream, "write"> & Partial<Pick<WriteStream, "isTTY" | "columns">>;

/** Number of progress lines of a long run without a terminal. */
const PLAIN_LINES = 10;

/**
 * Shows the progress of a run: in a terminal one line that is redrawn, elsewhere a few lines. Failures are printed at
 * once.
 */
export class Progress {
  readonly #screen: Screen;
  readonly #style: Styler;
  readonly #detail: Detail;
  #all = 0;
  #done = 0;
  #failed = 0;
  #chapter = "";
  #programs = new Map<string, number>();

  constructor(screen: Screen, style: Styler, detail: Detail) {
    this.#screen = screen;
    this.#style = style;
    this.#detail = detail;
  }

  /** Starts to show the progress of this number of cases. */
  begin(cases: number): void {
    this.#all = cases;
    this.#redraw();
  }

  /** Counts a case that has ended. */
  caseEnded(result: CaseResult): void {
    this.#done += 1;
    this.#chapter = chapterOf(result);
    this.#programs.delete(result.id);
    if (isUnexpected(result)) this.#failed += 1;
    const isNotable = isUnexpected(result) || result.outcome === Outcome.ERROR;
    if (this.#detail === "verbose" || (isNotable && this.#detail === "normal")) this.line(this.#resultLine(result));
    this.#redraw();
    if (!this.#live && this.#detail === "normal" && this.#isDue()) this.line(this.#style("dim", this.#progressText()));
  }

  /** Updates the number of random programs that a case has run. */
  program(id: string, programs: number): void {
    this.#programs.set(id, programs);
    this.#redraw();
  }

  /** Prints a permanent line, which may have styles. */
  line(text: string): void {
    this.#screen.write(`${this.#live ? CLEAR_LINE : ""}${terminalLine(text)}\n`);
  }

  /** Removes the progress line. */
  end(): void {
    if (this.#live) this.#screen.write(CLEAR_LINE);
  }

  /** Whether the progress line is shown. */
  get #live(): boolean {
    return this.#screen.isTTY === true && this.#detail !== "quiet";
  }

  #isDue(): boolean {
    const step = (done: number) => Math.floor((done * PLAIN_LINES) / this.#all);
    return this.#all >= 5 * PLAIN_LINES && step(this.#done) > step(this.#done - 1);
  }

  #resultLine(result: CaseResult): string {
    const { id, outcome, knownFailure, duration } = result;
    const { color, mark } = OUTCOMES[outcome];
    const why = explain(result);
    const known = knownFailure === "" ? "" : ` (known: ${knownFailure})`;
    const time = duration === undefined ? "" : this.#style("dim", ` ${secondsOf(duration).toFixed(1)} s`);
    return `${this.#style(color, mark)} ${printable(`${id}${why === "" ? "" : `  ${why}`}${known}`)}${time}`;
  }

  #progressText(): string {
    const programs = [...this.#programs.values()].reduce((sum, count) => sum + count, 0);
    const parts = [
      `${this.#done} of ${this.#all} cases`,
      ...(this.#failed === 0 ? [] : [`${this.#failed} failed`]),
      ...(this.#chapter === "" ? [] : [printable(this.#chapter)]),
      ...(programs === 0 ? [] : [counted(programs, "random program")]),
    ];
    return parts.join("  ");
  }

  #redraw(): void {
    if (!this.#live) return;
    const width = Math.max((this.#screen.columns ?? 80) - 1, 10);
    const text = this.#progressText();
    const barWidth = Math.min(24, width - text.length - 3);
    const full = Math.round((barWidth * this.#done) / Math.max(this.#all, 1));
    const line = barWidth < 8 ? text.slice(0, width) : `${"━".repeat(full)}${"─".repeat(barWidth - full)} ${text}`;
    this.#screen.write(`${CLEAR_LINE}${this.#style("dim", line)}`);
  }
}
