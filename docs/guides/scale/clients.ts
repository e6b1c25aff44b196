import { Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import type { Gateway, Outcome, Respond, SendPath } from "./gateway.js";
import type { History, Letter } from "./history.js";
import type { Network } from "./network.js";
import type { Timeline } from "./timeline.js";

/** Deadline of an attempt, and minimum delay before the next, in virtual milliseconds. */
const DEADLINE = 35;
const BACKOFF = 25;
const MAX_ATTEMPTS = 6;

/** The parts of a simulation that all clients share. */
export interface World {
  timeline: Timeline;
  history: History;
  network: Network;
  send: SendPath;
  random: () => number;
  /** Returns a random gateway. */
  gateway: () => Gateway;
}

/** Runs one attempt; `settle` gets its outcome, or undefined if there was no response before the deadline. */
function attempt({ timeline, network }: World, run: (respond: Respond) => void, settle: (it?: Outcome) => void): void {
  let open = true;
  const end = (outcome?: Outcome) => {
    if (!open) return;
    open = false;
    settle(outcome);
  };
  run((outcome) => network.hop(() => end(outcome)));
  timeline.after(DEADLINE, () => end());
}

/** Sends a letter. Retries until its outcome is known or there are no attempts left. */
export function post(world: World, letter: Letter, attempts = MAX_ATTEMPTS): void {
  const { timeline, history, random } = world;
  const op = history.send(letter.senderId, letter);
  attempt(
    world,
    (respond) => world.send(world.gateway(), letter, respond),
    (outcome) => {
      if (outcome?.kind === "accepted") history.accepted(op, outcome.acceptedAt);
      else if (outcome?.kind === "refused") history.refused(op, outcome.refusal);
      else {
        history.noResponse(op, outcome === undefined ? "deadline exceeded" : "unavailable");
        if (attempts > 1) timeline.after(BACKOFF * (1 + random()), () => post(world, letter, attempts - 1));
      }
    },
  );
}

/** A device of a user. It satisfies the requirements for clients. */
export class Device {
  readonly #world: World;
  readonly #userId: string;
  readonly #name: string;
  #cliSeq = 0;
  #epoch = "";
  /** Whether a Sync is in flight or scheduled. */
  #syncing = false;

  constructor(world: World, userId: string, name: string) {
    this.#world = world;
    this.#userId = userId;
    this.#name = name;
  }

  /** Fetches until there is nothing new. Stops after `attempts` failures. */
  wake(attempts = 4): void {
    if (this.#syncing) return;
    this.#syncing = true;
    this.#fetch(attempts);
  }

  /**
   * Sends an extra Sync and ignores its response: repeated, with an old cli_seq, without an epoch, or ahead of svr_seq.
   */
  stray(): void {
    const { random } = this.#world;
    const kind = Math.floor(random() * 4);
    const cliSeq = [this.#cliSeq, Math.max(0, this.#cliSeq - 2), 0, this.#cliSeq + 40][kind] as number;
    this.#call(cliSeq, kind === 2 ? "" : this.#epoch, () => {});
  }

  #fetch(attempts: number): void {
    const { timeline, random } = this.#world;
    const sentEpoch = this.#epoch;
    this.#call(this.#cliSeq, sentEpoch, (outcome) => {
      if (outcome?.kind === "page") {
        const { epoch, nextCliSeq } = outcome.page;
        const more = nextCliSeq > this.#cliSeq || sentEpoch === "";
        this.#cliSeq = sentEpoch === epoch ? Math.max(this.#cliSeq, nextCliSeq) : nextCliSeq;
        this.#epoch = epoch;
        if (more) timeline.after(1 + 10 * random(), () => this.#fetch(attempts));
        else this.#syncing = false;
        return;
      }
      const detail = outcome?.kind === "refused" ? outcome.refusal.detail : undefined;
      if (detail?.reason === Reason.EPOCH_MISMATCH || detail?.reason === Reason.CLI_SEQ_AHEAD) {
        this.#cliSeq = 0;
        this.#epoch = detail.epoch;
      }
      if (attempts > 1) timeline.after(BACKOFF * (1 + random()), () => this.#fetch(attempts - 1));
      else this.#syncing = false;
    });
  }

  #call(cliSeq: number, epoch: string, settle: (outcome?: Outcome) => void): void {
    const { history, random } = this.#world;
    const pageSize = Math.floor(random() * 4) * 3;
    const op = history.sync(this.#name, this.#userId, { cliSeq, epoch, pageSize });
    attempt(
      this.#world,
      (respond) => this.#world.gateway().sync(this.#userId, cliSeq, epoch, pageSize, respond),
      (outcome) => {
        if (outcome?.kind === "page") history.page(op, outcome.page);
        else if (outcome?.kind === "refused") history.refused(op, outcome.refusal);
        else history.noResponse(op, outcome === undefined ? "deadline exceeded" : "unavailable");
        settle(outcome);
      },
    );
  }
}
