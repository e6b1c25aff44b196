import { type Finding, newFinding, type ViolationDetail } from "../findings.js";
import type { Recorder } from "../history/recorder.js";
import { judgeResponse, pairsOf } from "../rpc/every-response.js";
import type { Session, UnaryExchange } from "../rpc/session.js";
import { type KnownAccount, Leaks } from "./leaks.js";

/**
 * Checks the rules that hold for every exchange on each exchange of a case, whatever the case is about. It reports each
 * requirement once for a case, and does not end the case.
 */
export class EveryExchange {
  readonly #recorder: Recorder;
  readonly #session: Session;
  readonly #findings: Finding[];
  readonly #leaks: Leaks;
  readonly #reported = new Set<string>();

  /** The violations are added to `findings`. */
  constructor(
    accounts: readonly KnownAccount[],
    recorder: Recorder,
    { session, nonce }: { session: Session; nonce: string },
    findings: Finding[],
  ) {
    this.#recorder = recorder;
    this.#session = session;
    this.#findings = findings;
    this.#leaks = new Leaks(accounts, nonce);
  }

  /** Checks an exchange of a unary call. */
  observe({ request, response, op }: UnaryExchange): void {
    const { headers = {} } = request;
    const sent = { ...request, headers: [...Object.entries(this.#session.transport.headers), ...pairsOf(headers)] };
    this.#leaks.learn(this.#recorder.events);
    for (const violation of [...judgeResponse(sent, response), ...this.#leaks.find(sent, response)])
      this.report(violation, op, response.exchange);
  }

  report(violation: ViolationDetail, op: bigint, exchange = 0): void {
    if (this.#reported.has(violation.requirement)) return;
    this.#reported.add(violation.requirement);
    const evidence = op === 0n ? [] : this.#recorder.eventsOf(op);
    this.#findings.push({ ...newFinding(violation, evidence, false), exchange });
  }
}
