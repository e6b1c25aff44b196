import { create } from "@bufbuild/protobuf";
import type { WatchResponse } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { WatchResponseSchema } from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { Refusal } from "../../../../reference-server/errors.js";
import { ownerOf } from "../auth/credentials.js";
import { readAll, rpcOf, withBody, wrapWatch } from "../interceptors.js";
import type { Mutant } from "../mutant.js";

/** Changes the frames of a Watch; undefined leaves one out. `nr` counts from 1. */
const framing = (change: (frame: WatchResponse, nr: number) => WatchResponse | undefined) =>
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

/** Field 15: its length, 262,144, and as many bytes. */
const PADDING = Buffer.concat([Buffer.from([0x80, 0x80, 0x10]), Buffer.alloc(1 << 18)]);

/** Faults of the chapter "Watch". */
export const watchFrames: readonly Mutant[] = [
  {
    name: "watch-first-frame-on-event",
    breaks: "WATCH-FIRST",
    about: "the first frame comes with the first event",
    operations: framing((frame, nr) => (nr === 1 ? undefined : frame)),
  },
  {
    name: "watch-begins-at-zero",
    breaks: "WATCH-FIRST",
    about: "the first frame reports svr_seq 0, whatever the inbox has",
    operations: framing((frame, nr) => (nr === 1 ? { ...frame, svrSeq: 0 } : frame)),
  },
  {
    name: "watch-signed",
    breaks: "SEQ-UNSIGNED",
    about: "frames tell at most 2147483647",
    operations: framing((frame) => ({ ...frame, svrSeq: Math.min(frame.svrSeq, 0x7fff_ffff) })),
  },
  {
    name: "watch-wakes-for-content-only",
    breaks: "WATCH-WAKE",
    about: "an empty message wakes nobody",
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
    about: "a Watch reports the first change and no more",
    operations: framing((frame, nr) => (nr > 2 ? undefined : frame)),
  },
  {
    name: "watch-wakes-when-empty",
    breaks: "WATCH-WAKE",
    about: "a message that comes while others are pending wakes nobody",
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
    about: "a message to oneself wakes none of one's own devices",
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
    about: "changes are reported every two seconds",
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
    about: "each change is followed by the frame before it, from a replica that lags",
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
    about: "a frame counts as a delivery: what it covers is acked",
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
    about: "to open a Watch acks what was delivered before",
    operations: (real) => {
      const delivered = new Map<string, number>();
      return {
        sync: (service, caller, request) => {
          const answer = real.sync(service, caller, request);
          delivered.set(`${caller.account.userId} ${answer.epoch}`, answer.nextCliSeq);
          return answer;
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
    about: "a frame counts the message that is about to be stored, and some are not in the end",
    seenIn: "matrix-org/synapse#16473",
    operations: framing((frame, nr) => (nr > 1 ? { ...frame, svrSeq: frame.svrSeq + 1 } : frame)),
  },
  {
    name: "watch-one-per-account",
    breaks: "WATCH-ALL",
    about: "a second Watch of an account takes the place of the first, which hears nothing any more",
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
    about: "an account can have 16 Watches open",
    options: { maxWatchesPerAccount: 16 },
  },
  {
    name: "watch-slots-leak",
    breaks: "WATCH-ALL",
    about: "an account can have 256 Watches open, and one that has ended still counts",
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
    about: "an account can have 30 Watches open, and one that is refused for its envelope still counts",
    handler: (real, service) => {
      const lost = new Map<object, number>();
      return async (req, res) => {
        const body = rpcOf(req) === "Watch" ? await readAll(req) : undefined;
        if (body === undefined) return real(req, res);
        const owner = ownerOf(service, req.headers.authorization);
        if (owner !== undefined && body.length < 5) lost.set(owner, (lost.get(owner) ?? 0) + 1);
        if (owner !== undefined && (lost.get(owner) ?? 0) + owner.watchers.size >= 30)
          return res.writeHead(429, { "content-type": "text/plain" }).end("too many open watches\n");
        return real(withBody(req, body), res);
      };
    },
  },
  {
    name: "watch-limit-for-all-accounts",
    breaks: "WATCH-ALL",
    about: "all accounts together can have 32 Watches open",
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
    about: "of more than ten Watches of an account, only the first ten are told of changes",
    operations: (real) => ({
      watch: (service, caller, stream) => {
        const { watchers } = caller.account;
        const before = watchers.size;
        real.watch(service, caller, stream);
        const own = [...watchers].at(-1);
        if (before >= 10 && own !== undefined) {
          watchers.delete(own);
          watchers.add({ ...own, changed: () => {} });
        }
      },
    }),
  },
  {
    name: "watch-frames-for-all",
    breaks: "WATCH-PRIVATE",
    about: "a change of one inbox is reported to every Watch there is",
    seenIn: "pixelated/pixelated-user-agent#674",
    operations: (real) => {
      const all = new Set<(frame: WatchResponse) => void>();
      return {
        watch: (service, caller, stream) => {
          const tell = (frame: WatchResponse) => void stream.write(frame);
          all.add(tell);
          stream.onClose(() => all.delete(tell));
          real.watch(service, caller, stream);
        },
        send: (service, caller, request) => {
          const answer = real.send(service, caller, request);
          const state = service.accounts.get(request.recipientId)?.inbox.state();
          for (const tell of all) tell(create(WatchResponseSchema, state));
          return answer;
        },
      };
    },
  },
  {
    name: "watch-tells-of-sent-messages",
    breaks: "WATCH-PRIVATE",
    about: "who sends a message gets a frame about the recipient's inbox",
    operations: (real) => {
      const streams = new Map<string, (frame: WatchResponse) => void>();
      return {
        watch: (service, caller, stream) => {
          streams.set(caller.account.userId, (frame) => void stream.write(frame));
          stream.onClose(() => streams.delete(caller.account.userId));
          real.watch(service, caller, stream);
        },
        send: (service, caller, request) => {
          const answer = real.send(service, caller, request);
          const state = service.accounts.get(request.recipientId)?.inbox.state();
          streams.get(caller.account.userId)?.(create(WatchResponseSchema, state));
          return answer;
        },
      };
    },
  },
  {
    name: "watch-holds-up-sends",
    breaks: "WATCH-STALLED",
    about: "a Send waits until each Watch of the recipient has read its frame",
    operations: (real) => {
      const busy = new Map<string, Set<object>>();
      return {
        watch: (service, caller, stream) => {
          const waiting = busy.get(caller.account.userId) ?? new Set<object>();
          busy.set(caller.account.userId, waiting);
          const clear = () => void waiting.delete(stream);
          stream.onReady(clear);
          stream.onClose(clear);
          real.watch(service, caller, {
            ...stream,
            write: (frame) => {
              // Padded, as some servers do to push frames through proxies: so buffers on the way are full sooner.
              const ready = stream.write({ ...frame, $unknown: [{ no: 15, wireType: 2, data: PADDING }] });
              if (!ready) waiting.add(stream);
              return ready;
            },
          });
        },
        send: async (service, caller, request) => {
          const waiting = busy.get(request.recipientId);
          while (waiting !== undefined && waiting.size > 0) await new Promise((resolve) => setTimeout(resolve, 50));
          return real.send(service, caller, request);
        },
      };
    },
  },
  {
    name: "watch-misses-a-new-epoch",
    breaks: "WATCH-EPOCH",
    about: "a new epoch is reported with the next message only",
    operations: (real) => ({
      rotateEpoch: (service, request) => {
        const watchers = service.accounts.get(request.userId)?.watchers;
        const all = [...(watchers ?? [])];
        watchers?.clear();
        const answer = real.rotateEpoch(service, request);
        for (const watcher of all) watchers?.add(watcher);
        return answer;
      },
    }),
  },
  {
    name: "watch-compares-seqs-only",
    breaks: "WATCH-EPOCH",
    about: "a frame with the svr_seq of the one before it is left out, also if its epoch is another",
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
    about: "all frames of a Watch have the epoch of its first",
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
    about: "frames after the first have no epoch",
    operations: framing((frame, nr) => (nr > 1 ? { ...frame, epoch: "" } : frame)),
  },
];
