import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  SendRequestSchema,
  SendResponseSchema,
  SyncRequestSchema,
  SyncResponseSchema,
} from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { Caller } from "../../../reference-server/accounts.js";
import { send } from "../../../reference-server/operations/send.js";
import { sync } from "../../../reference-server/operations/sync.js";
import { Service } from "../../../reference-server/service.js";
import { memoryInUse, serveMethods } from "../child.js";

// Calls without HTTP, from the body of the request to the body of the response: HTTP would hide how their cost grows.
const newService = (dedupWindowMs = 1) =>
  new Service({ maxBacklog: 100_000_000, maxDedupRecords: 100_000_000, maxAccounts: 10_000_000, dedupWindowMs });

const payload = () => new Uint8Array(100).fill(7);
let sent = 0;
const sendBody = (recipientId: string) => {
  sent += 1;
  const clientMessageId = `message-${String(sent).padStart(12, "0")}`;
  return toBinary(SendRequestSchema, create(SendRequestSchema, { recipientId, clientMessageId, payload: payload() }));
};
const callSend = (service: Service, caller: Caller, body: Uint8Array) =>
  toBinary(SendResponseSchema, send(service, caller, fromBinary(SendRequestSchema, body)));
const sendTo = (service: Service, caller: Caller, recipientId: string) =>
  void callSend(service, caller, sendBody(recipientId));
const open = (service: Service, userId: string) => {
  service.createAccount(userId, userId);
  return service.accounts.authenticate(`Bearer ${userId}`);
};
const name = (nr: number) => `user-${String(nr).padStart(12, "0")}`;

const BATCHES = 21;

const median = (times: number[]) => times.sort((a, b) => a - b)[times.length >> 1] as number;

/** Microseconds of processor time for each Send of a batch. */
function microsEach(bodies: readonly Uint8Array[], service: Service, sender: Caller): number {
  const started = process.cpuUsage().user;
  for (const body of bodies) callSend(service, sender, body);
  return (process.cpuUsage().user - started) / bodies.length;
}

let backlog: { service: Service; reader: Caller; sender: Caller; size: number } | undefined;
let accounts: { service: Service; sender: Caller; size: number } | undefined;

/** Creates accounts up to `size`, and measures batches of Sends to `recipients` of them. */
function medianSendMicros(recipients: number, size: number, calls: number): number {
  if (accounts === undefined) {
    const service = newService();
    accounts = { service, sender: open(service, "sender"), size: 0 };
  }
  const { service, sender } = accounts;
  for (; accounts.size < size; accounts.size += 1) service.createAccount(name(accounts.size), name(accounts.size));
  const times: number[] = [];
  for (let batch = 0; batch < BATCHES; batch += 1) {
    // The stride makes an order that caches cannot predict.
    const bodies = Array.from({ length: calls }, (_, nr) => sendBody(name(((batch * calls + nr) * 7919) % recipients)));
    times.push(microsEach(bodies, service, sender));
  }
  // The median excludes batches with a garbage collection.
  return median(times);
}

serveMethods({
  /**
   * Fills one inbox up to a size, and measures Syncs: each acks the previous page, and as many new messages are stored.
   */
  syncAt(size: number, calls: number): number {
    if (backlog === undefined) {
      const service = newService();
      backlog = { service, reader: open(service, "reader"), sender: open(service, "sender"), size: 0 };
    }
    const { service, reader, sender } = backlog;
    for (; backlog.size < size; backlog.size += 1) sendTo(service, sender, "reader");
    const { inbox } = reader.account;
    const times: number[] = [];
    for (let call = 0; call < calls; call += 1) {
      for (let nr = 0; nr < 100; nr += 1) sendTo(service, sender, "reader");
      const cliSeq = inbox.ackedSeq + 100;
      const body = toBinary(
        SyncRequestSchema,
        create(SyncRequestSchema, { cliSeq, epoch: inbox.epoch, pageSize: 100 }),
      );
      const started = performance.now();
      const page = toBinary(SyncResponseSchema, sync(service, reader, fromBinary(SyncRequestSchema, body)));
      times.push((performance.now() - started) * 1000);
      if (page.length < 100 * 100) throw new Error("the page is not full");
    }
    return median(times);
  },
  /** Creates accounts up to a number, and measures batches of Sends to different accounts. */
  sendAt: (size: number, calls: number): number => medianSendMicros(size, size, calls),
  /** Measures batches of Sends to the same 100 accounts, whose inboxes stay in the caches of the processor. */
  sendToFew: (size: number, calls: number): number => medianSendMicros(100, size, calls),
  /** Measures Sends on a server with `size` dedup records, of which the oldest expires with each Send. */
  rememberedAt(size: number, calls: number): number {
    let now = 0;
    const service = new Service({
      maxBacklog: 100_000_000,
      maxDedupRecords: 100_000_000,
      dedupWindowMs: size,
      now: () => {
        now += 1; // one Send per millisecond
        return now;
      },
    });
    const sender = open(service, "sender");
    const readers = Array.from({ length: 100 }, (_, nr) => name(nr));
    for (const reader of readers) open(service, reader);
    const one = (nr: number) => sendBody(readers[nr % readers.length] as string);
    for (let nr = 0; nr < 2 * size; nr += 1) callSend(service, sender, one(nr));
    return median(
      Array.from({ length: BATCHES }, () =>
        microsEach(
          Array.from({ length: calls }, (_, nr) => one(nr)),
          service,
          sender,
        ),
      ),
    );
  },
  /** Bytes in use for each of `count` idle accounts. */
  idleAccounts(count: number): number {
    const service = newService();
    const before = memoryInUse();
    for (let nr = 0; nr < count; nr += 1) service.createAccount(name(nr));
    const each = (memoryInUse() - before) / count;
    if (service.accounts.get(name(count - 1)) === undefined) throw new Error("the accounts do not exist");
    return each;
  },
  /** Bytes in use for each of `count` pending messages in 100 inboxes, and those still in use after the acks. */
  pendingMessages(count: number, dedupWindowMs: number): { each: number; left: number } {
    const service = newService(dedupWindowMs);
    const sender = open(service, "sender");
    const readers = Array.from({ length: 100 }, (_, nr) => open(service, name(nr)));
    const before = memoryInUse();
    for (let nr = 0; nr < count; nr += 1) sendTo(service, sender, name(nr % readers.length));
    const each = (memoryInUse() - before) / count;
    for (const reader of readers) {
      const { svrSeq, epoch } = reader.account.inbox;
      sync(service, reader, create(SyncRequestSchema, { cliSeq: svrSeq, epoch }));
    }
    const left = (memoryInUse() - before) / count;
    if (service.accounts.get(name(0)) === undefined) throw new Error("the accounts do not exist");
    return { each, left };
  },
});
