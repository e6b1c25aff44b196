/** Explanation of an error, for people. */
export interface Explained {
  /** Why there was no response. */
  why: string;
  /** What the user can check. */
  hint?: string;
}

const RUNNING = "is the server running, and is the URL right?";
const AUTHORITY = "pass the certificate of its authority with --ca FILE";

const KNOWN: Readonly<Record<string, Explained>> = {
  ECONNREFUSED: { why: "connection refused", hint: RUNNING },
  ENOTFOUND: { why: "the host name does not exist (DNS)", hint: "is the URL right?" },
  EAI_AGAIN: { why: "the host name cannot be resolved at the moment (DNS)", hint: "is the network up?" },
  EHOSTUNREACH: { why: "the host is unreachable", hint: RUNNING },
  ENETUNREACH: { why: "the network is unreachable", hint: RUNNING },
  ECONNRESET: { why: "the connection was reset" },
  UND_ERR_SOCKET: { why: "the server closed the connection" },
  EPIPE: { why: "the server closed the connection" },
  ERR_SSL_WRONG_VERSION_NUMBER: {
    why: "the server does not speak TLS on this port",
    hint: "should the URL begin with http: instead of https:?",
  },
  ERR_SSL_PACKET_LENGTH_TOO_LONG: {
    why: "the server does not speak TLS on this port",
    hint: "should the URL begin with http: instead of https:?",
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: { why: "the server's TLS certificate is self-signed", hint: AUTHORITY },
  SELF_SIGNED_CERT_IN_CHAIN: { why: "the server's TLS certificate is signed by an unknown authority", hint: AUTHORITY },
  UNABLE_TO_GET_ISSUER_CERT: { why: "the server's TLS certificate is signed by an unknown authority", hint: AUTHORITY },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: {
    why: "the server's TLS certificate is signed by an unknown authority",
    hint: AUTHORITY,
  },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
    why: "the server's TLS certificate is signed by an unknown authority, or the server sends no certificate chain",
    hint: AUTHORITY,
  },
  CERT_HAS_EXPIRED: { why: "the server's TLS certificate has expired" },
  CERT_NOT_YET_VALID: {
    why: "the server's TLS certificate is not valid yet",
    hint: "is the clock of this machine correct?",
  },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    why: "the server's TLS certificate is for another host name",
    hint: "is the URL right?",
  },
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: {
    why: "the server requires a client certificate",
    hint: "pass one with --cert FILE and --key FILE",
  },
};

/** Explains an error of a connection or a request. Unknown error codes are shown unchanged. */
export function explain(error: unknown): Explained {
  const { code = "", message } = rootOf(error);
  const known = KNOWN[code];
  if (known !== undefined) return known;
  if (code.startsWith("ERR_SSL_") || code === "EPROTO") {
    return { why: `the TLS handshake failed (${code})`, hint: "should the URL begin with http: instead of https:?" };
  }
  // A TLS server responds to plain HTTP with a TLS alert, which does not parse as HTTP.
  if (code.startsWith("HPE_"))
    return { why: `the response is not HTTP (${code})`, hint: "should the URL begin with https: instead of http:?" };
  return { why: code === "" || message.includes(code) ? message : `${message} (${code})` };
}

/** Returns the first cause of an AggregateError, which Node throws for a host with several addresses. */
function rootOf(error: unknown): NodeJS.ErrnoException {
  const { errors } = error as Partial<AggregateError>;
  const [first] = errors ?? [];
  return first === undefined ? (error as NodeJS.ErrnoException) : rootOf(first);
}
