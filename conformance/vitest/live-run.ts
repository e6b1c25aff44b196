import { type CaseResult, ReasonCode, type Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { printable } from "../printable.js";
import { check } from "../run/check.js";
import type { CheckOptions } from "../run/check-options.js";

/** A run in progress, whose results can be awaited one by one. */
export class LiveRun {
  /** Resolves when the run has its plan. Rejects if the server cannot be checked, or if there are no accounts. */
  readonly started: Promise<void>;
  readonly #results = new Map<string, Promise<CaseResult>>();
  readonly #resolvers = new Map<string, (result: CaseResult) => void>();
  readonly #stop = new AbortController();
  readonly #ended: Promise<Report>;

  constructor(options: CheckOptions) {
    let onPlan = () => {};
    const planned = new Promise<void>((resolve) => {
      onPlan = resolve;
    });
    this.#ended = check({
      ...options,
      signal: this.#stop.signal,
      onStart: ({ cases }) => {
        for (const { id } of cases)
          this.#results.set(id, new Promise((resolve) => void this.#resolvers.set(id, resolve)));
        onPlan();
      },
      onResult: (result) => this.#resolvers.get(result.id)?.(result),
    });
    this.started = Promise.race([planned, this.#ended.then(throwHeadline)]);
  }

  /** Whether the run has this case. False if the server does not declare its codec. */
  has(id: string): boolean {
    return this.#results.has(id);
  }

  /** Waits for the result of a case. Rejects if the run ends without it. */
  result(id: string): Promise<CaseResult> {
    const missing = this.#ended.then((): never => {
      throw new Error(`the run ended without ${id}`);
    });
    // Every result is resolved before the run ends, so it settles before `missing`.
    return Promise.race([this.#results.get(id) ?? missing, missing]);
  }

  /** Stops the run, and waits until it has ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    // `started` and every result have reported the error already.
    await this.#ended.catch(() => {});
  }
}

/** Whether a case is inconclusive only because these accounts do not suffice, which is known before it runs. */
export const isUnavailable = ({ reasonCode }: CaseResult) =>
  reasonCode === ReasonCode.ACCOUNTS || reasonCode === ReasonCode.NO_FIXTURE;

/** A run that ends without a plan could not check the server: its headline says why. */
function throwHeadline({ headline }: Report): void {
  if (headline !== "") throw new Error(printable(headline));
}
