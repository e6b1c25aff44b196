import type { Delivered } from "./worker.js";

/** One way to deliver. */
export interface Way {
  name: string;
  /** Messages that one round trip brings at most, to foresee how long it takes. */
  perRoundTrip: number;
  /** Of Seq Sync; without one it is MQTT. */
  pageSize?: number;
  /** Messages in flight that the MQTT client asks for; without one it is the broker's choice. */
  window?: number;
}

export const WAYS = {
  seqsync: { name: "Seq Sync, pages of 1,000", perRoundTrip: 1000, pageSize: 1000 },
  large: { name: "Seq Sync, pages of 10,000", perRoundTrip: 10_000, pageSize: 10_000 },
  single: { name: "an ack for each message, same transport", perRoundTrip: 1, pageSize: 1 },
  mqtt: { name: "MQTT QoS 1, Mosquitto's defaults", perRoundTrip: 10_000 },
  window: { name: "MQTT QoS 1, window of 10,000", perRoundTrip: 10_000, window: 10_000 },
} satisfies Record<string, Way>;

/** One point: how long a backlog takes on a network of a kind. */
export interface Point {
  way: Way;
  count: number;
  rttMs: number;
  loss: number;
  /** Each has several deliveries, with other losses: one alone would be luck where there are few answers. */
  rounds: Delivered[][];
  /** How many messages were really sent, where all would have taken too long. */
  measured: number;
}
