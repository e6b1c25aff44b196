import type { IncomingMessage } from "node:http";
import { fromBinary, fromJsonString, toBinary } from "@bufbuild/protobuf";
import {
  type SyncResponse,
  SyncResponseSchema,
  WatchResponseSchema,
} from "../../../../proto/gen/seqsync/v1/service_pb.js";
import { envelope } from "../../../../reference-server/http/codec.js";
import type { Inbox } from "../../../../reference-server/inbox.js";
import { isJson, mapResponses, rpcOf, wrapWatch } from "../interceptors.js";
import type { Mutant } from "../mutant.js";
import { forgetWhen } from "../send/shared.js";
import { currentCall, currentCodec, knownCalls } from "./calls.js";

/** Mutants that show only if devices with different codecs use one inbox. */
export const mixedCodecs: readonly Mutant[] = [
  {
    name: "mixtures-frame-in-the-first-codec",
    breaks: "HTTP-JSON",
    about: "encodes the later frames of all Watches of an account in binary if the oldest open one is binary",
    seenIn: "centrifugal/centrifuge#256",
    kind: "mixtures",
    handler: (real) => {
      const open = new Map<string, IncomingMessage[]>();
      return (req, res) => {
        if (rpcOf(req) !== "Watch") return real(req, res);
        const { authorization = "" } = req.headers;
        const watches = [...(open.get(authorization) ?? []), req];
        open.set(authorization, watches);
        res.on("close", () =>
          open.set(
            authorization,
            (open.get(authorization) ?? []).filter((it) => it !== req),
          ),
        );
        const { write } = res;
        let isFirst = true;
        res.write = ((frame: Buffer) => {
          const oldest = open.get(authorization)?.[0] ?? req;
          const isShared = !isFirst && isJson(req) && !isJson(oldest);
          isFirst = false;
          if (!isShared) return write.call(res, frame, "utf8");
          const message = fromJsonString(WatchResponseSchema, frame.subarray(5).toString());
          return write.call(res, envelope(toBinary(WatchResponseSchema, message)), "utf8");
        }) as typeof write;
        return real(req, res);
      };
    },
  },
  {
    name: "mixtures-records-of-each-codec",
    breaks: "SEND-RETRY",
    about: "stores a retried Send again if the first one came in the other codec",
    kind: "mixtures",
    handler: knownCalls,
    operations: (real) => {
      const codecs = new Map<string, string>();
      const keyOf = (userId: string, id: string) => `${userId.length} ${userId} ${id}`;
      const { send } = forgetWhen(
        ({ clientMessageId }, { account }) => codecs.get(keyOf(account.userId, clientMessageId)) !== currentCodec(),
      )(real);
      return {
        send: (service, caller, request) => {
          const key = keyOf(caller.account.userId, request.clientMessageId);
          if (!codecs.has(key)) codecs.set(key, currentCodec());
          return (send ?? real.send)(service, caller, request);
        },
      };
    },
  },
  {
    name: "mixtures-ack-in-another-codec",
    breaks: "ACK-IMPLICIT",
    about: "ignores an ack that comes in another codec than the inbox's last Sync that delivered messages",
    kind: "mixtures",
    handler: knownCalls,
    operations: (real) => {
      const delivered = new WeakMap<Inbox, string>();
      return {
        sync: (service, caller, request) => {
          const { inbox } = caller.account;
          const former = delivered.get(inbox) ?? currentCodec();
          const isIgnored = former !== currentCodec() && request.cliSeq <= inbox.svrSeq;
          const response = real.sync(service, caller, isIgnored ? { ...request, cliSeq: 0 } : request);
          if (response.messages.length > 0) delivered.set(inbox, currentCodec());
          return response;
        },
      };
    },
  },
  {
    name: "mixtures-order-of-codecs",
    breaks: "SEND-ORDER",
    about: "puts a message that was sent in binary before one that was sent in JSON just before it",
    kind: "mixtures",
    handler: knownCalls,
    operations: (real) => {
      const queued = new WeakMap<Inbox, number>();
      return {
        send: (service, caller, request) => {
          const inbox = service.accounts.get(request.recipientId)?.inbox;
          const before = inbox?.svrSeq;
          const response = real.send(service, caller, request);
          if (inbox === undefined || inbox.svrSeq === before) return response;
          const later = inbox.pending.get(inbox.svrSeq);
          const earlier = inbox.pending.get(queued.get(inbox) ?? -1);
          if (currentCodec() === "json") queued.set(inbox, inbox.svrSeq);
          else if (later !== undefined && earlier?.seq === later.seq - 1) {
            inbox.pending.set(later.seq, { ...earlier, seq: later.seq });
            inbox.pending.set(earlier.seq, { ...later, seq: earlier.seq });
          }
          return response;
        },
        sync: (service, caller, request) => {
          queued.delete(caller.account.inbox);
          return real.sync(service, caller, request);
        },
      };
    },
  },
  {
    name: "mixtures-asleep-in-another-codec",
    breaks: "WATCH-WAKE",
    about: "wakes a Watch at its next heartbeat only if the message came in another codec",
    kind: "mixtures",
    handler: knownCalls,
    operations: wrapWatch((stream) => {
      const codec = currentCodec();
      return {
        ...stream,
        write: (frame) => {
          const call = currentCall();
          const isOther = call !== undefined && rpcOf(call) === "Send" && currentCodec() !== codec;
          return isOther || stream.write(frame);
        },
      };
    }),
  },
  {
    name: "mixtures-codec-of-the-connection",
    breaks: "HTTP-ANSWER-TYPE",
    about: "answers a Sync in JSON in binary if the first call on its connection was binary",
    seenIn: "socketio/socket.io-sticky#16",
    kind: "mixtures",
    handler: (real) => {
      const isBinary = new WeakMap<object, boolean>();
      const changed = mapResponses((response, req) => {
        const isOther = rpcOf(req) === "Sync" && isJson(req) && response.status === 200 && isBinary.get(req.socket);
        if (!isOther) return response;
        const body = Buffer.from(toBinary(SyncResponseSchema, fromJsonString(SyncResponseSchema, `${response.body}`)));
        return { ...response, headers: { ...response.headers, "content-type": "application/proto" }, body };
      })(real);
      return (req, res) => {
        if (!isBinary.has(req.socket)) isBinary.set(req.socket, !isJson(req));
        return changed(req, res);
      };
    },
  },
  {
    name: "mixtures-page-cached-in-json",
    breaks: "SEND-VISIBLE",
    about: "caches the last page that it served in JSON, and forgets it only when a message comes in JSON",
    kind: "mixtures",
    handler: knownCalls,
    operations: (real) => {
      const pages = new Map<string, { key: string; page: Uint8Array }>();
      return {
        send: (service, caller, request) => {
          if (currentCodec() === "json") pages.delete(request.recipientId);
          return real.send(service, caller, request);
        },
        sync: (service, caller, request) => {
          const { userId, inbox } = caller.account;
          const { cliSeq, pageSize, epoch } = request;
          const isAcked = cliSeq <= inbox.ackedSeq && (epoch === "" || epoch === inbox.epoch);
          const key = `${inbox.epoch} ${inbox.ackedSeq} ${pageSize}`;
          const cached = pages.get(userId);
          if (currentCodec() === "json" && isAcked && cached?.key === key)
            return fromBinary(SyncResponseSchema, cached.page);
          const response: SyncResponse = real.sync(service, caller, request);
          if (currentCodec() === "json")
            pages.set(userId, {
              key: `${inbox.epoch} ${inbox.ackedSeq} ${pageSize}`,
              page: toBinary(SyncResponseSchema, response),
            });
          return response;
        },
      };
    },
  },
];
