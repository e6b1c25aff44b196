import { ack } from "./ack.js";
import { auth } from "./auth/index.js";
import { concurrency } from "./concurrency.js";
import { devices } from "./devices.js";
import { durable } from "./durable.js";
import { epoch } from "./epoch.js";
import { errors } from "./errors.js";
import { frontEnds } from "./front-ends.js";
import { http } from "./http/index.js";
import { info } from "./info.js";
import type { Mutant } from "./mutant.js";
import { page } from "./page.js";
import { send } from "./send/index.js";
import { seq } from "./seq.js";
import { sync } from "./sync.js";
import { watch } from "./watch/index.js";

export { type Mutant as Fault, type MutantServer as FaultyServer, startMutant as startFaultyServer } from "./mutant.js";

/** All mutants, chapter by chapter in the specification's order. Names are unique. */
export const MUTANTS: readonly Mutant[] = [
  ...http,
  ...errors,
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
  ...frontEnds,
  ...concurrency,
];
