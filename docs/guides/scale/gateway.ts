import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { Refusal } from "../../../reference-server/errors.js";
import type { Page } from "../../../reference-server/inbox.js";
import type { Cluster, Tenure } from "./cluster.js";
import type { Letter } from "./history.js";
import type { Network } from "./network.js";

/** Outcome of a call. After `retryable` it is indeterminate whether the call took effect. */
export type Outcome =
  | { kind: "accepted"; acceptedAt: Timestamp }
  | { kind: "page"; page: Page }
  | { kind: "refused"; refusal: Refusal }
  | { kind: "retryable" };

export type Respond = (outcome: Outcome) => void;

/** How a Send is carried out by the shards. */
export type SendPath = (gateway: Gateway, letter: Letter, respond: Respond) => void;

/** Probability that a gateway refreshes a route that it has cached. */
const REFRESH = 0.1;

/** Receives the calls of clients. Its cached routes from shard to owner may be outdated. */
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

  sync(userId: string, cliSeq: number, epoch: string, pageSize: number, respond: Respond): void {
    this.call(this.route(userId), respond, ({ data }) => {
      respond({ kind: "page", page: data.inbox(userId).sync(cliSeq, epoch, pageSize) });
    });
  }

  /** Returns the owner of a user's shard, possibly an outdated one. */
  route(userId: string): Tenure {
    const shard = this.cluster.shardOf(userId);
    const known = this.#routes.get(shard);
    if (known !== undefined && this.#random() >= REFRESH) return known;
    const tenure = this.cluster.owner(shard);
    this.#routes.set(shard, tenure);
    return tenure;
  }

  /** Sends a call to an owner, which runs the step if it may still serve when the call arrives. */
  call(tenure: Tenure, respond: Respond, step: (tenure: Tenure) => void): void {
    this.network.hop(() => this.at(tenure, respond, step));
  }

  /** Runs a step at an owner without a network hop, within a step that runs at another owner at the same moment. */
  at(tenure: Tenure, respond: Respond, step: (tenure: Tenure) => void): void {
    if (!this.cluster.serves(tenure)) {
      this.#routes.delete(tenure.shard);
      respond({ kind: "retryable" });
      return;
    }
    try {
      step(tenure);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      respond({ kind: "refused", refusal: error });
    }
  }
}
