import type { HistoryBuilder } from "./history-builder.js";

/** Stories by name, each of one fault; the requirement is the one that must be blamed. */
export type Breaches = Record<string, [requirement: string, story: () => HistoryBuilder]>;
