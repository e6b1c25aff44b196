import { SeqSyncService } from "../../proto/gen/seqsync/v1/service_pb.js";
import { mediaType } from "../rpc/connect.js";
import { pathOf } from "../rpc/session.js";
import type { HttpResponse } from "../transport/messages.js";

const RPC_PATH = pathOf(SeqSyncService.method.getServerInfo);

/** Number of bytes of a body that are looked at. */
const MAX_LOOK = 65_536;

/**
 * Describes a server that responded to GetServerInfo, but not as the protocol requires: what it is, and what to do, in
 * one sentence without text of the server. Undefined if nothing more is known than the response itself.
 */
export function describeOther(base: URL, response: HttpResponse): string | undefined {
  const { status, headers } = response;
  const type = mediaType(headers["content-type"]);
  const body = Buffer.from(response.body.subarray(0, MAX_LOOK)).toString("latin1");
  if (status >= 300 && status < 400) return redirected(base, headers["location"]);
  if (/to (an HTTPS server|HTTPS port)/i.test(body) && status === 400)
    return `it speaks TLS on this port; did you mean ${asHttps(base)}?`;
  if (type.startsWith("application/grpc") || headers["grpc-status"] !== undefined)
    return "it is a gRPC server; serve the RPCs by the HTTP binding of the specification (Connect) too";
  if (status === 401 || status === 403 || status === 407)
    return `HTTP ${status}, from a gateway or a website; pass the gateway's header with --header-env NAME=VARIABLE, or correct the URL`;
  const isHtml = type === "text/html" || /^\s*<(!doctype|html)/i.test(body);
  if (isHtml && status < 400) {
    return /<input[^>]*type=["']?password/i.test(body)
      ? "it is a login page; pass the gateway's header with --header-env NAME=VARIABLE, or correct the URL"
      : "it is a web page; use the base URL of the Seq Sync server, which may have another port or a path";
  }
  if (status === 404)
    return "HTTP 404, so no Seq Sync server is at this path; use the base URL to which the server adds the paths of the RPCs";
  if (status === 405 || status === 501)
    return `HTTP ${status}, as of a website; use the base URL of the Seq Sync server`;
  return undefined;
}

function redirected(base: URL, location: string | undefined): string {
  // A location may be relative to the URL of the call.
  const from = base.href.replace(/\/?$/, RPC_PATH);
  const target = location !== undefined && URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (target === undefined || !/^https?:$/.test(target.protocol))
    return "it redirects; use the URL of the Seq Sync server itself";
  const shown = `${target.origin}${target.pathname}`;
  return shown.endsWith(RPC_PATH)
    ? `it redirects; did you mean ${shown.slice(0, -RPC_PATH.length)}?`
    : `it redirects to ${shown}; use the URL of the Seq Sync server itself, or pass a gateway's header with --header-env NAME=VARIABLE`;
}

/** The same URL with https:. */
export function asHttps(base: URL): string {
  return base.href.replace(/^http:/, "https:").replace(/\/$/, "");
}
