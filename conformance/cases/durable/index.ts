import type { Case } from "../../harness/case.js";
import { afterwards } from "./afterwards.js";
import { crashesBetweenCalls } from "./between-calls.js";
import { crashesOfInboxes } from "./inboxes.js";
import { crashesUnderLoad } from "./under-load.js";
import { crashesWithVolume } from "./volume.js";

/**
 * Crashes. The profile determines whether a server may lose data; no server may lose data without a new epoch. The
 * judge checks both. These cases generate the traffic before, during and after a crash, and compare the inboxes.
 */
export const durable: readonly Case[] = [
  ...crashesBetweenCalls,
  ...crashesWithVolume,
  ...crashesOfInboxes,
  ...crashesUnderLoad,
  ...afterwards,
];
