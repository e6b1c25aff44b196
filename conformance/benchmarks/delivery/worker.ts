import { serveMethods } from "../child.js";
import { Application } from "./application.js";
import { Link } from "./link.js";
import { fill, receiveAll } from "./mqtt.js";
import { fetchAll } from "./seqsync.js";

/** One delivery to one device over an unreliable network. */
export interface DeliveryRequest {
  /** Port of the server or the broker. */
  port: number;
  /** Number of messages in the backlog. */
  count: number;
  rttMs: number;
  /** Share of lost responses, from 0 to 1. */
  loss: number;
  seed: number;
  /** The account of a Seq Sync server, with its `page_size`; or the client of an MQTT broker. */
  device: { token: string; pageSize: number } | { clientId: string; window: number | undefined };
}

export interface DeliveryResult {
  /** Time until the application had the last message, in milliseconds. */
  ms: number;
  /** Bytes in both directions. */
  bytes: number;
  connections: number;
  /** Number of lost responses. */
  lost: number;
  /** Number of messages that the device received again and did not pass on to the application. */
  duplicates: number;
}

serveMethods({
  fill,
  /** Delivers the backlog of a device over an unreliable network. */
  async deliver({ port, count, rttMs, loss, seed, device }: DeliveryRequest): Promise<DeliveryResult> {
    const link = new Link({ port, rttMs, loss, seed });
    await link.open();
    const application = new Application(count);
    let duplicates = 0;
    try {
      if ("token" in device) await fetchAll(link.port, device.token, device.pageSize, application);
      else duplicates = await receiveAll(link.port, device, application);
    } finally {
      link.close();
    }
    if (!application.complete) throw new Error("the delivery is incomplete");
    const { bytesUp, bytesDown, connections, lost } = link;
    return { ms: application.ms, bytes: bytesUp + bytesDown, connections, lost, duplicates };
  },
});
