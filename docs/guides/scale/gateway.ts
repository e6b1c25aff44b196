import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { Refusal } from "../../../reference-server/errors.js";
import type { Page } from "../../../reference-server/inbox.js";
import type { Cluster, Tenure } from "./cluster.js";
import type { Letter } from "./history.js";
import type { Network } from "./network.js";

/** What a call comes to. `busy` is "try again": nobody knows what of it has happened. */
export type Outcome =
  | { kind: "accepted"; acceptedAt: Timestamp }
  | { kind: "page"; page: Page }
  | { kind: "refused"; refusal: Refusal }
  | { kind: "busy" };

export type Answer = (outcome: Outcome) => void;

/** How a Send goes over the shards. */
export type SendPath = (gateway: Gateway, letter: Letter, answer: Answer) => void;

/** How often a gateway asks the placement table although it believes to know. */
const REFRESH = 0.1;

/** Where clients come in. It knows who owns which shard, or thinks so: what it remembers may be over. */
export class Gateway {
  readonly cluster: Cluster;
  readonly network: Network;
  readonly #random: () => number;
  readonly #routes = new Map<number, Tenure>();

  constructor(cluster: Cluster, network: Network, random: () => number) {
    this.cluster = cluster;
    this.network = network;
    this.#random = random;
  }

  sync(userId: string, cliSeq: number, epoch: string, pageSize: number, answer: Answer): void {
    this.call(this.route(userId), answer, ({ data }) => {
      answer({ kind: "page", page: data.inbox(userId).sync(cliSeq, epoch, pageSize) });
    });
  }

  /** The owner of a user's shard, as far as this gateway knows. */
  route(userId: string): Tenure {
    const shard = this.cluster.shardOf(userId);
    const known = this.#routes.get(shard);
    if (known !== undefined && this.#random() >= REFRESH) return known;
    const tenure = this.cluster.owner(shard);
    this.#routes.set(shard, tenure);
    return tenure;
  }

  /** Does something at an owner, if it is one when the call arrives; the fence is part of the step. */
  call(tenure: Tenure, answer: Answer, step: (tenure: Tenure) => void): void {
    this.network.hop(() => this.at(tenure, answer, step));
  }

  /** The same without a way: within a step that is at another owner at the same moment. */
  at(tenure: Tenure, answer: Answer, step: (tenure: Tenure) => void): void {
    if (!this.cluster.serves(tenure)) {
      this.#routes.delete(tenure.shard);
      answer({ kind: "busy" });
      return;
    }
    try {
      step(tenure);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      answer({ kind: "refused", refusal: error });
    }
  }
}
