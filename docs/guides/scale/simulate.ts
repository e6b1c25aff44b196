import type { Finding } from "../../../conformance/findings.js";
import { Judge } from "../../../conformance/judge/judge.js";
import { seeded } from "../../../conformance/random.js";
import { Device, post, type World } from "./clients.js";
import { Cluster, type Disturbances } from "./cluster.js";
import type { Design } from "./design.js";
import { Gateway } from "./gateway.js";
import { History, type Letter } from "./history.js";
import { LIMITS } from "./inboxes.js";
import { Network } from "./network.js";
import { sendPath } from "./send.js";
import { Timeline } from "./timeline.js";

const USERS = Array.from({ length: 10 }, (_, index) => `user ${index}`);
const SHARDS = 4;
const GATEWAYS = 3;
/** Times until which the clients are active, and at which all their calls have ended, in virtual milliseconds. */
const ACTIVE_MS = 1000;
const END_MS = 2500;
const LETTERS = 90;
const WAKES = 70;
const DISTURBANCES = 8;
/** Skew of the load: the k-th most popular user receives 1/k^1.2 of the first one's messages. */
const SKEW = 1.2;

/** Result of one seed. */
export interface Run extends Disturbances {
  operations: number;
  events: number;
  /** Number of letters to the hottest inbox. */
  hottest: number;
  /** Number of letters to all inboxes. */
  letters: number;
  findings: readonly Finding[];
}

/** Runs one seed against a design, and judges the history of its clients. */
export function simulate(design: Design, seed: number): Run {
  const timeline = new Timeline();
  const history = new History(timeline, LIMITS.maxPageSize);
  const cluster = new Cluster(design, timeline, history, USERS, SHARDS);
  const network = new Network(timeline, seeded(seed, "network"));
  const choose = seeded(seed, "gateway");
  const gateways = Array.from(
    { length: GATEWAYS },
    (_, index) => new Gateway(cluster, network, seeded(seed, `routes ${index}`)),
  );
  const world: World = {
    timeline,
    history,
    network,
    send: sendPath(design.placement, timeline),
    random: seeded(seed, "clients"),
    gateway: () => pick(gateways, choose),
  };
  for (const user of USERS) history.opened(user);
  const letters = planLetters(world, seeded(seed, "letters"));
  planWakes(world, seeded(seed, "wakes"));
  planDisturbances(timeline, cluster, seeded(seed, "disturbances"));
  // At the end a new device of each user fetches the remaining messages, so that the judge sees all of them.
  timeline.after(END_MS, () => {
    for (const user of USERS) new Device(world, user, `${user}'s last device`).wake(50);
  });
  timeline.run();

  const judge = new Judge();
  for (const event of history.events) judge.observe(event);
  const toHottest = letters.filter(({ recipientId }) => recipientId === USERS[0]);
  return {
    ...cluster.counts,
    operations: history.operations,
    events: history.events.length,
    hottest: toHottest.length,
    letters: letters.length,
    findings: judge.finish(),
  };
}

/** Schedules new letters, retries and duplicates, and letters with a reused id, which no correct client sends. */
function planLetters(world: World, random: () => number): Letter[] {
  const popular = zipf(USERS, random);
  const letters: Letter[] = [];
  const old: Letter[] = [];
  for (let index = 0; index < LETTERS; index += 1) {
    const at = ACTIVE_MS * (index / LETTERS);
    // The last letter is probably still in flight.
    const earlier = random() < 0.3 ? (random() < 0.4 ? old.at(-1) : pick(old, random)) : undefined;
    const letter: Letter =
      earlier === undefined
        ? {
            senderId: pick(USERS, random),
            recipientId: popular(),
            clientMessageId: `id ${index}`,
            payload: Buffer.from(`text ${index}`),
          }
        : random() < 0.5
          ? earlier
          : { ...earlier, recipientId: popular(), payload: random() < 0.7 ? earlier.payload : Buffer.from("other") };
    if (earlier === undefined) old.push(letter);
    letters.push(letter);
    const times = random() < 0.1 ? 2 : 1;
    for (let time = 0; time < times; time += 1) world.timeline.after(at + 10 * random(), () => post(world, letter));
  }
  return letters;
}

function planWakes(world: World, random: () => number): void {
  const devices = USERS.flatMap((user) =>
    [0, 1].map((it) => ({ user, device: new Device(world, user, `${user}/${it}`) })),
  );
  const popular = zipf(devices, random);
  for (let index = 0; index < WAKES; index += 1) {
    const { device } = random() < 0.7 ? popular() : pick(devices, random);
    const stray = random() < 0.15;
    world.timeline.after(ACTIVE_MS * random(), () => (stray ? device.stray() : device.wake()));
  }
}

function planDisturbances(timeline: Timeline, cluster: Cluster, random: () => number): void {
  for (let index = 0; index < DISTURBANCES; index += 1) {
    const shard = Math.floor(random() * cluster.shards);
    const draw = random();
    timeline.after(ACTIVE_MS * random(), () => {
      if (draw < 0.35) cluster.handOver(shard);
      else if (draw < 0.65) cluster.takeOver(shard);
      else if (draw < 0.85) cluster.crash(shard);
      else cluster.crashWithLoss(shard, 60 * random());
    });
  }
}

function pick<T>(from: readonly T[], random: () => number): T {
  return from[Math.floor(random() * from.length)] as T;
}

/** Picks the first elements far more often than the last ones. */
function zipf<T>(from: readonly T[], random: () => number): () => T {
  const weights = from.map((_, index) => 1 / (index + 1) ** SKEW);
  const whole = weights.reduce((sum, it) => sum + it, 0);
  return () => {
    let left = random() * whole;
    for (const [index, one] of from.entries()) {
      left -= weights[index] as number;
      if (left < 0) return one;
    }
    return from[0] as T;
  };
}
