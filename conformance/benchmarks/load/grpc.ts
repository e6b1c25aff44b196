import { dial, freshId, type LoadRequest } from "./http1.js";
import type { Tally } from "./tally.js";

const DATA = 0;
const HEADERS = 1;
const SETTINGS = 4;
const PING = 6;
const WINDOW_UPDATE = 8;
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const MAX_WINDOW = 0x7fff_ffff;

/**
 * One HTTP/2 connection with a constant number of pending gRPC calls. As with HTTP/1.1, requests are prepared bytes,
 * and only the frame headers of responses are read. Request headers are sent as a client library does: literally once,
 * then by index.
 */
export async function driveGrpc(
  url: URL,
  template: LoadRequest,
  streams: number,
  tally: Tally,
  ended: Promise<void>,
): Promise<void> {
  const socket = await dial(url);
  const headers: [string, string][] = [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", template.path],
    [":authority", url.host],
    ["content-type", "application/grpc+proto"],
    ["te", "trailers"],
    ["authorization", `Bearer ${template.token}`],
  ];
  const literal = (text: string) => Buffer.concat([Buffer.of(text.length), Buffer.from(text)]);
  const literalBlock = Buffer.concat(headers.flatMap(([name, it]) => [Buffer.of(0x40), literal(name), literal(it)]));
  // The last entry of the dynamic table has the index 62.
  const indexedBlock = Buffer.from(headers.map((_, index) => 0x80 | (62 + headers.length - 1 - index)));
  const message = Buffer.concat([Buffer.alloc(5), template.body]);
  message.writeUInt32BE(template.body.length, 1);

  let lastStream = -1;
  const startedAt = new Map<number, number>();
  const receivedBytes = new Map<number, number>();
  const begin = () => {
    const block = lastStream === -1 ? literalBlock : indexedBlock;
    lastStream += 2;
    const request = Buffer.concat([
      frame(HEADERS, END_HEADERS, lastStream, block),
      frame(DATA, END_STREAM, lastStream, message),
    ]);
    if (template.idAt !== undefined) request.write(freshId(), 9 + block.length + 9 + 5 + template.idAt, "latin1");
    startedAt.set(lastStream, performance.now());
    receivedBytes.set(lastStream, 0);
    socket.write(request);
  };

  let stopped = false;
  let rest: Buffer = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      stopped = true;
      socket.destroy();
      reject(new Error(why));
    };
    const handleFrame = (type: number, flags: number, stream: number, payload: Buffer) => {
      if (type === SETTINGS && (flags & ACK) === 0) socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
      else if (type === PING && (flags & ACK) === 0) socket.write(frame(PING, ACK, 0, payload));
      else if (type === DATA) receivedBytes.set(stream, (receivedBytes.get(stream) ?? 0) + payload.length);
      else if (type !== HEADERS && type !== WINDOW_UPDATE && type !== SETTINGS)
        return fail(`unexpected frame of type ${type}`);
      if ((type !== DATA && type !== HEADERS) || (flags & END_STREAM) === 0) return;
      const bytes = receivedBytes.get(stream) ?? 0;
      // An error has trailers and no message.
      if (bytes === 0) return fail("a call was refused");
      tally.record(startedAt.get(stream) ?? Number.NaN, bytes);
      startedAt.delete(stream);
      receivedBytes.delete(stream);
      begin();
    };
    socket.on("error", (error) => (stopped ? undefined : reject(error)));
    socket.on("close", () => (stopped ? resolve() : reject(new Error("the server closed the connection"))));
    socket.on("data", (data: Buffer) => {
      const all = rest.length === 0 ? data : Buffer.concat([rest, data]);
      let at = 0;
      while (all.length - at >= 9) {
        const length = all.readUIntBE(at, 3);
        if (all.length - at < 9 + length) break;
        handleFrame(
          all[at + 3] as number,
          all[at + 4] as number,
          all.readUInt32BE(at + 5),
          all.subarray(at + 9, at + 9 + length),
        );
        at += 9 + length;
      }
      rest = all.subarray(at);
    });
    void ended.then(() => {
      stopped = true;
      socket.destroy();
    });
    // Flow-control windows that this run cannot fill.
    const windows = Buffer.alloc(6);
    windows.writeUInt16BE(4, 0);
    windows.writeUInt32BE(MAX_WINDOW, 2);
    const more = Buffer.alloc(4);
    more.writeUInt32BE(MAX_WINDOW - 65_535);
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    socket.write(Buffer.concat([frame(SETTINGS, 0, 0, windows), frame(WINDOW_UPDATE, 0, 0, more)]));
    for (let nr = 0; nr < streams; nr += 1) begin();
  });
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
