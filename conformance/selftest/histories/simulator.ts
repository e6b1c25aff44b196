import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { HistoryBuilder, type PageMessage } from "./history-builder.js";

/** A message in the model. */
interface Stored extends PageMessage {
  from: string;
  text: string;
  at: number;
}

/**
 * A model of one inbox, written from the specification. It shares no code with any server, so it is an independent
 * oracle.
 */
export class ModelInbox {
  epoch = 1;
  svr = 0;
  ack = 0;
  messages: Stored[] = [];
  /** Accepted messages by sender and id. */
  readonly sent = new Map<string, Stored>();

  send(from: string, id: string, text: string, at: number): { at: number } | Reason {
    const before = this.sent.get(`${from} ${id}`);
    if (before !== undefined) return before.text === text ? { at: before.at } : Reason.CLIENT_MESSAGE_ID_REUSED;
    this.svr += 1;
    const stored = { seq: this.svr, id, from, text, at };
    this.messages.push(stored);
    this.sent.set(`${from} ${id}`, stored);
    return { at };
  }

  sync(
    cli: number,
    epoch: string,
    size: number,
  ): { acked: number; svr: number; page: Stored[]; epoch: string } | Reason {
    if (epoch !== "" && epoch !== this.epochName()) return Reason.EPOCH_MISMATCH;
    if (cli > this.svr) return Reason.CLI_SEQ_AHEAD;
    this.acknowledge(cli);
    return { acked: this.ack, svr: this.svr, page: this.page(size), epoch: this.epochName() };
  }

  acknowledge(cli: number): void {
    this.ack = Math.max(this.ack, cli);
  }

  page(size: number): Stored[] {
    const pending = this.messages.filter(({ seq }) => seq > this.ack);
    return size === 0 ? pending : pending.slice(0, size);
  }

  rotate(): void {
    this.epoch += 1;
    this.svr = 0;
    this.ack = 0;
    this.messages = [];
    this.sent.clear();
  }

  epochName(): string {
    return `e${this.epoch}`;
  }
}

/** A pending call. */
interface PendingCall {
  /**
   * Applies the effect to the model, and returns a function that records the response. Undefined after it was applied.
   */
  apply: (() => () => void) | undefined;
  /** Records the response. Undefined before the effect was applied. */
  respond: (() => void) | undefined;
  recordNoResponse: () => void;
  /** Whether an outcome was recorded. */
  ended: boolean;
}

/**
 * Runs random clients against a model and records their history. Each number of `choices` decides one step: a call
 * begins, or a pending call takes effect, gets its response, or ends without a response.
 */
export function simulate(choices: readonly number[], inbox: ModelInbox, faults: boolean): HistoryBuilder {
  const history = new HistoryBuilder().openAccount("bob", 0).openAccount("alice", 0).openAccount("carol", 0);
  const calls: PendingCall[] = [];
  const devices = [0, 1].map(() => ({ cli: 0, epoch: "" }));
  let ids = 0;
  let clock = 100;
  let last: { from: string; id: string; text: string } | undefined;

  const begin = (apply: () => () => void, recordNoResponse: () => void) =>
    calls.push({ apply, respond: undefined, recordNoResponse, ended: false });

  const beginSend = (choice: number) => {
    const retried = choice % 4 === 0 ? last : undefined;
    if (retried === undefined) ids += 1;
    const message = retried ?? {
      from: choice % 3 === 0 ? "carol" : "alice",
      id: `m${ids}`,
      text: `text ${choice % 5}`,
    };
    last = message;
    const op = history.send(message.id, { from: message.from, text: message.text });
    begin(() => {
      clock += 1;
      const result = inbox.send(message.from, message.id, message.text, clock);
      return () => (typeof result === "number" ? op.refused(result) : op.ok(result.at));
    }, op.noResponse);
  };

  const beginSync = (choice: number) => {
    const device = devices[choice % 2] as (typeof devices)[0];
    const cli = [device.cli, device.cli, 0, Math.max(0, device.cli - 1), device.cli + 50][choice % 5] as number;
    const epoch = choice % 7 === 0 ? "" : device.epoch;
    const size = choice % 4;
    const op = history.sync(cli, { client: `device ${choice % 2}`, epoch, pageSize: size });
    begin(() => {
      const result = inbox.sync(cli, epoch, size);
      if (typeof result === "number") {
        const state = { svrSeq: inbox.svr, epoch: inbox.epochName() };
        return () => {
          op.refused(result, state);
          if (result === Reason.EPOCH_MISMATCH) Object.assign(device, { cli: 0, epoch: state.epoch });
        };
      }
      const { acked, svr, page } = result;
      const next = page.at(-1)?.seq ?? acked;
      return () => {
        op.page(acked, svr, page, { epoch: result.epoch });
        Object.assign(device, {
          cli: result.epoch === device.epoch ? Math.max(device.cli, next) : next,
          epoch: result.epoch,
        });
      };
    }, op.noResponse);
  };

  const takeEffect = (call: PendingCall) => {
    if (call.apply === undefined) return;
    call.respond = call.apply();
    call.apply = undefined;
  };
  const complete = (call: PendingCall) => {
    if (call.ended) return;
    takeEffect(call);
    call.ended = true;
    call.respond?.();
  };

  for (const choice of choices) {
    const step = choice % 16;
    const rest = Math.floor(choice / 16);
    const call = calls[rest % Math.max(calls.length, 1)];
    if (step < 4) beginSend(rest);
    else if (step < 8) beginSync(rest);
    else if (step < 10 && call !== undefined) takeEffect(call);
    else if (step < 13 && call !== undefined) complete(call);
    else if (step === 13 && faults && call !== undefined && !call.ended) {
      // The call gets no response. If it has not taken effect yet, it may still do so later.
      call.ended = true;
      call.recordNoResponse();
    } else if (step === 14 && faults && rest % 5 === 0) {
      // The pending calls are completed first, so that no call overlaps with the data loss.
      for (const pending of calls) complete(pending);
      inbox.rotate();
      history.rotate();
    } else if (call !== undefined) complete(call);
  }
  for (const call of calls) complete(call);
  // A last device fetches all pending messages.
  const rest = inbox.sync(0, "", 0);
  if (typeof rest !== "number")
    history.sync(0, { client: "last device" }).page(rest.acked, rest.svr, rest.page, { epoch: rest.epoch });
  return history;
}
