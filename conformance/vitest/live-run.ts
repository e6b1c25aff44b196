import type { CaseResult, Report } from "../../proto/gen/seqsync/conformance/v1/report_pb.js";
import { fixtureAccounts } from "../accounts/fixture.js";
import { type RunOptions, run } from "../run/run.js";

/** A run under way, whose results can be awaited one by one. */
export class LiveRun {
  /** Resolves when the target has said what it is; rejects with the reason if it cannot be checked at all. */
  readonly begun: Promise<void>;
  readonly #results = new Map<string, Promise<CaseResult>>();
  readonly #settle = new Map<string, (result: CaseResult) => void>();
  readonly #open = new Set<string>();
  readonly #stop = new AbortController();
  readonly #ended: Promise<Report>;

  constructor(options: RunOptions) {
    let begin = () => {};
    const planned = new Promise<void>((resolve) => {
      begin = resolve;
    });
    let unavailable: string | undefined;
    this.#ended = run({
      ...options,
      signal: this.#stop.signal,
      accounts: async (transport) => {
        const source = await (options.accounts?.(transport) ??
          fixtureAccounts(transport, { token: options.fixtureToken }));
        if ("unavailable" in source) unavailable = source.unavailable;
        return source;
      },
      onStart: ({ jobs, open }) => {
        for (const { id } of jobs) this.#results.set(id, new Promise((resolve) => void this.#settle.set(id, resolve)));
        for (const reason of open.keys()) this.#open.add(reason);
        begin();
      },
      onResult: (result) => this.#settle.get(result.id)?.(result),
    });
    this.begun = Promise.race([planned, this.#ended.then(refuse)]).then(() => {
      if (unavailable !== undefined) throw new Error(`no accounts: ${unavailable}`);
    });
  }

  /** Whether the run has this case: not if the server does not declare its codec. */
  has(id: string): boolean {
    return this.#results.has(id);
  }

  /** The result of one case. Rejects if the run ends without it. */
  result(id: string): Promise<CaseResult> {
    const without = this.#ended.then((): never => {
      throw new Error(`the run ended without ${id}`);
    });
    // Every result is there before the run ends, so the race is decided by order.
    return Promise.race([this.#results.get(id) ?? without, without]);
  }

  /** Whether it was clear from the start that this case would stay open, from what the accounts can give. */
  knownOpen({ reason }: CaseResult): boolean {
    return this.#open.has(reason);
  }

  /** Stops what has not ended, and waits for that. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended.catch(() => {}); // has been told already, by `begun` and by every result
  }
}

/** A run that ends before it has a plan could not check anything. */
function refuse({ headline }: Report): void {
  if (headline !== "") throw new Error(headline);
}
