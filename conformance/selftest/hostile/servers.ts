import { gzipSync } from "node:zlib";
import { create, type MessageInitShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import { DurationSchema } from "@bufbuild/protobuf/wkt";
import { ErrorDetailSchema, Reason } from "../../../proto/gen/seqsync/v1/error_pb.js";
import {
  GetServerInfoResponseSchema,
  SyncResponseSchema,
  WatchResponseSchema,
} from "../../../proto/gen/seqsync/v1/service_pb.js";
import { envelope } from "../../rpc/envelope.js";
import { PLAUSIBLE_INFO } from "../null-servers.js";
import {
  afterFirstContact,
  type Call,
  flood,
  floodSocket,
  type HostileServer,
  head,
  unlessHostile,
} from "./hostile-server.js";

const STOPPED =
  /the server stopped responding after \d+ responses?, at .+?(; last response at \d\d:\d\d:\d\d UTC)?; since then: /;
const OVERSIZED = /larger than \d+ bytes, the most that the suite reads/;

/** Responds to GetServerInfo with other values. */
const declaring = (dedupWindow: { seconds: bigint; nanos: number }) =>
  unlessHostile((call) => {
    if (call.rpc !== "GetServerInfo") return call.pass();
    const info = { ...PLAUSIBLE_INFO, dedupWindow: create(DurationSchema, dedupWindow) };
    // Such a duration has no JSON form.
    head(call).end(call.codec === "proto" ? toBinary(GetServerInfoResponseSchema, info) : "{}");
  });

/** Responds to Sync with these pages. */
const syncing = (page: (number: number) => MessageInitShape<typeof SyncResponseSchema>) => {
  let count = 0;
  return unlessHostile((call) => {
    if (call.rpc !== "Sync") return call.pass();
    count += 1;
    const message = create(SyncResponseSchema, page(count));
    head(call).end(
      call.codec === "proto" ? toBinary(SyncResponseSchema, message) : toJsonString(SyncResponseSchema, message),
    );
  });
};

const messages = (from: number, count: number, payload = new Uint8Array(1)) =>
  Array.from({ length: count }, (_, n) => ({
    seq: from + n,
    senderId: "a",
    clientMessageId: `m${from + n}`,
    payload,
    acceptedAt: { seconds: 1n },
  }));

const frame = (call: Call, svrSeq: number) => {
  const message = create(WatchResponseSchema, { epoch: "e", svrSeq });
  return envelope(
    call.codec === "proto"
      ? toBinary(WatchResponseSchema, message)
      : Buffer.from(toJsonString(WatchResponseSchema, message)),
  );
};

/** Responds to Watch in its own way. */
const watching = (respond: (call: Call) => void) =>
  unlessHostile((call) => (call.rpc === "Watch" ? respond(call) : call.pass()));

const drip = (call: Call, part: Uint8Array, ms: number) => {
  head(call).flushHeaders();
  const timer = setInterval(() => call.res.write(part), ms);
  call.res.once("close", () => clearInterval(timer));
};

/** Stops responding after some calls. */
const stoppingAfter = (calls: number, then: (call: Call) => void) => {
  let count = 0;
  return unlessHostile((call) => {
    count += 1;
    if (count > calls) then(call);
    else call.pass();
  });
};

const MEGABYTE = Buffer.alloc(1 << 20, "x");
const KILOBYTES = Buffer.alloc(1 << 16, "x");
const TINY_MESSAGES = Buffer.from([0x22, 0]);

/** Enough cases for a verdict that depends on their number. */
const MANY = ["ack/", "page/", "send/"];
/** Silence takes 2.5 s instead of 25. */
const QUICK = 0.1;

const TIME: readonly HostileServer[] = [
  {
    name: "no response after the first contact",
    code: 3,
    line: STOPPED,
    only: MANY,
    timeoutScale: QUICK,
    start: () => afterFirstContact(() => {}),
  },
  {
    name: "a byte a second",
    code: 3,
    line: STOPPED,
    only: MANY,
    timeoutScale: QUICK,
    start: () => afterFirstContact((call) => drip(call, Buffer.from([0]), 1000)),
  },
  {
    name: "no response to anything but GetServerInfo",
    code: 3,
    line: /no accounts: the fixture CreateAccount failed: \d+ attempts in a row had no response/,
    only: MANY,
    timeoutScale: QUICK,
    start: () => unlessHostile((call) => (call.rpc === "GetServerInfo" ? call.pass() : undefined)),
  },
  {
    name: "no response from the 500th call on",
    code: 3,
    line: STOPPED,
    only: MANY,
    timeoutScale: QUICK,
    start: () => stoppingAfter(500, () => {}),
  },
  {
    name: "connections closed from the 500th call on",
    code: 3,
    line: STOPPED,
    only: MANY,
    timeoutScale: QUICK,
    start: () => stoppingAfter(500, ({ req }) => req.socket.destroy()),
  },
  {
    name: "no response to Sync",
    code: 1,
    line: /SYNC-ANSWER .*Sync got no response/,
    only: MANY,
    timeoutScale: QUICK,
    start: () => unlessHostile((call) => (call.rpc === "Sync" ? undefined : call.pass())),
  },
];

const MEMORY: readonly HostileServer[] = [
  {
    name: "an endless body from the start",
    code: 3,
    line: OVERSIZED,
    start: () => unlessHostile((call) => flood(head(call), KILOBYTES)),
  },
  {
    name: "an endless body after the first contact",
    code: 1,
    line: OVERSIZED,
    start: () => afterFirstContact((call) => flood(head(call), KILOBYTES)),
  },
  {
    name: "an endless header",
    code: 3,
    line: /the headers of the response are longer than 16 KiB/,
    start: () =>
      unlessHostile(({ res, req }) => {
        req.socket.write("HTTP/1.1 200 OK\r\n");
        floodSocket(req.socket, "x-more: 0123456789\r\n");
        res.detachSocket(req.socket);
      }),
  },
  {
    name: "informational responses without end",
    code: 3,
    line: STOPPED,
    only: MANY,
    timeoutScale: QUICK,
    start: () =>
      afterFirstContact(({ res, req }) => {
        floodSocket(req.socket, "HTTP/1.1 103 Early Hints\r\n\r\n");
        res.detachSocket(req.socket);
      }),
  },
  {
    name: "a gzip bomb",
    code: 1,
    line: OVERSIZED,
    start: () => {
      const bomb = gzipSync(Buffer.alloc(1 << 26));
      return afterFirstContact(({ req, res }) => {
        res.writeHead(200, { "Content-Type": req.headers["content-type"], "Content-Encoding": "gzip" }).end(bomb);
      });
    },
  },
  {
    name: "a payload of a gigabyte",
    code: 1,
    line: OVERSIZED,
    start: () =>
      unlessHostile((call) => {
        if (call.rpc !== "Sync") return call.pass();
        head(call).write(Buffer.from([0x22, 0x85, 0x80, 0x80, 0x80, 0x04, 0x22, 0x80, 0x80, 0x80, 0x80, 0x04]));
        flood(call.res, MEGABYTE);
      }),
  },
  {
    name: "pages of millions of tiny messages",
    code: 1,
    line: /more than \d+ (fields|values), the most that the suite reads/,
    start: () => {
      const proto = Buffer.alloc(8 << 20, TINY_MESSAGES);
      const json = Buffer.from(`{"messages":[${"{},".repeat(2_000_000)}{}]}`);
      return unlessHostile((call) => {
        if (call.rpc === "Sync") head(call).end(call.codec === "proto" ? proto : json);
        else call.pass();
      });
    },
  },
  {
    name: "pages of 15 MB",
    code: 1,
    line: /✗ /,
    start: () =>
      syncing((n) => ({ epoch: "e", svrSeq: n, nextCliSeq: n, messages: messages(n, 1, Buffer.alloc(15 << 20)) })),
  },
  {
    name: "pages without end",
    code: 1,
    line: /✗ /,
    start: () =>
      syncing((n) => ({ epoch: "e", svrSeq: n + 1, ackedSeq: n - 1, nextCliSeq: n, messages: messages(n, 1) })),
  },
  {
    name: "pages that never reach svr_seq",
    code: 1,
    line: /✗ /,
    start: () =>
      syncing((n) => ({ epoch: "e", svrSeq: 0xffff_ffff, ackedSeq: n - 1, nextCliSeq: n, messages: messages(n, 1) })),
  },
  {
    name: "megabytes of text in errors",
    code: 1,
    line: /✗ /,
    start: () => {
      const value = Buffer.from(
        toBinary(
          ErrorDetailSchema,
          create(ErrorDetailSchema, { reason: Reason.BACKLOG_FULL, epoch: "e".repeat(2 << 20) }),
        ),
      ).toString("base64");
      const type = "seqsync.v1.ErrorDetail";
      const error = { code: "resource_exhausted", message: "x".repeat(2 << 20), details: [{ type, value }] };
      const body = JSON.stringify(error);
      return afterFirstContact(({ res }) => {
        res.writeHead(429, { "Content-Type": "application/json" }).end(body);
      });
    },
  },
  {
    name: "megabytes of text in ids and epochs",
    code: 1,
    line: /✗ /,
    start: () =>
      syncing((n) => ({
        epoch: "e".repeat(2 << 20),
        svrSeq: n,
        nextCliSeq: n,
        messages: [{ ...messages(n, 1)[0], senderId: "s".repeat(2 << 20), clientMessageId: "c".repeat(2 << 20) }],
      })),
  },
];

const WATCHES: readonly HostileServer[] = [
  {
    name: "a flood of equal frames",
    code: 1,
    line: /✗ /,
    start: () => watching((call) => flood(head(call), Buffer.concat(Array(5000).fill(frame(call, 1))))),
  },
  {
    name: "a flood of different frames",
    code: 1,
    line: /✗ /,
    start: () =>
      watching((call) => {
        const parts = Array.from({ length: 60_000 }, (_, n) => frame(call, n));
        flood(head(call), Buffer.concat(parts));
      }),
  },
  {
    name: "a frame without end",
    code: 1,
    line: /✗ /,
    start: () =>
      watching((call) => {
        head(call).write(Buffer.from([0, 0xff, 0xff, 0xff, 0xff]));
        flood(call.res, KILOBYTES);
      }),
  },
  {
    name: "deep JSON in frames",
    code: 1,
    line: /✗ /,
    start: () => watching((call) => drip(call, envelope(Buffer.from("[".repeat(500_000))), 10)),
  },
  {
    name: "deep JSON at the end of a stream",
    code: 1,
    line: /✗ /,
    start: () =>
      watching((call) =>
        head(call).end(envelope(Buffer.from(`{"error":${"[".repeat(400_000)}${"]".repeat(400_000)}}`), 2)),
      ),
  },
  {
    name: "broken JSON that drips",
    code: 1,
    line: /✗ /,
    start: () => watching((call) => drip(call, envelope(Buffer.from('{"epoch":')), 10)),
  },
];

const RANGES: readonly HostileServer[] = [
  {
    name: "a dedup_window of 2^63-1 seconds",
    code: 1,
    line: /INFO-WINDOW/,
    only: ["info/window"],
    start: () => declaring({ seconds: 2n ** 63n - 1n, nanos: 2 ** 31 - 1 }),
  },
  {
    name: "a dedup_window of negative nanoseconds",
    code: 1,
    line: /INFO-WINDOW/,
    only: ["info/window"],
    start: () => declaring({ seconds: 600n, nanos: -5 }),
  },
  {
    name: "accepted_at out of range",
    code: 1,
    line: /HTTP-BINARY .*accepted_at is -?\d+ s and -?\d+ ns, which is not a Timestamp/,
    start: () =>
      unlessHostile((call) => {
        if (call.rpc !== "Send") return call.pass();
        // accepted_at of 2^62 s and -1 ns.
        const time = [
          8, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
          0xff, 1,
        ];
        if (call.codec === "json") head(call).end('{"acceptedAt":"99999-01-01T00:00:00Z"}');
        else head(call).end(Buffer.from([0x0a, time.length, ...time]));
      }),
  },
  ...[
    '{"svrSeq":4294967296}',
    '{"svrSeq":NaN}',
    '{"svrSeq":1e400}',
    '{"svrSeq":1,"svrSeq":2}',
    "[".repeat(1_000_000),
  ].map(
    (body): HostileServer => ({
      name: `Sync returns ${body.slice(0, 30)} in JSON`,
      code: 1,
      line: /✗ /,
      only: ["http/json"],
      start: () =>
        unlessHostile((call) => {
          if (call.rpc === "Sync" && call.codec === "json") head(call).end(body);
          else call.pass();
        }),
    }),
  ),
];

/** Servers that harm their clients, each in one way. */
export const HOSTILE_SERVERS: readonly HostileServer[] = [...TIME, ...MEMORY, ...WATCHES, ...RANGES];
