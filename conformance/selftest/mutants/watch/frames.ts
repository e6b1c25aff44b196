import { create } from "@bufbuild/protobuf";
import type { WatchResponse } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { WatchResponseSchema } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { Refusal } from "../../../../reference-server/errors.js";
import { ownerOf } from "../auth/credentials.js";
import { readAll, rpcOf, withBody, wrapWatch } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

/** Changes the frames of a Watch; undefined omits a frame. `nr` counts from 1. */
const mapFrames = (change: (frame: WatchResponse, nr: number) => WatchResponse | undefined) =>
  wrapWatch((stream) => {
    let nr = 0;
    return {
      ...stream,
      write: (frame) => {
        nr += 1;
        const changed = change(frame, nr);
        return changed === undefined || stream.write(changed);
      },
    };
  });

/** Content of an unknown field: a length of 262,144, and as many bytes. */
const PADDING = Buffer.concat([Buffer.from([0x80, 0x80, 0x10]), Buffer.alloc(1 << 18)]);

/** Mutants of the chapter "Watch": frames, notifications and open Watches. */
export const watchFrames: readonly Mutant[] = [
  {
    name: "watch-first-frame-on-event",
    breaks: "WATCH-FIRST",
    about: "sends the first frame only after the first change",
    operations: mapFrames((frame, nr) => (nr === 1 ? undefined : frame)),
  },
  {
    name: "watch-begins-at-zero",
    breaks: "WATCH-FIRST",
    about: "reports svr_seq 0 in the first frame, whatever the inbox contains",
    operations: mapFrames((frame, nr) => (nr === 1 ? { ...frame, svrSeq: 0 } : frame)),
  },
  {
    name: "watch-signed",
    breaks: "SEQ-UNSIGNED",
    about: "reports at most 2147483647 as svr_seq in frames",
    operations: mapFrames((frame) => ({ ...frame, svrSeq: Math.min(frame.svrSeq, 0x7fff_ffff) })),
  },
  {
    name: "watch-wakes-for-content-only",
    breaks: "WATCH-WAKE",
    about: "sends no frame for a message with an empty payload",
    operations: (real) => ({
      send: (service, caller, request) => {
        const recipient = service.accounts.get(request.recipientId);
        const watchers = request.payload.length === 0 ? [...(recipient?.watchers ?? [])] : [];
        for (const watcher of watchers) recipient?.watchers.delete(watcher);
        try {
          return real.send(service, caller, request);
        } finally {
          for (const watcher of watchers) recipient?.watchers.add(watcher);
        }
      },
    }),
  },
  {
    name: "watch-wakes-once",
    breaks: "WATCH-WAKE",
    about: "reports only the first change during a Watch",
    operations: mapFrames((frame, nr) => (nr > 2 ? undefined : frame)),
  },
  {
    name: "watch-wakes-when-empty",
    breaks: "WATCH-WAKE",
    about: "sends no frame for a message that arrives while others are pending",
    operations: wrapWatch((stream, { account }) => {
      let first = true;
      return {
        ...stream,
        write: (frame) => {
          if (!first && account.inbox.pending.size > 1) return true;
          first = false;
          return stream.write(frame);
        },
      };
    }),
  },
  {
    name: "watch-wakes-others-only",
    breaks: "WATCH-WAKE",
    about: "sends no frame for a message to the sender's own account",
    operations: (real) => ({
      send: (service, caller, request) => {
        if (request.recipientId !== caller.account.userId) return real.send(service, caller, request);
        const watchers = [...caller.account.watchers];
        caller.account.watchers.clear();
        try {
          return real.send(service, caller, request);
        } finally {
          for (const watcher of watchers) caller.account.watchers.add(watcher);
        }
      },
    }),
  },
  {
    name: "watch-wakes-late",
    breaks: "WATCH-WAKE-SOON",
    about: "sends a frame two seconds after the change",
    operations: wrapWatch((stream) => {
      let first = true;
      let over = false;
      stream.onClose(() => {
        over = true;
      });
      return {
        ...stream,
        write: (frame) => {
          if (first) {
            first = false;
            return stream.write(frame);
          }
          setTimeout(() => over || stream.write(frame), 2000).unref();
          return true;
        },
      };
    }),
  },
  {
    name: "watch-repeats-an-old-frame",
    breaks: "WATCH-MONOTONE",
    about: "repeats the previous frame after each change, as from a lagging replica",
    seenIn: "element-hq/synapse#17226",
    operations: wrapWatch((stream) => {
      let former: WatchResponse | undefined;
      return {
        ...stream,
        write: (frame) => {
          const ready = stream.write(frame);
          if (former?.epoch === frame.epoch) stream.write(former);
          former = frame;
          return ready;
        },
      };
    }),
  },
  {
    name: "watch-acks-what-it-tells",
    breaks: "WATCH-NO-ACK",
    about: "acks all messages that a frame covers",
    seenIn: "alberliu/gim#46",
    operations: wrapWatch((stream, { account }) => ({
      ...stream,
      write: (frame) => {
        account.inbox.sync(frame.svrSeq, "", 1);
        return stream.write(frame);
      },
    })),
  },
  {
    name: "watch-acks-when-it-opens",
    breaks: "WATCH-NO-ACK",
    about: "acks all delivered messages when a Watch opens",
    operations: (real) => {
      const delivered = new Map<string, number>();
      return {
        sync: (service, caller, request) => {
          const response = real.sync(service, caller, request);
          delivered.set(`${caller.account.userId} ${response.epoch}`, response.nextCliSeq);
          return response;
        },
        watch: (service, caller, stream) => {
          const { inbox, userId } = caller.account;
          inbox.sync(delivered.get(`${userId} ${inbox.epoch}`) ?? 0, "", 1);
          real.watch(service, caller, stream);
        },
      };
    },
  },
  {
    name: "watch-ahead-of-sync",
    breaks: "WATCH-SYNC",
    about: "reports an svr_seq in frames that is one too high",
    seenIn: "matrix-org/synapse#16473",
    operations: mapFrames((frame, nr) => (nr > 1 ? { ...frame, svrSeq: frame.svrSeq + 1 } : frame)),
  },
  {
    name: "watch-one-per-account",
    breaks: "WATCH-ALL",
    about: "stops notifying the earlier Watches of an account when another opens",
    operations: (real) => ({
      watch: (service, caller, stream) => {
        caller.account.watchers.clear();
        real.watch(service, caller, stream);
      },
    }),
  },
  {
    name: "watch-sixteen-per-account",
    breaks: "WATCH-ALL",
    about: "limits an account to 16 open Watches",
    options: { maxWatchesPerAccount: 16 },
  },
  {
    name: "watch-slots-leak",
    breaks: "WATCH-ALL",
    about: "limits an account to 256 Watches, and does not release the slot of a Watch that has ended",
    operations: (real) => {
      const opened = new Map<object, number>();
      return {
        watch: (service, caller, stream) => {
          const before = opened.get(caller.account) ?? 0;
          if (before >= 256) throw new Refusal("resource_exhausted", "too many open watches of this account");
          opened.set(caller.account, before + 1);
          real.watch(service, caller, stream);
        },
      };
    },
  },
  {
    name: "watch-slots-leak-on-refusal",
    breaks: "WATCH-ALL",
    about: "limits an account to 30 Watches, and does not release the slot of a Watch refused for its envelope",
    handler: (real, service) => {
      const leaked = new Map<object, number>();
      return async (req, res) => {
        const body = rpcOf(req) === "Watch" ? await readAll(req) : undefined;
        if (body === undefined) return real(req, res);
        const owner = ownerOf(service, req.headers.authorization);
        if (owner !== undefined && body.length < 5) leaked.set(owner, (leaked.get(owner) ?? 0) + 1);
        if (owner !== undefined && (leaked.get(owner) ?? 0) + owner.watchers.size >= 30)
          return res.writeHead(429, { "content-type": "text/plain" }).end("too many open watches\n");
        return real(withBody(req, body), res);
      };
    },
  },
  {
    name: "watch-limit-for-all-accounts",
    breaks: "WATCH-ALL",
    about: "limits all accounts together to 32 open Watches",
    operations: (real) => {
      const open = new Set<object>();
      return {
        watch: (service, caller, stream) => {
          if (open.size >= 32) throw new Refusal("resource_exhausted", "too many open watches");
          open.add(stream);
          stream.onClose(() => open.delete(stream));
          real.watch(service, caller, stream);
        },
      };
    },
  },
  {
    name: "watch-last-ones-asleep",
    breaks: "WATCH-ALL",
    about: "notifies only the first ten Watches of an account",
    operations: (real) => ({
      watch: (service, caller, stream) => {
        const { watchers } = caller.account;
        const before = watchers.size;
        real.watch(service, caller, stream);
        const added = [...watchers].at(-1);
        if (before >= 10 && added !== undefined) {
          watchers.delete(added);
          watchers.add({ ...added, changed: () => {} });
        }
      },
    }),
  },
  {
    name: "watch-frames-for-all",
    breaks: "WATCH-PRIVATE",
    about: "reports a change of one inbox to every Watch",
    seenIn: "pixelated/pixelated-user-agent#674",
    operations: (real) => {
      const all = new Set<(frame: WatchResponse) => void>();
      return {
        watch: (service, caller, stream) => {
          const write = (frame: WatchResponse) => void stream.write(frame);
          all.add(write);
          stream.onClose(() => all.delete(write));
          real.watch(service, caller, stream);
        },
        send: (service, caller, request) => {
          const response = real.send(service, caller, request);
          const state = service.accounts.get(request.recipientId)?.inbox.state();
          for (const write of all) write(create(WatchResponseSchema, state));
          return response;
        },
      };
    },
  },
  {
    name: "watch-tells-of-sent-messages",
    breaks: "WATCH-PRIVATE",
    about: "sends a frame about the recipient's inbox to the sender of a message",
    operations: (real) => {
      const streams = new Map<string, (frame: WatchResponse) => void>();
      return {
        watch: (service, caller, stream) => {
          streams.set(caller.account.userId, (frame) => void stream.write(frame));
          stream.onClose(() => streams.delete(caller.account.userId));
          real.watch(service, caller, stream);
        },
        send: (service, caller, request) => {
          const response = real.send(service, caller, request);
          const state = service.accounts.get(request.recipientId)?.inbox.state();
          streams.get(caller.account.userId)?.(create(WatchResponseSchema, state));
          return response;
        },
      };
    },
  },
  {
    name: "watch-holds-up-sends",
    breaks: "WATCH-STALLED",
    about: "delays a Send until every Watch of the recipient has read its frame",
    operations: (real) => {
      const waitingByUser = new Map<string, Set<object>>();
      return {
        watch: (service, caller, stream) => {
          const waiting = waitingByUser.get(caller.account.userId) ?? new Set<object>();
          waitingByUser.set(caller.account.userId, waiting);
          const clear = () => void waiting.delete(stream);
          stream.onReady(clear);
          stream.onClose(clear);
          real.watch(service, caller, {
            ...stream,
            write: (frame) => {
              // Padding, which some servers use to push frames through proxies, fills the buffers sooner.
              const ready = stream.write({ ...frame, $unknown: [{ no: 15, wireType: 2, data: PADDING }] });
              if (!ready) waiting.add(stream);
              return ready;
            },
          });
        },
        send: async (service, caller, request) => {
          const waiting = waitingByUser.get(request.recipientId);
          while (waiting !== undefined && waiting.size > 0) await new Promise((resolve) => setTimeout(resolve, 50));
          return real.send(service, caller, request);
        },
      };
    },
  },
  {
    name: "watch-misses-a-new-epoch",
    breaks: "WATCH-EPOCH",
    about: "reports a new epoch only with the next message",
    operations: (real) => ({
      rotateEpoch: (service, request) => {
        const watchers = service.accounts.get(request.userId)?.watchers;
        const all = [...(watchers ?? [])];
        watchers?.clear();
        const response = real.rotateEpoch(service, request);
        for (const watcher of all) watchers?.add(watcher);
        return response;
      },
    }),
  },
  {
    name: "watch-compares-seqs-only",
    breaks: "WATCH-EPOCH",
    about: "omits a frame whose svr_seq is unchanged, even if its epoch is new",
    operations: wrapWatch((stream) => {
      let last: WatchResponse | undefined;
      return {
        ...stream,
        write: (frame) => {
          const same = last?.svrSeq === frame.svrSeq && last.epoch !== frame.epoch;
          if (!same) last = frame;
          return same || stream.write(frame);
        },
      };
    }),
  },
  {
    name: "watch-keeps-its-epoch",
    breaks: "WATCH-EPOCH",
    about: "sends the epoch of the first frame in all frames of a Watch",
    operations: wrapWatch((stream) => {
      let epoch: string | undefined;
      return {
        ...stream,
        write: (frame) => {
          epoch ??= frame.epoch;
          return stream.write({ ...frame, epoch });
        },
      };
    }),
  },
  {
    name: "watch-frame-without-epoch",
    breaks: "EPOCH-PRESENT",
    about: "omits the epoch from frames after the first",
    operations: mapFrames((frame, nr) => (nr > 1 ? { ...frame, epoch: "" } : frame)),
  },
];
