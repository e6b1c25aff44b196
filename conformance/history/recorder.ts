import type { Event } from "../../proto/gen/seqsync/conformance/v1/history_pb.js";

/** What an event says, without when and by whom. */
export type EventBody = Exclude<Event["body"], { case: undefined }>;

/** Writes down what the clients see, in the order in which they see it, and tells it at once to whoever listens. */
export class Recorder {
  readonly events: Event[] = [];
  readonly #listener: (event: Event) => void;
  readonly #micros: () => bigint;
  #ops = 0n;

  /** `micros` tells the time in microseconds. Default: since the recorder was made. */
  constructor(listener: (event: Event) => void = () => {}, micros: () => bigint = stopwatch()) {
    this.#listener = listener;
    this.#micros = micros;
  }

  /** Records a call and answers the operation's number, which its outcome is to be recorded under. */
  call(client: string, endpoint: number, what: EventBody): bigint {
    this.#ops += 1n;
    this.#record({ op: this.#ops, client, endpoint, what });
    return this.#ops;
  }

  /** Records what comes of an operation, or with 0 something that belongs to none. */
  complete(op: bigint, what: EventBody): void {
    this.#record({ op, client: "", endpoint: 0, what });
  }

  #record(event: Pick<Event, "op" | "client" | "endpoint"> & { what: EventBody }): void {
    // A whole message as it stands: `create` would look at each field, and this is done twice for each request.
    const { op, client, endpoint, what } = event;
    const atMicros = this.#micros();
    const whole: Event = { $typeName: "seqsync.conformance.v1.Event", op, client, endpoint, body: what, atMicros };
    this.events.push(whole);
    this.#listener(whole);
  }
}

function stopwatch(): () => bigint {
  const started = process.hrtime.bigint();
  return () => (process.hrtime.bigint() - started) / 1000n;
}
