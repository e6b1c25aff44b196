import {
  ALL,
  check,
  MESSAGES_EACH,
  type PageRange,
  type Parts,
  range,
  SENDERS,
  Server,
  type ServerState,
} from "./server.js";

/**
 * The state of a small system: two senders with two messages each, a recipient with two devices, and a network with all
 * faults.
 *
 * The network keeps every request and may deliver it at any time, any number of times or never. This covers loss,
 * delay, duplication and reordering. Two things need no state:
 *
 * - Late responses to a Send: the response never changes, so a late one is equivalent to a lost one and an immediate
 *   retry.
 * - Pending requests: a device may send a Sync at any time, so any cli_seq that a device ever had may arrive at any
 *   time.
 *
 * The response to a Sync changes with time, so each device has room for one response that it has not received yet.
 */
export interface State {
  readonly server: ServerState;
  /** For each sender, the number of messages that it knows to be accepted. It sends the next one only then. */
  readonly confirmed: readonly number[];
  readonly devices: readonly Device[];
  /** The highest seq up to which every message has been stored by some device. */
  readonly stored: number;
}

export interface Device {
  readonly cliSeq: number;
  readonly response?: PageRange;
}

const PAGE_SIZES = [1, 2];

export class SmallSystem {
  readonly #server: Server;
  readonly #drained = new Set<number>();
  readonly #stores: (response: PageRange) => PageRange;

  constructor({ stores = (response) => response, ...parts }: Parts = {}) {
    this.#server = new Server(parts);
    this.#stores = stores;
  }

  initial(): State {
    return { server: this.#server.initial(), confirmed: [0, 0], devices: [{ cliSeq: 0 }, { cliSeq: 0 }], stored: 0 };
  }

  /**
   * All possible next steps: the name, and a function that returns the next state. It throws a Violation if a response
   * is wrong.
   */
  *steps(state: State): Generator<[name: string, next: () => State]> {
    for (const [sender, confirmed] of state.confirmed.entries()) {
      for (let nr = 0; nr <= confirmed && nr < MESSAGES_EACH; nr += 1) {
        const name = `${SENDERS[sender]} sends m-${nr + 1}`;
        yield [`${name}, response lost`, () => ({ ...state, server: this.#server.send(state.server, sender, nr) })];
        if (nr === confirmed) yield [name, () => this.#send(state, sender)];
      }
    }
    for (let cliSeq = 0; cliSeq <= state.stored; cliSeq += 1) {
      const next = () => ({ ...state, server: this.#server.sync(state.server, cliSeq, ALL).state });
      yield [`Sync(${cliSeq}), response lost`, next];
    }
    for (const [index, device] of state.devices.entries()) {
      const name = `a device at ${device.cliSeq}`;
      for (const size of PAGE_SIZES) {
        yield [`${name} requests ${size}`, () => this.#request(state, index, device.cliSeq, size)];
      }
      if (device.response !== undefined)
        yield [`${name} receives its response`, () => this.#deliver(state, index, device.response as PageRange)];
      if (device.cliSeq > 0) yield [`${name} loses its data`, () => withDevice(state, index, { cliSeq: 0 })];
    }
  }

  /** Checks what must hold in every state, and that everything is delivered if from now on nothing is lost. */
  inspect(state: State): void {
    const { acked } = state.server;
    check(
      "nothing lost",
      acked <= state.stored,
      () => `seq ${acked} is acked, but only ${state.stored} messages are stored`,
    );
    for (const server of [state.server, this.#sendAll(state)]) {
      for (const { cliSeq } of state.devices) {
        // Once for each state of the server: what a device receives depends on nothing else.
        const seen = this.#drained.size;
        if (this.#drained.add(server.nr * 100 + cliSeq).size === seen) continue;
        const received = this.#drain(server, cliSeq);
        const expected = range(Math.max(cliSeq, server.acked), server.log.length);
        const details = () =>
          `a device at ${cliSeq} of ${server.log.length} receives [${received}] instead of [${expected}]`;
        check("everything delivered", String(received) === String(expected), details);
      }
    }
  }

  /** A message is accepted, and its sender receives the response. */
  #send(state: State, sender: number): State {
    const server = this.#server.send(state.server, sender, state.confirmed[sender] as number);
    return {
      ...state,
      server,
      confirmed: state.confirmed.map((count, index) => (index === sender ? count + 1 : count)),
    };
  }

  /**
   * The server processes the Sync of a device. The response replaces an earlier one that the device has not received.
   */
  #request(state: State, index: number, cliSeq: number, pageSize: number): State {
    const { state: server, response } = this.#server.sync(state.server, cliSeq, pageSize);
    return withDevice({ ...state, server }, index, { cliSeq, response });
  }

  /** The senders send their remaining messages. */
  #sendAll(start: State): ServerState {
    let state = start;
    for (const sender of SENDERS.keys()) {
      while ((state.confirmed[sender] as number) < MESSAGES_EACH) state = this.#send(state, sender);
    }
    return state.server;
  }

  /** The seqs that a device receives until there are no more: at most one page for each message, and a closing Sync. */
  #drain(start: ServerState, from: number): number[] {
    const received: number[] = [];
    let [server, cliSeq] = [start, from];
    for (let turn = 0; turn <= start.log.length; turn += 1) {
      const { state, response } = this.#server.sync(server, cliSeq, 1);
      received.push(...range(response.base, response.next));
      [server, cliSeq] = [state, response.next];
    }
    return received;
  }

  /** The device stores the messages, and then its cli_seq. */
  #deliver(state: State, index: number, response: PageRange): State {
    const after = withDevice(state, index, { cliSeq: response.next });
    const { base, next } = this.#stores(response);
    return base <= state.stored && next > state.stored ? { ...after, stored: next } : after;
  }
}

/** Replaces a device. The devices are interchangeable, so sorting them halves the number of states. */
function withDevice(state: State, index: number, device: Device): State {
  const other = state.devices[1 - index] as Device;
  return { ...state, devices: weight(device) < weight(other) ? [device, other] : [other, device] };
}

const weight = ({ cliSeq, response }: Device) =>
  cliSeq * 1000 + (response === undefined ? 0 : 1 + response.base * 10 + response.next);

/** A key that identifies a state. */
export function keyOf({ server, confirmed, devices, stored }: State): string {
  return `${server.nr}|${confirmed}|${devices.map(weight)}|${stored}`;
}
