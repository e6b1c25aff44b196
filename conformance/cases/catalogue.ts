import type { Case, CaseInfo } from "../harness/case.js";
import { ack } from "./ack.js";
import { auth } from "./auth/index.js";
import { clockSteps } from "./clock-steps.js";
import { devices } from "./devices.js";
import { durable } from "./durable/index.js";
import { epoch } from "./epoch.js";
import { errors } from "./errors/index.js";
import { exploration } from "./explore.js";
import { http } from "./http/index.js";
import { info } from "./info.js";
import { mixtures } from "./mixtures/index.js";
import { page } from "./page.js";
import { send } from "./send/index.js";
import { seq } from "./seq/index.js";
import { sync } from "./sync.js";
import { thorough } from "./thorough/index.js";
import { watch } from "./watch/index.js";

/**
 * All cases, chapter by chapter in the specification's order; then mixtures, steps of the clock and those for
 * `--thorough`, which are of several chapters.
 */
export const CATALOGUE: readonly Case[] = [
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
  ...mixtures,
  ...clockSteps,
  ...durable,
  ...exploration,
  ...thorough,
];

/** All cases as data, without the functions that run them. */
export const CASES: readonly CaseInfo[] = CATALOGUE.map(({ run: _, ...info }) => info);

/** The chapter of a case. */
export const chapterOf = ({ id }: Pick<Case, "id">): string => id.split("/", 1)[0] ?? id;
