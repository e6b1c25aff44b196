import type { Design } from "./design.js";
import type { History } from "./history.js";
import { loseAck, newInbox, skipBlock } from "./inboxes.js";
import { keyOf, Shard } from "./shard.js";
import type { Timeline } from "./timeline.js";

/**
 * Time for which an owner may serve after its last contact with the placement table, and the extra wait of a successor.
 */
const LEASE = 40;
const MARGIN = 5;
/** Duration of moving a shard to another owner, and of a restart, which exceeds the deadline of clients. */
const TRANSFER = 15;
const RESTART = 40;

/** The ownership of a shard during one term. Calls name it, so that a call for one term never reaches another. */
export class Tenure {
  readonly shard: number;
  /** Higher than the terms of all previous owners of the shard. */
  readonly term: number;
  readonly data: Shard;
  /** Whether the owner has crashed, or knows that it has handed over the shard. */
  stopped = false;
  /** Virtual time at which the lease ends: finite once the owner is cut off from the placement table. */
  leaseEnds = Number.POSITIVE_INFINITY;
  /** Whether the shard has lost records of the Sends by its users, and has not recovered them yet. */
  recovering = false;
  #attempts = 0;

  constructor(shard: number, term: number, data: Shard) {
    this.shard = shard;
    this.term = term;
    this.data = data;
  }

  /** Returns an attempt number above those of all earlier intents of this shard, including lost ones. */
  nextAttempt(): number {
    this.#attempts += 1;
    return this.term * 1_000_000 + this.#attempts;
  }
}

/** Number of events of each kind that disturbed the shards. */
export interface Disturbances {
  handedOver: number;
  takenOver: number;
  crashes: number;
  losses: number;
}

/**
 * Inboxes that a loss affects and that have no new epoch yet. Each function records the end of the loss of its inbox.
 */
type Losses = Map<string, () => void>;

/** The shards, the placement table with their owners, and the events that disturb them. */
export class Cluster {
  readonly counts: Disturbances = { handedOver: 0, takenOver: 0, crashes: 0, losses: 0 };
  readonly design: Design;
  readonly #timeline: Timeline;
  readonly #history: History;
  /** The placement table. It is consistent: it always names the latest owner. */
  readonly #owners: Tenure[];
  /** Shards whose owner is changing. */
  readonly #changing = new Set<number>();
  readonly #shardOf = new Map<string, number>();
  /** Losses whose recovery is not complete. */
  #recoveries = 0;
  #epochs = 0;

  constructor(design: Design, timeline: Timeline, history: History, users: readonly string[], shards: number) {
    this.design = design;
    this.#timeline = timeline;
    this.#history = history;
    this.#owners = Array.from({ length: shards }, (_, shard) => new Tenure(shard, 1, new Shard()));
    for (const [index, user] of users.entries()) {
      this.#shardOf.set(user, index % shards);
      this.owner(index % shards).data.inboxes.set(user, newInbox(design, this.#newEpoch()));
    }
  }

  get shards(): number {
    return this.#owners.length;
  }

  shardOf(userId: string): number {
    const shard = this.#shardOf.get(userId);
    if (shard === undefined) throw new Error(`there is no user ${userId}`);
    return shard;
  }

  /** The owner according to the placement table. */
  owner(shard: number): Tenure {
    const tenure = this.#owners[shard];
    if (tenure === undefined) throw new Error(`there is no shard ${shard}`);
    return tenure;
  }

  /**
   * Whether this owner may serve a call now: the fence. Checked at the moment of the effect, not when the call arrives.
   */
  serves({ stopped, leaseEnds }: Tenure): boolean {
    return !stopped && (this.#timeline.now < leaseEnds || this.design.flaw === "no-fence");
  }

  /** Stops the owner, and moves its data to another owner. Nothing is lost, so no epoch changes. */
  handOver(shard: number): void {
    const old = this.#begin(shard);
    if (old === undefined) return;
    this.counts.handedOver += 1;
    const early = this.design.flaw === "early-copy" ? old.data.copy(this.design) : undefined;
    if (early === undefined) old.stopped = true;
    this.#timeline.after(TRANSFER, () => {
      old.stopped = true;
      this.#succeed(old, this.#moved(early ?? old.data));
    });
  }

  /**
   * Cuts the owner off from the placement table, but not from its callers. The replicas have everything that the owner
   * confirmed. Another owner takes over with their data once the old lease has certainly expired.
   */
  takeOver(shard: number): void {
    const old = this.#begin(shard);
    if (old === undefined) return;
    this.counts.takenOver += 1;
    old.leaseEnds = this.#timeline.now + LEASE;
    this.#timeline.after(LEASE + MARGIN, () => this.#succeed(old, this.#moved(old.data)));
  }

  /** Crashes the owner, and restarts it with everything that it confirmed. */
  crash(shard: number): void {
    const old = this.#begin(shard);
    if (old === undefined) return;
    this.counts.crashes += 1;
    old.stopped = true;
    this.#timeline.after(RESTART, () => {
      const data = old.data.copy(this.design);
      if (this.design.flaw === "seq-blocks") for (const inbox of data.inboxes.values()) skipBlock(inbox);
      this.#succeed(old, data);
    });
  }

  /** Crashes the owner, and restarts it from an outdated copy. `age` is in virtual milliseconds. */
  crashWithLoss(shard: number, age: number): void {
    const seen = this.owner(shard);
    const disk = seen.data.copy(this.design);
    this.#timeline.after(age, () => {
      // If two losses of one inbox overlapped, the history could not state which of them ended with a new epoch.
      const overlaps = this.design.placement === "transaction" && this.#recoveries > 0;
      const old = overlaps || this.owner(shard) !== seen ? undefined : this.#begin(shard);
      if (old === undefined) return;
      this.counts.losses += 1;
      old.stopped = true;
      if (this.design.flaw === "loss-hidden") this.#restartSilently(old, disk);
      else this.#restartRenewed(old, disk);
    });
  }

  #restartSilently(old: Tenure, disk: Shard): void {
    const ends = [...old.data.inboxes]
      .filter(([user, { svrSeq, ackedSeq }]) => {
        const kept = disk.inbox(user);
        return kept.svrSeq !== svrSeq || kept.ackedSeq !== ackedSeq;
      })
      .map(([user]) => this.#history.beginLoss(user));
    this.#timeline.after(RESTART, () => {
      for (const end of ends) end();
      this.#succeed(old, disk);
    });
  }

  /**
   * Restarts with new epochs. The missing data is not known, so each inbox of the shard gets a new epoch. Records of
   * Sends by the shard's own users may be missing too, which affects inboxes in other shards: the shard visits these
   * before it accepts a Send by its users.
   */
  #restartRenewed(old: Tenure, disk: Shard): void {
    const { flaw, placement } = this.design;
    const skipsRecovery = flaw === "intents-lost" || flaw === "records-lost" || placement === "recipient";
    // Records of acked messages are lost, so the recipients of those Sends are not known: any inbox may be affected.
    const elsewhere = placement === "transaction" && !skipsRecovery ? this.#owners : [];
    this.#recoveries += 1;
    const losses: Losses = new Map();
    for (const { data } of [old, ...elsewhere.filter((it) => it !== old)]) {
      for (const user of data.inboxes.keys()) losses.set(user, this.#history.beginLoss(user));
    }
    this.#timeline.after(RESTART, () => {
      this.#renew(disk, losses);
      disk.dropSends();
      const next = this.#succeed(old, disk);
      if (skipsRecovery) {
        this.#recoveries -= 1;
        return;
      }
      next.recovering = true;
      this.#visit(next, 0, losses);
    });
  }

  /** Visits all shards, one after the other, on behalf of a shard that has lost its records of Sends by its users. */
  #visit(visitor: Tenure, shard: number, losses: Losses): void {
    if (this.owner(visitor.shard) !== visitor) {
      // The visitor was replaced meanwhile, and its successor lacks the same records.
      const successor = this.owner(visitor.shard);
      successor.recovering = true;
      this.#timeline.after(1, () => this.#visit(successor, 0, losses));
      return;
    }
    if (shard === this.shards) {
      visitor.recovering = false;
      this.#recoveries -= 1;
      return;
    }
    const host = this.owner(shard);
    const next = (delay: number) => this.#timeline.after(delay, () => this.#visit(visitor, shard + 1, losses));
    const retry = () => this.#timeline.after(5, () => this.#visit(visitor, shard, losses));
    if (this.design.placement === "intent") {
      if (!this.serves(host) || !this.serves(visitor)) retry();
      else {
        this.#gather(visitor, host);
        next(3);
      }
    } else if (![...host.data.inboxes.keys()].some((user) => losses.has(user))) next(0);
    else if (this.#reopen(host, losses)) next(RESTART);
    else retry();
  }

  /** Stops a shard while its inboxes get new epochs, so that no call spans the change. */
  #reopen({ shard }: Tenure, losses: Losses): boolean {
    const old = this.#begin(shard);
    if (old === undefined) return false;
    old.stopped = true;
    this.#timeline.after(RESTART, () => {
      const data = old.data.copy(this.design);
      this.#renew(data, losses);
      this.#succeed(old, data);
    });
    return true;
  }

  /**
   * Restores the lost intents from the records at the recipients. From now on the host rejects appends of earlier
   * terms.
   */
  #gather(visitor: Tenure, host: Tenure): void {
    host.data.oldestTerm.set(visitor.shard, visitor.term);
    for (const { senderId, recipientId, clientMessageId, digest, attempt, acceptedAt } of host.data.taken.values()) {
      if (this.shardOf(senderId) !== visitor.shard) continue;
      const intent = { recipientId, digest, attempt, since: acceptedAt };
      visitor.data.intents.set(keyOf(senderId, clientMessageId), intent);
    }
  }

  /** Gives each inbox that this loss affects a new epoch, once. */
  #renew({ inboxes }: Shard, losses: Losses): void {
    for (const [user, inbox] of inboxes) {
      const end = losses.get(user);
      if (end === undefined) continue;
      inbox.rotate(this.#newEpoch());
      end();
      losses.delete(user);
    }
  }

  /** Begins a change of the owner. Returns the old owner; undefined if a change is in progress. */
  #begin(shard: number): Tenure | undefined {
    if (this.#changing.has(shard)) return undefined;
    this.#changing.add(shard);
    return this.owner(shard);
  }

  #moved(from: Shard): Shard {
    const { flaw } = this.design;
    const data = from.copy(this.design);
    if (flaw === "records-stay") data.dropSends();
    for (const inbox of data.inboxes.values()) {
      if (flaw === "acks-stay") loseAck(inbox);
      if (flaw === "epoch-of-owner") inbox.epoch = this.#newEpoch();
    }
    return data;
  }

  #succeed(old: Tenure, data: Shard): Tenure {
    const next = new Tenure(old.shard, old.term + 1, data);
    next.recovering = old.recovering;
    this.#owners[old.shard] = next;
    this.#changing.delete(old.shard);
    return next;
  }

  #newEpoch(): string {
    this.#epochs += 1;
    return `epoch ${this.#epochs}`;
  }
}
