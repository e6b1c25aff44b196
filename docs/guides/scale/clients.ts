import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Answer, Gateway, Outcome, SendPath } from "./gateway.js";
import type { History, Letter } from "./history.js";
import type { Network } from "./network.js";
import type { Timeline } from "./timeline.js";

/** When a client gives an attempt up, and how long it waits before the next. */
const PATIENCE = 35;
const PAUSE = 25;
const MOST_ATTEMPTS = 6;

/** What clients share. */
export interface World {
  timeline: Timeline;
  history: History;
  network: Network;
  send: SendPath;
  random: () => number;
  /** Any of the gateways. */
  gateway: () => Gateway;
}

/** Runs one attempt; `settle` hears of its outcome, or of nothing where no answer came in time. */
function attempt({ timeline, network }: World, run: (answer: Answer) => void, settle: (it?: Outcome) => void): void {
  let open = true;
  const end = (outcome?: Outcome) => {
    if (!open) return;
    open = false;
    settle(outcome);
  };
  run((outcome) => network.hop(() => end(outcome)));
  timeline.after(PATIENCE, () => end());
}

/** Sends a letter, and repeats it until its outcome is known or patience is at its end. */
export function post(world: World, letter: Letter, attempts = MOST_ATTEMPTS): void {
  const { timeline, history, random } = world;
  const op = history.send(letter.senderId, letter);
  attempt(
    world,
    (answer) => world.send(world.gateway(), letter, answer),
    (outcome) => {
      if (outcome?.kind === "accepted") history.accepted(op, outcome.acceptedAt);
      else if (outcome?.kind === "refused") history.refused(op, outcome.refusal);
      else {
        history.lost(op, outcome === undefined ? "no answer in time" : "unavailable");
        if (attempts > 1) timeline.after(PAUSE * (1 + random()), () => post(world, letter, attempts - 1));
      }
    },
  );
}

/** A device of a user. It keeps what the specification obliges a client to keep. */
export class Device {
  readonly #world: World;
  readonly #userId: string;
  readonly #name: string;
  #cliSeq = 0;
  #epoch = "";
  /** One Sync is under way, and is followed by others. */
  #busy = false;

  constructor(world: World, userId: string, name: string) {
    this.#world = world;
    this.#userId = userId;
    this.#name = name;
  }

  /** Fetches until there is nothing new. At most `attempts` failures are put up with. */
  wake(attempts = 4): void {
    if (this.#busy) return;
    this.#busy = true;
    this.#fetch(attempts);
  }

  /** A call of its own, whose answer nobody looks at: late, old, without an epoch, or ahead of everything. */
  stray(): void {
    const { random } = this.#world;
    const kind = Math.floor(random() * 4);
    const cliSeq = [this.#cliSeq, Math.max(0, this.#cliSeq - 2), 0, this.#cliSeq + 40][kind] as number;
    this.#call(cliSeq, kind === 2 ? "" : this.#epoch, () => {});
  }

  #fetch(attempts: number): void {
    const { timeline, random } = this.#world;
    const asked = this.#epoch;
    this.#call(this.#cliSeq, asked, (outcome) => {
      if (outcome?.kind === "page") {
        const { epoch, nextCliSeq } = outcome.page;
        const more = nextCliSeq > this.#cliSeq || asked === "";
        this.#cliSeq = asked === epoch ? Math.max(this.#cliSeq, nextCliSeq) : nextCliSeq;
        this.#epoch = epoch;
        if (more) timeline.after(1 + 10 * random(), () => this.#fetch(attempts));
        else this.#busy = false;
        return;
      }
      const detail = outcome?.kind === "refused" ? outcome.refusal.detail : undefined;
      if (detail?.reason === Reason.EPOCH_MISMATCH || detail?.reason === Reason.CLI_SEQ_AHEAD) {
        this.#cliSeq = 0;
        this.#epoch = detail.epoch;
      }
      if (attempts > 1) timeline.after(PAUSE * (1 + random()), () => this.#fetch(attempts - 1));
      else this.#busy = false;
    });
  }

  #call(cliSeq: number, epoch: string, settle: (outcome?: Outcome) => void): void {
    const { history, random } = this.#world;
    const pageSize = Math.floor(random() * 4) * 3;
    const op = history.sync(this.#name, this.#userId, { cliSeq, epoch, pageSize });
    attempt(
      this.#world,
      (answer) => this.#world.gateway().sync(this.#userId, cliSeq, epoch, pageSize, answer),
      (outcome) => {
        if (outcome?.kind === "page") history.answered(op, outcome.page);
        else if (outcome?.kind === "refused") history.refused(op, outcome.refusal);
        else history.lost(op, outcome === undefined ? "no answer in time" : "unavailable");
        settle(outcome);
      },
    );
  }
}
