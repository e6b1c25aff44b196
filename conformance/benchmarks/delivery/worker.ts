import { answer } from "../child.js";
import { Application } from "./application.js";
import { Link } from "./link.js";
import { fill, receiveAll } from "./mqtt.js";
import { fetchAll } from "./seqsync.js";

export interface Delivery {
  port: number;
  count: number;
  rttMs: number;
  loss: number;
  seed: number;
  /** Of an account of a Seq Sync server, and how many messages a page has at most; or the name of a client of a broker. */
  device: { token: string; pageSize: number } | { clientId: string; window: number | undefined };
}

export interface Delivered {
  /** Until the application had the last message. */
  ms: number;
  bytes: number;
  connections: number;
  lost: number;
  doubled: number;
}

answer({
  fill,
  /** Lets one device come back over a bad network, and fetch what it missed. */
  async deliver({ port, count, rttMs, loss, seed, device }: Delivery): Promise<Delivered> {
    const link = new Link({ port, rttMs, loss, seed });
    await link.open();
    const application = new Application(count);
    let doubled = 0;
    try {
      if ("token" in device) await fetchAll(link.port, device.token, device.pageSize, application);
      else doubled = await receiveAll(link.port, device, application);
    } finally {
      link.close();
    }
    if (!application.complete) throw new Error("not everything came");
    const { bytesUp, bytesDown, connections, lost } = link;
    return { ms: application.ms, bytes: bytesUp + bytesDown, connections, lost, doubled };
  },
});
