import type { DeliveryResult } from "./worker.js";

/** A method of delivery. */
export interface DeliveryMethod {
  name: string;
  /** Maximum number of messages for each round trip, to estimate the duration. */
  perRoundTrip: number;
  /** `page_size` of Seq Sync; undefined for MQTT. */
  pageSize?: number;
  /** Maximum number of messages in flight for MQTT; undefined for the default of the broker. */
  window?: number;
}

export const METHODS = {
  seqsync: { name: "Seq Sync, pages of 1,000", perRoundTrip: 1000, pageSize: 1000 },
  large: { name: "Seq Sync, pages of 10,000", perRoundTrip: 10_000, pageSize: 10_000 },
  single: { name: "an ack for each message, same transport", perRoundTrip: 1, pageSize: 1 },
  mqtt: { name: "MQTT QoS 1, Mosquitto's defaults", perRoundTrip: 10_000 },
  window: { name: "MQTT QoS 1, window of 10,000", perRoundTrip: 10_000, window: 10_000 },
} satisfies Record<string, DeliveryMethod>;

/** A measuring point: the delivery of a backlog by one method on one network. */
export interface Point {
  method: DeliveryMethod;
  /** Number of messages in the backlog. */
  count: number;
  rttMs: number;
  /** Share of lost responses, from 0 to 1. */
  loss: number;
  /**
   * The deliveries of each round, with different losses: with few responses, a single delivery is not representative.
   */
  rounds: DeliveryResult[][];
  /** Number of messages that are delivered; less than `count` if all messages would take too long. */
  measured: number;
}
