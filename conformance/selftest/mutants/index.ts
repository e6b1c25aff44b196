import { ack } from "./ack.js";
import { auth } from "./auth/index.js";
import { concurrency } from "./concurrency.js";
import { devices } from "./devices.js";
import { durable } from "./durable.js";
import { epoch } from "./epoch.js";
import { errorFaults } from "./errors.js";
import { fronts } from "./front-ends.js";
import { http } from "./http/index.js";
import { info } from "./info.js";
import type { Fault } from "./mutant.js";
import { page } from "./page.js";
import { send } from "./send/index.js";
import { seq } from "./seq.js";
import { sync } from "./sync.js";
import { watch } from "./watch/index.js";

export { type Fault, type FaultyServer, startFaultyServer } from "./mutant.js";

/** All mutants, chapter by chapter in the specification's order. Names are unique. */
export const FAULTS: readonly Fault[] = [
  ...http,
  ...errorFaults,
  ...auth,
  ...info,
  ...seq,
  ...send,
  ...sync,
  ...ack,
  ...page,
  ...devices,
  ...epoch,
  ...watch,
  ...durable,
  ...fronts,
  ...concurrency,
];
