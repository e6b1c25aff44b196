import fc from "fast-check";
import type { Codec } from "../rpc/connect.js";
import type { FaultLevel, Operation, Step, WrongCall } from "./program.js";

/** The parts of which scenarios consist, and what the server under test permits. */
export interface ScenarioParts {
  devices: number;
  rotate: boolean;
  revoke: boolean;
  watch: boolean;
  faults: FaultLevel;
  codec: fc.Arbitrary<Codec>;
  /** Sizes of payloads, in bytes. */
  size: fc.Arbitrary<number>;
  /** The largest payload that programs send, in bytes. */
  maxBytes: number;
  wrongCalls: readonly WrongCall[];
  fault: fc.Arbitrary<Step["fault"]>;
  look: fc.Arbitrary<number>;
}

type Operations = fc.Arbitrary<Operation>;
/** An operation that begins together with the one before it. */
interface AtOnce {
  atOnce: Operations;
}
type Of<K extends Operation["kind"]> = Extract<Operation, { kind: K }>;

/** Sum of payloads that is more than a page of the usual limit of 4 MiB, in bytes, and the most messages for it. */
const PAGE_BYTES = (4 << 20) + (128 << 10);
const MAX_MESSAGES = 72;

/**
 * Short lists of steps that are known to interact, with other steps before, between and after them in a program. Each
 * step is left out now and then; a list shrinks to fewer steps.
 */
export function scenarios(parts: ScenarioParts): fc.Arbitrary<Step[]> {
  const { watch, rotate, revoke } = parts;
  // The inbox of the first account, from another one or its own; rarely another inbox.
  const roles = [
    { weight: 4, inbox: 0, sender: 1 },
    { weight: 2, inbox: 0, sender: 0 },
    { weight: 1, inbox: 1, sender: 0 },
  ];
  const each = (weight: number, list: (on: Builder) => readonly (Operations | AtOnce)[]) => ({
    weight,
    arbitrary: fc.oneof(
      ...roles.map(({ weight: share, inbox, sender }) => {
        const builder = new Builder(parts, inbox, sender);
        return { weight: share, arbitrary: builder.sequence(list(builder)) };
      }),
    ),
  });
  return fc.oneof(
    each(12, lateRetry),
    each(4, retryAfterMany),
    each(8, retryAmongPending),
    each(8, retryAtOnce),
    each(8, refusedThenRight),
    each(6, farBehind),
    each(3, largeMessages),
    // It takes as long as some other programs together.
    each(1, largePage),
    ...(watch ? [each(12, watches), each(8, senderWatches)] : []),
    ...(watch && (rotate || revoke) ? [each(6, watchesOfALostInbox)] : []),
  );
}

/** Two Watches of an inbox, of which one closes. */
const watches = (on: Builder) => [
  on.watch,
  on.watch,
  on.send("new"),
  on.close,
  on.send("new"),
  fc.oneof(on.close, on.watch),
  on.send("new"),
  on.sync({}),
];

/** Two Watches of an inbox that loses its data, or whose token is revoked. */
const watchesOfALostInbox = (on: Builder) => [
  on.watch,
  on.send("new"),
  on.sync({}),
  on.watch,
  on.loss,
  on.send("new"),
  fc.oneof(on.loss, on.close, on.watch),
  on.send("new"),
];

/** A Watch of the sender, which ends before a retry. */
const senderWatches = (on: Builder) => [
  on.send("new"),
  on.watchOf(on.sender),
  on.send("new"),
  on.sync({}),
  on.closeOf(on.sender),
  fc.oneof(on.send("first"), on.send("repeat")),
  on.sync({}),
];

/** A retry of the first Send after everything that a server may do to its dedup record. */
const lateRetry = (on: Builder) => [
  on.send("new"),
  on.sync({}),
  on.sync({}),
  on.interlude,
  fc.oneof(on.interlude, on.send("new")),
  on.send("first"),
  on.sync({}),
];

/** The same after so many Sends that a server may have forgotten the first one in a crash. */
const retryAfterMany = (on: Builder) => [
  on.send("new"),
  on.many,
  fc.constant<Operation>({ kind: "restart" }),
  on.send("first"),
  on.send("repeat"),
  on.sync({}),
];

/** Retries while many messages are pending. */
const retryAmongPending = (on: Builder) => [
  on.burst(3, 16),
  on.send("new"),
  on.burst(3, 16),
  fc.oneof(on.send("repeat"), on.send("first")),
  fc.oneof(on.send("first"), on.send("reuse"), on.send("others")),
  on.sync({ pageSize: fc.integer({ min: 1, max: 4 }) }),
  fc.oneof(on.send("repeat"), on.send("first")),
  on.sync({}),
];

/** A Send, its retry and a Sync at once. */
const retryAtOnce = (on: Builder) => [
  on.send("new"),
  { atOnce: on.send("repeat") },
  { atOnce: fc.oneof(on.send("repeat"), on.send("others"), on.send("reuse")) },
  { atOnce: on.sync({}) },
];

/** Calls that are refused, each followed by a right one. */
const refusedThenRight = (on: Builder) => [
  on.wrong(on.sender),
  on.send("refused"),
  on.sync({ cursor: fc.constantFrom("ahead", "own"), epoch: fc.constantFrom("wrong", "own") }),
  on.send("new"),
  on.wrong(on.inbox),
  on.sync({}),
  on.send("refused"),
];

/** A device that is far behind, while another one fetches and acknowledges. */
const farBehind = (on: Builder) => [
  on.burst(8, 24),
  on.sync({ pageSize: fc.integer({ min: 1, max: 3 }) }),
  on.sync({ device: 1 }),
  on.send("new"),
  on.sync({ device: 1 }),
  on.burst(2, 6),
  on.sync({ pageSize: fc.integer({ min: 1, max: 3 }) }),
  on.sync({ device: 1, pageSize: fc.integer({ min: 1, max: 3 }) }),
  on.sync({ cursor: fc.constantFrom("own", "stale", "zero"), pageSize: fc.integer({ min: 0, max: 3 }) }),
];

/** Large messages, in several pages. */
const largeMessages = (on: Builder) => [
  on.largeBurst(1 << 20),
  on.sync({ pageSize: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20 })) }),
  on.send("new"),
  on.sync({}),
  on.sync({ cursor: fc.constantFrom("own", "stale") }),
];

/** More than fits into one page. */
const largePage = (on: Builder) => [on.largeBurst(PAGE_BYTES), on.sync({}), on.send("new")];

interface SyncChoices {
  device?: number;
  cursor?: fc.Arbitrary<Of<"sync">["cursor"]>;
  epoch?: fc.Arbitrary<Of<"sync">["epoch"]>;
  pageSize?: fc.Arbitrary<number>;
}

/** Makes the operations of a scenario on one inbox, with one sender. */
class Builder {
  readonly inbox: number;
  readonly sender: number;
  readonly #parts: ScenarioParts;

  constructor(parts: ScenarioParts, inbox: number, sender: number) {
    this.#parts = parts;
    this.inbox = inbox;
    this.sender = sender;
  }

  /** Makes the steps. Most run one after another, and without a network fault. */
  sequence(parts: readonly (Operations | AtOnce)[]): fc.Arbitrary<Step[]> {
    const { fault, look } = this.#parts;
    const usually = fc.oneof(
      { withCrossShrink: true },
      { weight: 8, arbitrary: fc.constant("after" as const) },
      { weight: 1, arbitrary: fc.constantFrom("together" as const, "in-turn" as const) },
    );
    const steps = parts.map((part) =>
      droppable(
        9,
        fc.record({
          operation: "atOnce" in part ? part.atOnce : part,
          fault: fc.oneof({ weight: 4, arbitrary: fc.constant("none" as const) }, { weight: 1, arbitrary: fault }),
          begins:
            "atOnce" in part ? fc.constantFrom("after" as const, "together" as const, "together" as const) : usually,
          look,
        }),
      ),
    );
    return fc.tuple(...steps).map((list) => list.filter((step) => step !== undefined));
  }

  send(id: Of<"send">["id"]): Operations {
    const { size, codec } = this.#parts;
    const { inbox: to, sender: from } = this;
    return fc.record({
      kind: fc.constant("send"),
      from: fc.constant(from),
      to: fc.constant(to),
      id: fc.constant(id),
      size,
      codec,
    });
  }

  burst(min: number, max: number): Operations {
    return this.#burst(fc.integer({ min, max }), fc.nat(Math.min(8, this.#parts.maxBytes)));
  }

  /** Messages of the largest size, up to this sum of their sizes. */
  largeBurst(bytes: number): Operations {
    const { maxBytes } = this.#parts;
    const count = Math.max(2, Math.min(MAX_MESSAGES, Math.ceil(bytes / (maxBytes + 1))));
    return this.#burst(fc.constant(count), fc.constantFrom(maxBytes, Math.max(0, maxBytes - 1)));
  }

  #burst(count: fc.Arbitrary<number>, size: fc.Arbitrary<number>): Operations {
    const { codec } = this.#parts;
    const { inbox: to, sender: from } = this;
    return fc.record({ kind: fc.constant("burst"), from: fc.constant(from), to: fc.constant(to), count, size, codec });
  }

  sync({
    device = 0,
    cursor = fc.constant("own"),
    epoch = fc.constantFrom("own", "own", "none"),
    pageSize = fc.constant(0),
  }: SyncChoices): Operations {
    return fc.record({
      kind: fc.constant("sync"),
      account: fc.constant(this.inbox),
      device: fc.constant(Math.min(device, this.#parts.devices - 1)),
      cursor,
      epoch,
      pageSize,
      store: fc.constant(true),
      codec: this.#parts.codec,
    });
  }

  wrong(account: number): Operations {
    const { wrongCalls, codec } = this.#parts;
    return fc.record({
      kind: fc.constant("wrong"),
      account: fc.constant(account),
      call: fc.constantFrom(...wrongCalls),
      codec,
    });
  }

  get watch(): Operations {
    return this.watchOf(this.inbox);
  }

  watchOf(account: number): Operations {
    return fc.record({ kind: fc.constant("watch"), account: fc.constant(account), codec: this.#parts.codec });
  }

  get close(): Operations {
    return this.closeOf(this.inbox);
  }

  closeOf(account: number): Operations {
    const which = fc.constantFrom("oldest" as const, "newest" as const);
    return fc.record({ kind: fc.constant("close-watch"), account: fc.constant(account), which });
  }

  /** A loss of the inbox's data, or the revocation of its token. */
  get loss(): Operations {
    const { rotate, revoke } = this.#parts;
    const account = this.inbox;
    return fc.oneof(
      ...(rotate ? [{ weight: 2, arbitrary: fc.constant<Operation>({ kind: "rotate", account }) }] : []),
      ...(revoke ? [{ weight: 1, arbitrary: fc.constant<Operation>({ kind: "revoke", account }) }] : []),
    );
  }

  /** Many small messages. */
  get many(): Operations {
    return this.#burst(fc.integer({ min: 30, max: 60 }), fc.constant(0));
  }

  /** What may come between a Send and its retry. */
  get interlude(): Operations {
    const { rotate } = this.#parts;
    const { inbox: account } = this;
    return fc.oneof(
      { weight: 3, arbitrary: fc.constant<Operation>({ kind: "restart" }) },
      { weight: 2, arbitrary: this.burst(2, 12) },
      { weight: 2, arbitrary: this.sync({ device: 1 }) },
      ...(rotate ? [{ weight: 2, arbitrary: fc.constant<Operation>({ kind: "rotate", account }) }] : []),
    );
  }
}

/** A value that is left out once in `weight` + 1 times, and if it is not needed. */
export const droppable = <T>(weight: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ withCrossShrink: true }, { weight: 1, arbitrary: fc.constant(undefined) }, { weight, arbitrary });
