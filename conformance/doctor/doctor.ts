import type { AccountOptions } from "../accounts/resolve.js";
import { contact, type WaitOptions } from "../run/contact.js";
import { Secrets } from "../run/secrets.js";
import { type ConnectionOptions, pickConnection, Transport } from "../transport/http.js";
import { examineAccounts, examineMessage } from "./accounts.js";
import { describeInfo, examineCalls, examineHttp, examineJson } from "./http.js";
import { examineDns, examineTcp, examineTls } from "./network.js";
import { type Found, problem, problemOf, type Step, skipped, warning } from "./step.js";
import { examineWatch } from "./watch.js";

/** Options of `examine`. */
export interface DoctorOptions extends ConnectionOptions, AccountOptions, WaitOptions {
  /** Base URL of the server. */
  url: string;
  /** Is called with each step as soon as it has ended. */
  onStep?: (step: Step) => void;
}

/** Time for the whole examination, without the wait for a server that is starting, in milliseconds. */
const BUDGET_MS = 10_000;
/** The steps, in their order. */
const NAMES = [
  "DNS",
  "TCP",
  "TLS",
  "GetServerInfo",
  "HTTP",
  "JSON",
  "latency",
  "rate limit",
  "clock",
  "accounts",
  "message",
  "Watch",
] as const;
type Name = (typeof NAMES)[number];

/** Time for one call, in milliseconds. */
const CALL_MS = 3000;

/** Looks for what would stand in the way of a run, in ten seconds. A step that needs an earlier one that failed is skipped. */
export async function examine(options: DoctorOptions): Promise<Step[]> {
  const { url, onStep } = options;
  const target = new URL(url);
  const secrets = Secrets.of(options);
  const steps: Step[] = [];
  let end = performance.now() + BUDGET_MS;
  const add = (name: Name, found: Found) => {
    // A server may put what it was sent into what it says.
    const step = secrets.hide({ name, ...found });
    steps.push(step);
    onStep?.(step);
    return found.state !== "problem";
  };
  /** Ends the examination after a step that failed. */
  const stop = (): Step[] => {
    const [failed, ...later] = NAMES.slice(steps.length - 1);
    for (const name of later) add(name, skipped(`needs ${failed}`));
    return steps;
  };
  const within = async <T>(running: Promise<T>, late: (found: Found) => T): Promise<T> => {
    const left = Math.max(end - performance.now(), 0);
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<T>((resolve) => {
      timer = setTimeout(() => resolve(late(problem(`did not end within ${BUDGET_MS / 1000} s`))), left);
    });
    // A step that is late may still fail; its result is no longer of interest.
    running.catch(() => {});
    return Promise.race([running, timeout]).finally(() => clearTimeout(timer));
  };
  const same = (found: Found) => found;

  const transportOptions = { ...pickConnection(options), urls: [url], timeoutMs: CALL_MS };
  const transport = new Transport(transportOptions);
  try {
    // With --wait, the steps of the network wait too: a name may not exist yet.
    if (options.waitMs !== undefined) await contact(transport, options);
    end = performance.now() + BUDGET_MS;
    if (!add("DNS", await within(examineDns(target, options), same))) return stop();
    if (!add("TCP", await within(examineTcp(target, options), same))) return stop();
    const tls = await within(examineTls(target, options), (found) => ({ found, http2: false }));
    if (!add("TLS", tls.found)) return stop();

    const probed = await within(contact(transport), ({ found }) => ({
      problem: found,
      cause: "no response" as const,
      endpoint: 0,
    }));
    if ("problem" in probed) {
      add("GetServerInfo", problemOf(probed.problem));
      return stop();
    }
    const { info } = probed;
    add("GetServerInfo", describeInfo(info));
    add("HTTP", await within(examineHttp(transportOptions, tls.http2), unfinished));
    add("JSON", await within(examineJson(transport, info), unfinished));
    const calls = await within(examineCalls(transport), (late) => {
      const found = unfinished(late);
      return { latency: found, rate: found, clock: found };
    });
    add("latency", calls.latency);
    add("rate limit", calls.rate);
    add("clock", calls.clock);
    const accounts = await within(examineAccounts(transport, options, secrets), (found) => ({ found, pair: [] }));
    if (!add("accounts", accounts.found)) return stop();
    add("message", await within(examineMessage(transport, accounts.pair), unfinished));
    add("Watch", await within(examineWatch(transport, info, accounts.pair), unfinished));
    return steps;
  } finally {
    await transport.close();
  }
}

/** A step without which a run can work. */
const unfinished = ({ found }: Found): Found => warning(found);
