import type { WriteStream } from "node:tty";
import { type CaseResult, Outcome } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import type { Styler } from "../report/formats/style.js";
import { OUTCOMES } from "../report/model/outcomes.js";
import { chapterOf, secondsOf } from "../report/model/summary.js";
import { isUnexpected } from "../run/known-failures.js";

export type Detail = "quiet" | "normal" | "verbose";

/** Where progress is shown: a terminal, or a stream of lines. */
export type Screen = Pick<WriteStream, "write"> & Partial<Pick<WriteStream, "isTTY" | "columns">>;

const CLEAR = "\r\u001b[2K";
/** Where no line can be overwritten, so many tell how far it is. */
const PLAIN_LINES = 10;

/** Tells how far a run is: in a terminal one line that changes, elsewhere a few lines. Failures are told as they come. */
export class Progress {
  readonly #screen: Screen;
  readonly #paint: Styler;
  readonly #detail: Detail;
  #all = 0;
  #done = 0;
  #failed = 0;
  #chapter = "";
  #programs = new Map<string, number>();

  constructor(screen: Screen, paint: Styler, detail: Detail) {
    this.#screen = screen;
    this.#paint = paint;
    this.#detail = detail;
  }

  begin(cases: number): void {
    this.#all = cases;
    this.#draw();
  }

  ended(result: CaseResult): void {
    this.#done += 1;
    this.#chapter = chapterOf(result);
    this.#programs.delete(result.id);
    if (isUnexpected(result)) this.#failed += 1;
    const worthTelling = isUnexpected(result) || result.outcome === Outcome.ERROR;
    if (this.#detail === "verbose" || (worthTelling && this.#detail === "normal")) this.line(this.#told(result));
    this.#draw();
    if (!this.#live && this.#detail === "normal" && this.#atMark()) this.line(this.#paint("dim", this.#text()));
  }

  /** How many random programs a case has run. */
  program(id: string, programs: number): void {
    this.#programs.set(id, programs);
    this.#draw();
  }

  /** Writes a line that stays. */
  line(text: string): void {
    this.#screen.write(`${this.#live ? CLEAR : ""}${text}\n`);
  }

  /** Takes the changing line away. */
  end(): void {
    if (this.#live) this.#screen.write(CLEAR);
  }

  get #live(): boolean {
    return this.#screen.isTTY === true && this.#detail !== "quiet";
  }

  #atMark(): boolean {
    const step = (done: number) => Math.floor((done * PLAIN_LINES) / this.#all);
    return this.#all >= 5 * PLAIN_LINES && step(this.#done) > step(this.#done - 1);
  }

  #told({ id, outcome, knownFailure, findings: [first], reason, duration }: CaseResult): string {
    const { style, mark } = OUTCOMES[outcome];
    const why = first === undefined ? reason : `${first.requirement}: ${first.message}`;
    const known = knownFailure === "" ? "" : ` (known: ${knownFailure})`;
    const time = duration === undefined ? "" : this.#paint("dim", ` ${secondsOf(duration).toFixed(1)} s`);
    return `${this.#paint(style, mark)} ${id}${why === "" ? "" : `  ${why}`}${known}${time}`;
  }

  #text(): string {
    const programs = [...this.#programs.values()].reduce((sum, count) => sum + count, 0);
    const parts = [
      `${this.#done} of ${this.#all} cases`,
      ...(this.#failed === 0 ? [] : [`${this.#failed} failed`]),
      ...(this.#chapter === "" ? [] : [this.#chapter]),
      ...(programs === 0 ? [] : [`${programs} random program${programs === 1 ? "" : "s"}`]),
    ];
    return parts.join("  ");
  }

  #draw(): void {
    if (!this.#live) return;
    const width = Math.max((this.#screen.columns ?? 80) - 1, 10);
    const text = this.#text();
    const bar = Math.min(24, width - text.length - 3);
    const full = Math.round((bar * this.#done) / Math.max(this.#all, 1));
    const line = bar < 8 ? text.slice(0, width) : `${"━".repeat(full)}${"─".repeat(bar - full)} ${text}`;
    this.#screen.write(`${CLEAR}${this.#paint("dim", line)}`);
  }
}
