import type { Socket } from "node:net";
import { afterRunnableTime } from "./deadline.js";
import { openSocket, type SocketOptions } from "./socket.js";

/** Protocol that a port speaks, other than the one that its URL names. */
export type OtherProtocol = "TLS" | "HTTP/2 only" | undefined;

/** Time limit for each attempt, in milliseconds. */
const LIMIT_MS = 1500;

/** The client's preface of HTTP/2, with empty SETTINGS (RFC 9113, section 3.4). */
const PREFACE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]),
]);
const SETTINGS = 4;

/**
 * Finds out what a server speaks that gave no HTTP/1.1 response at an http: URL: TLS, or HTTP/2 without an upgrade, as a
 * gRPC server does. Undefined if neither. Takes at most some seconds.
 */
export async function otherProtocol(target: URL, options: SocketOptions): Promise<OtherProtocol> {
  if (target.protocol !== "http:") return undefined;
  const secure = new URL(target);
  secure.protocol = "https:";
  // Without a port the URL would now mean another one.
  secure.port = target.port || "80";
  const limited = { ...options, connectTimeoutMs: LIMIT_MS };
  const [tls, http2] = await Promise.all([
    openSocket(secure, { ...limited, tls: { ...options.tls, insecure: true } }).then(closed, () => false),
    openSocket(target, limited).then(speaksHttp2, () => false),
  ]);
  if (tls) return "TLS";
  return http2 ? "HTTP/2 only" : undefined;
}

function closed(socket: Socket): true {
  socket.destroy();
  return true;
}

/** Whether the server responds to the preface of HTTP/2 with its SETTINGS. */
function speaksHttp2(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    let received = Buffer.alloc(0);
    const end = () => {
      cancelTimer();
      socket.destroy();
      resolve(received.length >= 9 && received[3] === SETTINGS);
    };
    const cancelTimer = afterRunnableTime(LIMIT_MS, end);
    socket.on("error", end).on("close", end);
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 9) end();
    });
    socket.write(PREFACE);
  });
}
