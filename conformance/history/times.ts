import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";

/** Seconds of the first and the last Timestamp: 0001-01-01 and 9999-12-31. */
const [FIRST_SECOND, LAST_SECOND] = [-62_135_596_800n, 253_402_300_799n];
/** Seconds of the longest Duration. */
const LONGEST_SECONDS = 315_576_000_000n;
const MAX_NANOS = 999_999_999;

/** Returns what is wrong with a Timestamp that has no JSON form; undefined if nothing is. */
export function timestampProblem({ seconds, nanos }: Pick<Timestamp, "seconds" | "nanos">): string | undefined {
  if (seconds >= FIRST_SECOND && seconds <= LAST_SECOND && nanos >= 0 && nanos <= MAX_NANOS) return undefined;
  return `${seconds} s and ${nanos} ns, which is not a Timestamp`;
}

/** Returns what is wrong with a Duration that has no JSON form; undefined if nothing is. */
export function durationProblem(duration: Pick<Duration, "seconds" | "nanos">): string | undefined {
  const { seconds, nanos } = closestDuration(duration);
  if (seconds === duration.seconds && nanos === duration.nanos) return undefined;
  return `${duration.seconds} s and ${duration.nanos} ns, which is not a Duration`;
}

/** Returns the valid Duration that is closest to one of any values, as good as its parts allow. */
export function closestDuration({ seconds, nanos }: Pick<Duration, "seconds" | "nanos">): {
  seconds: bigint;
  nanos: number;
} {
  if (seconds > LONGEST_SECONDS) return { seconds: LONGEST_SECONDS, nanos: 0 };
  if (seconds < -LONGEST_SECONDS) return { seconds: -LONGEST_SECONDS, nanos: 0 };
  const isOpposite = (seconds > 0n && nanos < 0) || (seconds < 0n && nanos > 0);
  return { seconds, nanos: isOpposite ? 0 : Math.max(-MAX_NANOS, Math.min(nanos, MAX_NANOS)) };
}
