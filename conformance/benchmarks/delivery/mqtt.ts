import { connect, connectAsync, type IClientOptions } from "mqtt";
import { type Application, numberOf, payloadOf } from "./application.js";

/**
 * Options of a session. Without a window the broker limits the messages in flight: Mosquitto 2.0 begins with 20, and
 * raises this limit.
 */
const session = (clientId: string, window?: number): IClientOptions => ({
  clientId,
  protocolVersion: 5,
  clean: false,
  resubscribe: false,
  properties: { sessionExpiryInterval: 3600, ...(window === undefined ? {} : { receiveMaximum: window }) },
  connectTimeout: 600_000,
  keepalive: 0,
  reconnectPeriod: 1, // at once, as the other methods do; 0 means never
});

/** Registers a device with the broker, disconnects it, and publishes `count` messages to it with QoS 1. */
export async function fill(port: number, clientId: string, count: number): Promise<void> {
  const url = `mqtt://127.0.0.1:${port}`;
  const device = await connectAsync(url, session(clientId));
  await device.subscribeAsync(`to/${clientId}`, { qos: 1 });
  await device.endAsync();
  const publisher = await connectAsync(url, { protocolVersion: 5 });
  await Promise.all(
    Array.from({ length: count }, (_, nr) => publisher.publishAsync(`to/${clientId}`, payloadOf(nr), { qos: 1 })),
  );
  await publisher.endAsync();
}

/**
 * Resumes the session of a device, and receives all messages. QoS 1 may deliver duplicates, which the device removes by
 * the numbers of the messages. Resolves with the number of duplicates once the last message is acknowledged.
 */
export async function receiveAll(
  port: number,
  { clientId, window }: { clientId: string; window: number | undefined },
  application: Application,
): Promise<number> {
  const client = connect(`mqtt://127.0.0.1:${port}`, session(clientId, window));
  let next = 0;
  let duplicates = 0;
  await new Promise<void>((resolve, reject) => {
    client.on("error", () => {}); // the client reconnects by itself
    client.on("message", (_topic, payload) => {
      if (numberOf(payload) < next) {
        duplicates += 1;
        return;
      }
      try {
        application.receive(payload);
        next += 1;
      } catch (error) {
        reject(error);
      }
      if (application.complete) resolve();
    });
  });
  await client.endAsync();
  return duplicates;
}
