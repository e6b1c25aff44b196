/** An instant as text, to the nanosecond. */
export const timeText = ({ seconds, nanos }: { seconds: bigint; nanos: number }) =>
  `${seconds}.${String(nanos).padStart(9, "0")}`;
