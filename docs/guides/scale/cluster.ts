import type { Design } from "./design.js";
import type { History } from "./history.js";
import { forgetAck, newInbox, skipSection } from "./inboxes.js";
import { keyOf, Shard } from "./shard.js";
import type { Timeline } from "./timeline.js";

/** For how long an owner may answer after it last heard from the placement table, and how much longer a successor waits. */
const LEASE = 40;
const MARGIN = 5;
/** How long it takes to bring a shard to another owner, or to start one again, which is longer than clients wait. */
const TRANSFER = 15;
const RESTART = 40;

/** An owner's time with a shard. Calls name it, so that what was meant for one term never meets another. */
export class Tenure {
  readonly shard: number;
  /** Higher than those of all owners of the shard before. */
  readonly term: number;
  readonly data: Shard;
  /** Crashed, or handed over in order: this owner knows that it is none any more. */
  stopped = false;
  /** Finite once the owner is cut off from the placement table. */
  leaseEnds = Number.POSITIVE_INFINITY;
  /** What it knows of the Sends by its users is not complete. */
  recovering = false;
  #attempts = 0;

  constructor(shard: number, term: number, data: Shard) {
    this.shard = shard;
    this.term = term;
    this.data = data;
  }

  /** A number above all that owners of this shard have given to intents before, also those that nobody knows of any more. */
  nextAttempt(): number {
    this.#attempts += 1;
    return this.term * 1_000_000 + this.#attempts;
  }
}

/** What befell the shards. */
export interface Disturbances {
  handedOver: number;
  takenOver: number;
  crashes: number;
  losses: number;
}

/** The inboxes that a loss concerns and that have no new epoch yet, and how to say that they have one. */
type Losses = Map<string, () => void>;

/** The shards, the table that says who owns each, and what can befall them. */
export class Cluster {
  readonly counts: Disturbances = { handedOver: 0, takenOver: 0, crashes: 0, losses: 0 };
  readonly design: Design;
  readonly #timeline: Timeline;
  readonly #history: History;
  /** The placement table: it is consistent, and who asks it hears of the latest owner. */
  readonly #owners: Tenure[];
  /** Shards whose owner is changing just now. */
  readonly #changing = new Set<number>();
  readonly #shardOf = new Map<string, number>();
  /** Losses that are not made good everywhere yet. */
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

  /** Whom the placement table names. */
  owner(shard: number): Tenure {
    const tenure = this.#owners[shard];
    if (tenure === undefined) throw new Error(`there is no shard ${shard}`);
    return tenure;
  }

  /** Whether this owner takes a call now: the fence. It is asked at the moment of the effect, not when the call comes in. */
  serves({ stopped, leaseEnds }: Tenure): boolean {
    return !stopped && (this.#timeline.now < leaseEnds || this.design.flaw === "no-fence");
  }

  /** The owner stops, its data goes to another, which begins. Nothing is lost, so no epoch changes. */
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
   * The owner is cut off from the placement table, though not from its callers. What it answered is in the replicas; another
   * takes over from them once the old one's lease is surely over.
   */
  takeOver(shard: number): void {
    const old = this.#begin(shard);
    if (old === undefined) return;
    this.counts.takenOver += 1;
    old.leaseEnds = this.#timeline.now + LEASE;
    this.#timeline.after(LEASE + MARGIN, () => this.#succeed(old, this.#moved(old.data)));
  }

  /** The owner crashes and starts again, with all that it answered. */
  crash(shard: number): void {
    const old = this.#begin(shard);
    if (old === undefined) return;
    this.counts.crashes += 1;
    old.stopped = true;
    this.#timeline.after(RESTART, () => {
      const data = old.data.copy(this.design);
      if (this.design.flaw === "sections") for (const inbox of data.inboxes.values()) skipSection(inbox);
      this.#succeed(old, data);
    });
  }

  /** The owner crashes and starts again from what was on its disk some time ago. */
  crashWithLoss(shard: number, age: number): void {
    const seen = this.owner(shard);
    const disk = seen.data.copy(this.design);
    this.#timeline.after(age, () => {
      // Of two losses of one inbox at the same time a history cannot say which epoch belongs to which.
      const overlaps = this.design.placement === "transaction" && this.#recoveries > 0;
      const old = overlaps || this.owner(shard) !== seen ? undefined : this.#begin(shard);
      if (old === undefined) return;
      this.counts.losses += 1;
      old.stopped = true;
      if (this.design.flaw === "loss-untold") this.#restartSilently(old, disk);
      else this.#restartRenewed(old, disk);
    });
  }

  #restartSilently(old: Tenure, disk: Shard): void {
    const ends = [...old.data.inboxes]
      .filter(([user, { svrSeq, ackedSeq }]) => {
        const kept = disk.inbox(user);
        return kept.svrSeq !== svrSeq || kept.ackedSeq !== ackedSeq;
      })
      .map(([user]) => this.#history.loses(user));
    this.#timeline.after(RESTART, () => {
      for (const end of ends) end();
      this.#succeed(old, disk);
    });
  }

  /**
   * What is missing cannot be told, so each inbox of the shard gets a new epoch. What the shard knew of its own users' Sends is
   * missing too, and that concerns inboxes elsewhere: they are visited before the shard takes a Send by its users again.
   */
  #restartRenewed(old: Tenure, disk: Shard): void {
    const { flaw, placement } = this.design;
    const forgetful = flaw === "intents-lost" || flaw === "records-lost" || placement === "recipient";
    // With the records of acked messages gone, nothing says which inboxes the Sends went to: it may be any.
    const elsewhere = placement === "transaction" && !forgetful ? this.#owners : [];
    this.#recoveries += 1;
    const losses: Losses = new Map();
    for (const { data } of [old, ...elsewhere.filter((it) => it !== old)]) {
      for (const user of data.inboxes.keys()) losses.set(user, this.#history.loses(user));
    }
    this.#timeline.after(RESTART, () => {
      this.#renew(disk, losses);
      disk.forgetSends();
      const next = this.#succeed(old, disk);
      if (forgetful) {
        this.#recoveries -= 1;
        return;
      }
      next.recovering = true;
      this.#visit(next, 0, losses);
    });
  }

  /** Visits one shard after the other on behalf of one that has lost what it knew of its users' Sends. */
  #visit(visitor: Tenure, shard: number, losses: Losses): void {
    if (this.owner(visitor.shard) !== visitor) {
      // It was replaced meanwhile, and its successor has the same gap.
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
    const again = () => this.#timeline.after(5, () => this.#visit(visitor, shard, losses));
    if (this.design.placement === "intent") {
      if (!this.serves(host) || !this.serves(visitor)) again();
      else {
        this.#gather(visitor, host);
        next(3);
      }
    } else if (![...host.data.inboxes.keys()].some((user) => losses.has(user))) next(0);
    else if (this.#reopen(host, losses)) next(RESTART);
    else again();
  }

  /** Closes a shard while its inboxes get new epochs, so that no call is under way across the change. */
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

  /** The records beside the inboxes tell what the lost intents were for; those that have none must not come any more. */
  #gather(visitor: Tenure, host: Tenure): void {
    host.data.oldestTerm.set(visitor.shard, visitor.term);
    for (const { senderId, recipientId, clientMessageId, digest, attempt, acceptedAt } of host.data.taken.values()) {
      if (this.shardOf(senderId) !== visitor.shard) continue;
      const intent = { recipientId, digest, attempt, since: acceptedAt };
      visitor.data.intents.set(keyOf(senderId, clientMessageId), intent);
    }
  }

  /** Each inbox that this loss concerns gets a new epoch, once. */
  #renew({ inboxes }: Shard, losses: Losses): void {
    for (const [user, inbox] of inboxes) {
      const end = losses.get(user);
      if (end === undefined) continue;
      inbox.rotate(this.#newEpoch());
      end();
      losses.delete(user);
    }
  }

  /** Undefined while the shard's owner is changing already. */
  #begin(shard: number): Tenure | undefined {
    if (this.#changing.has(shard)) return undefined;
    this.#changing.add(shard);
    return this.owner(shard);
  }

  #moved(from: Shard): Shard {
    const { flaw } = this.design;
    const data = from.copy(this.design);
    if (flaw === "records-stay") data.forgetSends();
    for (const inbox of data.inboxes.values()) {
      if (flaw === "acks-stay") forgetAck(inbox);
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
