import type { ServerResponse } from "node:http";
import type { WatchResponse } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { rpcOf, wrapWatch } from "../interceptors.js";
import type { Mutant } from "../mutant.js";
import { repeatWhen } from "./shared.js";

const kind = "times";

/** Mutants whose Watches are wrong only after a while, or while traffic does not pause. */
export const watchTimes: readonly Mutant[] = [
  {
    name: "time-watch-silent-for-30-s",
    breaks: "WATCH-WAKE",
    about: "reports no change any more on a Watch without one for 30 seconds, and repeats its last frame",
    seenIn: "girder/girder#3828",
    kind,
    operations: wrapWatch((stream) => {
      let changedAt = Date.now();
      let state = "";
      let dead = false;
      const repeating = repeatWhen(stream, () => dead);
      return {
        ...repeating,
        write: (frame) => {
          const next = `${frame.epoch} ${frame.svrSeq}`;
          if (next !== state && state !== "" && Date.now() - changedAt > 30_000) dead = true;
          if (next !== state) changedAt = Date.now();
          state = next;
          return repeating.write(frame);
        },
      };
    }),
  },
  {
    name: "time-watch-listens-for-40-s",
    breaks: "WATCH-WAKE",
    about: "reports changes for the first 40 seconds of a Watch, and then repeats its last frame",
    seenIn: "brianc/node-postgres#967",
    kind,
    operations: wrapWatch((stream) => {
      const openedAt = Date.now();
      return repeatWhen(stream, () => Date.now() - openedAt > 40_000);
    }),
  },
  {
    name: "time-watch-waits-for-a-pause",
    breaks: "WATCH-WAKE",
    about: "reports changes once there was none for 400 ms, so that steady traffic wakes nobody",
    seenIn: "slorber/awesome-debounce-promise#22",
    kind,
    operations: wrapWatch((stream) => {
      let first = true;
      let timer: NodeJS.Timeout | undefined;
      stream.onClose(() => clearTimeout(timer));
      return {
        ...stream,
        write: (frame) => {
          if (first) {
            first = false;
            return stream.write(frame);
          }
          clearTimeout(timer);
          timer = setTimeout(() => stream.write(frame), 400).unref();
          return true;
        },
      };
    }),
  },
  {
    name: "time-watch-backs-off",
    breaks: "WATCH-WAKE",
    about: "sends at most one frame every ten seconds once a Watch is 20 seconds old",
    kind,
    operations: wrapWatch((stream) => {
      const openedAt = Date.now();
      let writtenAt = 0;
      let waiting: WatchResponse | undefined;
      let timer: NodeJS.Timeout | undefined;
      stream.onClose(() => clearTimeout(timer));
      const write = (frame: WatchResponse) => {
        writtenAt = Date.now();
        return stream.write(frame);
      };
      return {
        ...stream,
        write: (frame) => {
          if (Date.now() - openedAt < 20_000) return write(frame);
          const wait = writtenAt + 10_000 - Date.now();
          if (wait <= 0 && waiting === undefined) return write(frame);
          if (waiting === undefined)
            timer = setTimeout(() => {
              const newest = waiting;
              waiting = undefined;
              if (newest !== undefined) write(newest);
            }, wait).unref();
          waiting = frame;
          return true;
        },
      };
    }),
  },
  {
    name: "time-heartbeat-of-the-first-frame",
    breaks: "WATCH-MONOTONE",
    about: "repeats the first frame of a Watch as its heartbeat, whatever came in between",
    kind,
    // The server's own heartbeats report the current state; these are additional ones.
    operations: wrapWatch((stream) => {
      let heartbeat: NodeJS.Timeout | undefined;
      stream.onClose(() => clearInterval(heartbeat));
      return {
        ...stream,
        write: (frame) => {
          heartbeat ??= setInterval(() => stream.write(frame), 25_000).unref();
          return stream.write(frame);
        },
      };
    }),
  },
  {
    name: "time-heartbeats-slow-down",
    breaks: "WATCH-HEARTBEAT",
    about: "doubles the interval between heartbeats each time, from five seconds on",
    kind,
    options: { heartbeatMs: 5000 },
    operations: wrapWatch((stream) => {
      let state = "";
      let intervalMs = 5000;
      let writtenAt = 0;
      return {
        ...stream,
        write: (frame) => {
          const next = `${frame.epoch} ${frame.svrSeq}`;
          // Timers may fire a little early.
          if (next === state && Date.now() - writtenAt < intervalMs - 100) return true;
          if (next === state) intervalMs *= 2;
          state = next;
          writtenAt = Date.now();
          return stream.write(frame);
        },
      };
    }),
  },
  {
    name: "time-watch-cut-at-35-s",
    breaks: "WATCH-END",
    about: "closes the connection of each Watch after 35 seconds without an end-of-stream message",
    seenIn: "mpetazzoni/sse.js#28",
    kind,
    handler: (real) => (req, res: ServerResponse) => {
      if (rpcOf(req) === "Watch") {
        const timer = setTimeout(() => res.destroy(), 35_000).unref();
        res.on("close", () => clearTimeout(timer));
      }
      return real(req, res);
    },
  },
  {
    name: "time-old-watch-survives-a-revocation",
    breaks: "AUTH-REVOKED-WATCH",
    about: "does not end a Watch that has been open for 8 seconds when its credential is revoked",
    seenIn: "mattermost/mattermost#7981",
    kind,
    operations: (real) => ({
      watch: (service, caller, stream) => {
        const { watchers } = caller.account;
        const before = new Set(watchers);
        const opened = Date.now();
        real.watch(service, caller, stream);
        const watcher = [...watchers].find((it) => !before.has(it));
        if (watcher === undefined) return;
        const { revoked } = watcher;
        Object.assign(watcher, { revoked: () => (Date.now() - opened < 8000 ? revoked.call(watcher) : undefined) });
      },
    }),
  },
];
