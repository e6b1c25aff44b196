import { connect, connectAsync, type IClientOptions } from "mqtt";
import { type Application, numberOf, payloadOf } from "./application.js";

/** Without a window of its own the client leaves it to the broker: Mosquitto 2.0 begins with 20, and soon sends many more. */
const session = (clientId: string, window?: number): IClientOptions => ({
  clientId,
  protocolVersion: 5,
  clean: false,
  resubscribe: false,
  properties: { sessionExpiryInterval: 3600, ...(window === undefined ? {} : { receiveMaximum: window }) },
  connectTimeout: 600_000,
  keepalive: 0,
  reconnectPeriod: 1, // at once, as the others do; 0 would be never
});

/** Makes a device known to the broker, lets it go away, and publishes so many messages to it with QoS 1. */
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
 * The device comes back to its session, and the broker pushes what it holds. QoS 1 may deliver twice, so the application is kept
 * from that by the messages' numbers. Answers how often that was needed. Resolves once the last message is acknowledged.
 */
export async function receiveAll(
  port: number,
  { clientId, window }: { clientId: string; window: number | undefined },
  application: Application,
): Promise<number> {
  const client = connect(`mqtt://127.0.0.1:${port}`, session(clientId, window));
  let next = 0;
  let doubled = 0;
  await new Promise<void>((resolve, reject) => {
    client.on("error", () => {}); // it connects again by itself
    client.on("message", (_topic, payload) => {
      if (numberOf(payload) < next) {
        doubled += 1;
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
  return doubled;
}
