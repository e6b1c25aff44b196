/**
 * Cases that take more than a tenth of a second of computing, by the thousands of messages that they send or the megabytes. Unless
 * the extent is full they run only against servers that break what they check, and against those that no other case has caught.
 */
export const HEAVY: ReadonlySet<string> = new Set([
  "explore/hostile-network",
  "explore/quiet-network",
  "page/large-payloads",
  "page/over-2500-messages",
  "page/size-1",
  "page/size-7",
  "page/size-over-the-maximum",
  "send/all-byte-values",
  "send/full-inbox",
  "send/none-of-many-is-lost",
  "send/order-with-sizes",
  "send/retry-after-1000-others",
  "seq/mixed-sizes-at-once",
  "seq/seen-while-it-comes",
  "sync/range-of-a-long-page",
]);
