import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";
import type { EventBody } from "./events.js";

/** Name of the client of operations that the suite itself makes, such as fixture calls. */
export const SUITE = "suite";

/**
 * Records the events of a history in the order in which the clients see them, and passes each on to a listener at once.
 */
export class Recorder {
  readonly events: Event[] = [];
  readonly #listener: (event: Event) => void;
  readonly #micros: () => bigint;
  #ops = 0n;

  /** `micros` returns the time, in microseconds. Default: since the creation of the recorder. */
  constructor(listener: (event: Event) => void = () => {}, micros: () => bigint = stopwatch()) {
    this.#listener = listener;
    this.#micros = micros;
  }

  /** Records a call, and returns the number of its operation, for its outcome. */
  call(client: string, endpoint: number, body: EventBody): bigint {
    this.#ops += 1n;
    this.#record(this.#ops, client, endpoint, body);
    return this.#ops;
  }

  /** Records a frame or the outcome of an operation; with 0, an event that belongs to no operation. */
  complete(op: bigint, body: EventBody): void {
    this.#record(op, "", 0, body);
  }

  /** The time of an event that would be recorded now, in microseconds. */
  now(): bigint {
    return this.#micros();
  }

  /** Events of an operation so far. */
  eventsOf(op: bigint): Event[] {
    return this.events.filter((event) => event.op === op);
  }

  #record(op: bigint, client: string, endpoint: number, body: EventBody): void {
    const event: Event = {
      $typeName: "seqsync.conformance.v1.Event",
      op,
      client,
      endpoint,
      body,
      atMicros: this.#micros(),
    };
    this.events.push(event);
    this.#listener(event);
  }
}

function stopwatch(): () => bigint {
  const started = process.hrtime.bigint();
  return () => (process.hrtime.bigint() - started) / 1000n;
}
