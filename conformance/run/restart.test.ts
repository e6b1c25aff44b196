import { afterEach, expect, test } from "vitest";
import { createHandler, listen, Service } from "../../reference-server/index.js";
import { Transport } from "../transport/http.js";
import { restartAndWait } from "./restart.js";

const service = new Service();
const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** A front end that can be stopped, and started again on the same port. */
async function frontEnd() {
  let listening = await listen(createHandler(service), { port: 0 });
  const { url } = listening;
  const stop = () => listening.close(0);
  const start = async () => {
    listening = await listen(createHandler(service), { port: Number(new URL(url).port) });
  };
  cleanUps.push(stop);
  return { url, stop, start };
}

function transportTo(...frontEnds: readonly { url: string }[]): Transport {
  const transport = new Transport({ urls: frontEnds.map(({ url }) => url) });
  cleanUps.push(() => transport.close());
  return transport;
}

const options = { timeoutScale: 1, signal: new AbortController().signal };

test("waits until each front end responds, also if the command ends before", async () => {
  const [first, second] = [await frontEnd(), await frontEnd()];
  let isStarted = false;
  const restart = async () => {
    await Promise.all([first.stop(), second.stop()]);
    await first.start();
    setTimeout(async () => {
      await second.start();
      isStarted = true;
    }, 150);
  };
  await restartAndWait(restart, transportTo(first, second), options)();
  expect(isStarted).toBe(true);
});

test("names the front end that does not come back", async () => {
  const [first, second] = [await frontEnd(), await frontEnd()];
  const restarting = restartAndWait(second.stop, transportTo(first, second), { ...options, startMs: 50 });
  await expect(restarting()).rejects.toThrow(
    `the server did not come back within 0.05 s after its restart: ${second.url} cannot be reached`,
  );
});

test("rejects with the error of the command", async () => {
  const server = await frontEnd();
  const failing = async () => {
    throw new Error("the restart command ended with exit code 1");
  };
  await expect(restartAndWait(failing, transportTo(server), options)()).rejects.toThrow(/exit code 1$/);
});
