import {
  ALL,
  type Answer,
  check,
  MESSAGES_EACH,
  type Parts,
  range,
  SENDERS,
  Server,
  type ServerState,
} from "./server.js";

/**
 * A small system, whole: two senders with two messages each, to an account with two devices, over a network that may do anything.
 *
 * The network keeps every request for ever and may deliver it at any time, again and again or never. That is loss, delay, doubling
 * and overtaking in one. Two things need no state of their own:
 *
 * - A late answer to a Send: what it says never changes, so it is as if it was lost and a repetition was answered at once.
 * - The requests under way: a device may ask at any time, so any cursor that a device ever had may arrive at any time.
 *
 * An answer to a Sync does change with time. So a device has a place for the one that is on its way to it.
 */
export interface State {
  readonly server: ServerState;
  /** By sender: how many of its messages it knows to be accepted. It begins the next one only then. */
  readonly confirmed: readonly number[];
  readonly devices: readonly Device[];
  /** The highest seq up to which everything has been stored by one device or another. */
  readonly stored: number;
}

export interface Device {
  readonly cliSeq: number;
  readonly answer?: Answer;
}

const PAGE_SIZES = [1, 2];

export class SmallSystem {
  readonly #server: Server;
  readonly #drained = new Set<number>();
  readonly #stores: (answer: Answer) => Answer;

  constructor({ stores = (answer) => answer, ...parts }: Parts = {}) {
    this.#server = new Server(parts);
    this.#stores = stores;
  }

  initial(): State {
    return { server: this.#server.initial(), confirmed: [0, 0], devices: [{ cliSeq: 0 }, { cliSeq: 0 }], stored: 0 };
  }

  /** Everything that may happen next: its name, and the state after it. Throws a Violation where an answer is wrong. */
  *steps(state: State): Generator<[name: string, next: () => State]> {
    for (const [sender, confirmed] of state.confirmed.entries()) {
      for (let nr = 0; nr <= confirmed && nr < MESSAGES_EACH; nr += 1) {
        const name = `${SENDERS[sender]} sends m-${nr + 1}`;
        yield [`${name}, answer lost`, () => ({ ...state, server: this.#server.send(state.server, sender, nr) })];
        if (nr === confirmed) yield [name, () => this.#send(state, sender)];
      }
    }
    for (let cliSeq = 0; cliSeq <= state.stored; cliSeq += 1) {
      const next = () => ({ ...state, server: this.#server.sync(state.server, cliSeq, ALL).state });
      yield [`Sync(${cliSeq}), answer lost`, next];
    }
    for (const [index, device] of state.devices.entries()) {
      const name = `a device at ${device.cliSeq}`;
      for (const size of PAGE_SIZES) {
        yield [`${name} asks for ${size}`, () => this.#ask(state, index, device.cliSeq, size)];
      }
      if (device.answer !== undefined)
        yield [`${name} gets its answer`, () => this.#deliver(state, index, device.answer as Answer)];
      if (device.cliSeq > 0) yield [`${name} is set up anew`, () => withDevice(state, index, { cliSeq: 0 })];
    }
  }

  /** What must hold in every state, whatever happened before. From here on nothing gets lost: then all ends well. */
  inspect(state: State): void {
    const { acked } = state.server;
    check(
      "nothing lost",
      acked <= state.stored,
      () => `${acked} is acked, but only ${state.stored} messages were stored`,
    );
    for (const server of [state.server, this.#sendAll(state)]) {
      for (const { cliSeq } of state.devices) {
        // Checked once for each state of the server: what a device gets then depends on nothing else.
        const seen = this.#drained.size;
        if (this.#drained.add(server.nr * 100 + cliSeq).size === seen) continue;
        const got = this.#drain(server, cliSeq);
        const due = range(Math.max(cliSeq, server.acked), server.log.length);
        const about = () => `a device at ${cliSeq} of ${server.log.length} gets [${got}] where [${due}] was due`;
        check("everything comes", String(got) === String(due), about);
      }
    }
  }

  /** A message is accepted, and its sender hears of it. */
  #send(state: State, sender: number): State {
    const server = this.#server.send(state.server, sender, state.confirmed[sender] as number);
    return {
      ...state,
      server,
      confirmed: state.confirmed.map((count, index) => (index === sender ? count + 1 : count)),
    };
  }

  /** A device's Sync is answered, and the answer on its way. An older one that is still on its way is given up. */
  #ask(state: State, index: number, cliSeq: number, pageSize: number): State {
    const { state: server, answer } = this.#server.sync(state.server, cliSeq, pageSize);
    return withDevice({ ...state, server }, index, { cliSeq, answer });
  }

  /** The senders send what is left. */
  #sendAll(start: State): ServerState {
    let state = start;
    for (const sender of SENDERS.keys()) {
      while ((state.confirmed[sender] as number) < MESSAGES_EACH) state = this.#send(state, sender);
    }
    return state.server;
  }

  /** The seqs that a device gets until there are no more: at most one page for each message, and the closing Sync. */
  #drain(start: ServerState, from: number): number[] {
    const got: number[] = [];
    let [server, cliSeq] = [start, from];
    for (let turn = 0; turn <= start.log.length; turn += 1) {
      const { state, answer } = this.#server.sync(server, cliSeq, 1);
      got.push(...range(answer.base, answer.next));
      [server, cliSeq] = [state, answer.next];
    }
    return got;
  }

  /** The device stores the messages, and then where it stands. */
  #deliver(state: State, index: number, answer: Answer): State {
    const after = withDevice(state, index, { cliSeq: answer.next });
    const { base, next } = this.#stores(answer);
    return base <= state.stored && next > state.stored ? { ...after, stored: next } : after;
  }
}

/** Two devices are alike: which is the first does not matter, so half of the states are enough. */
function withDevice(state: State, index: number, device: Device): State {
  const other = state.devices[1 - index] as Device;
  return { ...state, devices: weight(device) < weight(other) ? [device, other] : [other, device] };
}

const weight = ({ cliSeq, answer }: Device) =>
  cliSeq * 1000 + (answer === undefined ? 0 : 1 + answer.base * 10 + answer.next);

/** All that a state consists of, as a key. */
export function keyOf({ server, confirmed, devices, stored }: State): string {
  return `${server.nr}|${confirmed}|${devices.map(weight)}|${stored}`;
}
