/** Explanation of an error, for people. */
export interface Explained {
  /** Why there was no response. */
  why: string;
  /** What the user can check. */
  hint?: string;
  /** Whether the same would happen to a later attempt, so that waiting is useless. Default: no. */
  isPermanent?: true;
}

const RUNNING = "is the server running, and is the URL right?";
const AUTHORITY = "pass the certificate of its authority with --ca FILE";

/** Explanation of a TLS error, which stays until someone changes the certificate or the URL. */
const tls = (why: string, hint: string): Explained => ({ why, hint, isPermanent: true });
const UNKNOWN_AUTHORITY = tls("the server's TLS certificate is signed by an unknown authority", AUTHORITY);
const NOT_TLS = tls("the server does not speak TLS on this port", "should the URL begin with http: instead of https:?");
const CLIENT_CERTIFICATE = tls("the server requires a client certificate", "pass one with --cert FILE and --key FILE");

const KNOWN: Readonly<Record<string, Explained>> = {
  ECONNREFUSED: { why: "connection refused", hint: RUNNING },
  ENOTFOUND: { why: "the host name does not exist (DNS)", hint: "is the URL right?" },
  EAI_AGAIN: { why: "the host name cannot be resolved at the moment (DNS)", hint: "is the network up?" },
  EHOSTUNREACH: { why: "the host is unreachable", hint: RUNNING },
  ENETUNREACH: { why: "the network is unreachable", hint: RUNNING },
  ECONNRESET: { why: "the connection was reset" },
  UND_ERR_SOCKET: { why: "the server closed the connection" },
  HPE_INVALID_EOF_STATE: { why: "the connection was closed within the response" },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: { why: "the connection was closed within the response" },
  EPIPE: { why: "the server closed the connection" },
  UND_ERR_HEADERS_OVERFLOW: { why: "the headers of the response are longer than 16 KiB" },
  HPE_HEADER_OVERFLOW: { why: "the headers of the response are longer than 16 KiB" },
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  DEPTH_ZERO_SELF_SIGNED_CERT: tls("the server's TLS certificate is self-signed", "pass it with --ca FILE"),
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: tls(
    "the server's TLS certificate is signed by an unknown authority, or the server sends no certificate chain",
    AUTHORITY,
  ),
  CERT_HAS_EXPIRED: tls("the server's TLS certificate has expired", "renew it, or accept it with --insecure"),
  CERT_NOT_YET_VALID: tls("the server's TLS certificate is not valid yet", "is the clock of this machine correct?"),
  ERR_TLS_CERT_ALTNAME_INVALID: tls("the server's TLS certificate is for another host name", "is the URL right?"),
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: CLIENT_CERTIFICATE,
};

/** Explains an error of a connection or a request. Unknown error codes are shown unchanged. */
export function explain(error: unknown): Explained {
  const { code: found = "", message } = rootOf(error);
  // The code of a DOMException, such as that of an abort, is a number.
  const code = String(found);
  const known = KNOWN[code];
  if (known !== undefined) return known;
  if (code.startsWith("ERR_SSL_") || code === "EPROTO") {
    return tls(`the TLS handshake failed (${code})`, "should the URL begin with http: instead of https:?");
  }
  // A TLS server responds to plain HTTP with a TLS alert, which does not parse as HTTP.
  if (code.startsWith("HPE_"))
    return { why: `the response is not HTTP (${code})`, hint: "should the URL begin with https: instead of http:?" };
  return { why: code === "" || message.includes(code) ? message : `${message} (${code})` };
}

/** Returns the code of an error, such as ECONNREFUSED; empty if there is none. */
export function codeOf(error: unknown): string {
  // The code of a DOMException is a number.
  const { code } = rootOf(error) as { code?: unknown };
  return typeof code === "string" ? code : "";
}

/** Returns the first cause of an AggregateError, which Node throws for a host with several addresses. */
function rootOf(error: unknown): NodeJS.ErrnoException {
  const { errors } = error as Partial<AggregateError>;
  const [first] = errors ?? [];
  return first === undefined ? (error as NodeJS.ErrnoException) : rootOf(first);
}
