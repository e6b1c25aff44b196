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
import { clockSteps } from "./kinds/clock-steps.js";
import { contents } from "./kinds/contents.js";
import { crashes } from "./kinds/crashes.js";
import { forms } from "./kinds/forms.js";
import { mixtures } from "./kinds/mixtures.js";
import { times } from "./kinds/times.js";
import { volumes } from "./kinds/volumes.js";
import type { Mutant } from "./mutant.js";
import { page } from "./page.js";
import { send } from "./send/index.js";
import { seq } from "./seq.js";
import { sync } from "./sync.js";
import { watch } from "./watch/index.js";

export { type Mutant, type MutantServer, startMutant } from "./mutant.js";

/** All mutants in the order of the specification's chapters. Names are unique. */
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
  ...forms,
  ...contents,
  ...volumes,
  ...times,
  ...clockSteps,
  ...mixtures,
  ...crashes,
];
