/** Why no answer came, in words for people, and what they could look into. */
export interface Explained {
  why: string;
  hint?: string;
}

const RUNNING = "is the server running, and is the URL right?";
const AUTHORITY = "give the certificate of its authority with --ca FILE";

const KNOWN: Readonly<Record<string, Explained>> = {
  ECONNREFUSED: { why: "connection refused", hint: RUNNING },
  ENOTFOUND: { why: "its name is not known (DNS)", hint: "is the URL right?" },
  EAI_AGAIN: { why: "its name cannot be looked up now (DNS)", hint: "is the network up?" },
  EHOSTUNREACH: { why: "there is no way to that host", hint: RUNNING },
  ENETUNREACH: { why: "there is no way to that network", hint: RUNNING },
  ECONNRESET: { why: "the connection was reset" },
  UND_ERR_SOCKET: { why: "the server closed the connection" },
  EPIPE: { why: "the server closed the connection" },
  ERR_SSL_WRONG_VERSION_NUMBER: { why: "it does not speak TLS there", hint: "is the URL http: rather than https:?" },
  ERR_SSL_PACKET_LENGTH_TOO_LONG: { why: "it does not speak TLS there", hint: "is the URL http: rather than https:?" },
  DEPTH_ZERO_SELF_SIGNED_CERT: { why: "its TLS certificate is self-signed", hint: AUTHORITY },
  SELF_SIGNED_CERT_IN_CHAIN: { why: "its TLS certificate is signed by an authority not known here", hint: AUTHORITY },
  UNABLE_TO_GET_ISSUER_CERT: { why: "its TLS certificate is signed by an authority not known here", hint: AUTHORITY },
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: {
    why: "its TLS certificate is signed by an authority not known here",
    hint: AUTHORITY,
  },
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: {
    why: "its TLS certificate is signed by an authority not known here, or it sends no chain",
    hint: AUTHORITY,
  },
  CERT_HAS_EXPIRED: { why: "its TLS certificate has expired" },
  CERT_NOT_YET_VALID: { why: "its TLS certificate is not valid yet", hint: "is the clock of this machine right?" },
  ERR_TLS_CERT_ALTNAME_INVALID: { why: "its TLS certificate is for another name", hint: "is the URL right?" },
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: {
    why: "it asks for a client certificate",
    hint: "give one with --cert FILE and --key FILE",
  },
};

/** Explains an error of a connection or a request. Codes that are not known are shown as they are. */
export function explain(error: unknown): Explained {
  const { code = "", message } = rootOf(error);
  const known = KNOWN[code];
  if (known !== undefined) return known;
  if (code.startsWith("ERR_SSL_") || code === "EPROTO") {
    return { why: `the TLS handshake failed (${code})`, hint: "is the URL https: on purpose?" };
  }
  // A client that expects HTTP gets an alert of TLS.
  if (code.startsWith("HPE_")) return { why: `the answer is not HTTP (${code})`, hint: "is the URL https: in truth?" };
  return { why: code === "" || message.includes(code) ? message : `${message} (${code})` };
}

/** An address with several numbers fails as several errors, the reason of which is in each. */
function rootOf(error: unknown): NodeJS.ErrnoException {
  const { errors } = error as Partial<AggregateError>;
  const [first] = errors ?? [];
  return first === undefined ? (error as NodeJS.ErrnoException) : rootOf(first);
}
