import type { HistoryBuilder } from "./history-builder.js";

/** Histories of one violation each, by name, with the requirement that the judge must blame. */
export type Violations = Record<string, [requirement: string, history: () => HistoryBuilder]>;
