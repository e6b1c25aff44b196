import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import { HistoryBuilder, type Shown } from "./history-builder.js";

/** A message as the model keeps it. */
interface Stored extends Shown {
  from: string;
  text: string;
  at: number;
}

/** The specification's model of one inbox, written once more for the judge's sake: nothing here is shared with any server. */
export class ModelInbox {
  epoch = 1;
  svr = 0;
  ack = 0;
  messages: Stored[] = [];
  /** By sender and id. */
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
    if (epoch !== "" && epoch !== this.name()) return Reason.EPOCH_MISMATCH;
    if (cli > this.svr) return Reason.CLI_SEQ_AHEAD;
    this.acknowledge(cli);
    return { acked: this.ack, svr: this.svr, page: this.page(size), epoch: this.name() };
  }

  acknowledge(cli: number): void {
    this.ack = Math.max(this.ack, cli);
  }

  page(size: number): Stored[] {
    const from = this.messages.filter(({ seq }) => seq > this.ack);
    return size === 0 ? from : from.slice(0, size);
  }

  rotate(): void {
    this.epoch += 1;
    this.svr = 0;
    this.ack = 0;
    this.messages = [];
    this.sent.clear();
  }

  name(): string {
    return `e${this.epoch}`;
  }
}

/** A call that is under way: what it does at its moment, and how it is then answered. */
interface UnderWay {
  /** Undefined once it has happened. */
  effect: (() => () => void) | undefined;
  answer: (() => void) | undefined;
  lose: () => void;
  told: boolean;
}

/**
 * Plays random clients against a model and writes down what they see. Each number of `choices` decides one thing that happens:
 * a call begins, a call under way has its effect, is answered, or its answer is lost.
 */
export function simulate(choices: readonly number[], inbox: ModelInbox, faults: boolean): HistoryBuilder {
  const story = new HistoryBuilder().open("bob", 0).open("alice", 0).open("carol", 0);
  const calls: UnderWay[] = [];
  const devices = [0, 1].map(() => ({ cli: 0, epoch: "" }));
  let ids = 0;
  let clock = 100;
  let last: { from: string; id: string; text: string } | undefined;

  const begin = (effect: () => () => void, lose: () => void) =>
    calls.push({ effect, answer: undefined, lose, told: false });

  const beginSend = (choice: number) => {
    const again = choice % 4 === 0 ? last : undefined;
    if (again === undefined) ids += 1;
    const message = again ?? { from: choice % 3 === 0 ? "carol" : "alice", id: `m${ids}`, text: `text ${choice % 5}` };
    last = message;
    const op = story.send(message.id, { from: message.from, text: message.text });
    begin(() => {
      clock += 1;
      const result = inbox.send(message.from, message.id, message.text, clock);
      return () => (typeof result === "number" ? op.refused(result) : op.ok(result.at));
    }, op.lost);
  };

  const beginSync = (choice: number) => {
    const device = devices[choice % 2] as (typeof devices)[0];
    const cli = [device.cli, device.cli, 0, Math.max(0, device.cli - 1), device.cli + 50][choice % 5] as number;
    const epoch = choice % 7 === 0 ? "" : device.epoch;
    const size = choice % 4;
    const op = story.sync(cli, { client: `device ${choice % 2}`, epoch, pageSize: size });
    begin(() => {
      const result = inbox.sync(cli, epoch, size);
      if (typeof result === "number") {
        const state = { svrSeq: inbox.svr, epoch: inbox.name() };
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
    }, op.lost);
  };

  const happen = (call: UnderWay) => {
    if (call.effect === undefined) return;
    call.answer = call.effect();
    call.effect = undefined;
  };
  const tell = (call: UnderWay) => {
    if (call.told) return;
    happen(call);
    call.told = true;
    call.answer?.();
  };

  for (const choice of choices) {
    const what = choice % 16;
    const rest = Math.floor(choice / 16);
    const call = calls[rest % Math.max(calls.length, 1)];
    if (what < 4) beginSend(rest);
    else if (what < 8) beginSync(rest);
    else if (what < 10 && call !== undefined) happen(call);
    else if (what < 13 && call !== undefined) tell(call);
    else if (what === 13 && faults && call !== undefined && !call.told) {
      // Lost, before its effect or after it; what has not happened yet may still happen, late.
      call.told = true;
      call.lose();
    } else if (what === 14 && faults && rest % 5 === 0) {
      // A loss lies between calls here: those that are under way are answered first.
      for (const open of calls) tell(open);
      inbox.rotate();
      story.rotate();
    } else if (call !== undefined) tell(call);
  }
  for (const call of calls) tell(call);
  // Somebody fetches all that is left.
  const rest = inbox.sync(0, "", 0);
  if (typeof rest !== "number")
    story.sync(0, { client: "last device" }).page(rest.acked, rest.svr, rest.page, { epoch: rest.epoch });
  return story;
}
