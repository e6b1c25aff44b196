import { createSecureContext } from "node:tls";
import type { Command } from "commander";
import { quoted, singleQuoted } from "../shell.js";
import type { ConnectionOptions } from "../transport/http.js";
import { type ProxySettings, proxySettings } from "../transport/proxy.js";
import { readText } from "./files.js";
import { headersOf } from "./headers.js";
import { file, flag, integer, list, number } from "./options.js";
import { UsageError } from "./usage.js";

export interface ConnectionFlags {
  header?: string[];
  headerEnv?: string[];
  ca?: string;
  cert?: string;
  key?: string;
  insecure?: true;
  http2: boolean;
  connectTimeout: number;
  maxRequestsPerSecond?: number;
  wait?: number;
}

/** Default of --connect-timeout, in seconds. */
const CONNECT_TIMEOUT = 4;

/** Adds the options for the connection to the server. */
export function connectionOptions(command: Command): Command {
  return command
    .addOption(list("--header <name: value>", "send a header with each request"))
    .addOption(
      list("--header-env <name=variable>", "send a header whose value is in an environment variable; for secrets"),
    )
    .addOption(file("--ca <file>", "trust the certificate authorities of this PEM file instead of those of Node.js"))
    .addOption(file("--cert <file>", "client certificate, in PEM; requires --key"))
    .addOption(file("--key <file>", "private key of the client certificate, in PEM"))
    .addOption(flag("--insecure", "accept any TLS certificate; an attacker on the network can read the tokens"))
    .addOption(flag("--no-http2", "use HTTP/1.1 even if the server offers HTTP/2"))
    .addOption(
      integer("--connect-timeout <seconds>", "timeout for making a connection", 1, 600).default(CONNECT_TIMEOUT),
    )
    .addOption(
      integer(
        "--wait <seconds>",
        "how long to wait for a server that is starting: until GetServerInfo answers at every URL",
        1,
        3600,
      ),
    )
    .addOption(
      number(
        "--max-requests-per-second <n>",
        "limit the rate of requests, for servers with a rate limit",
        0.1,
        100_000,
      ),
    );
}

/**
 * Returns the connection that the flags and the proxy variables of the environment describe. Calls `warn` for an
 * insecure one. Throws UsageError for wrong flags.
 */
export function connectionOf(
  flags: ConnectionFlags,
  urls: readonly string[],
  warn: (line: string) => void,
): ConnectionOptions {
  const { insecure = false, connectTimeout, maxRequestsPerSecond, http2 } = flags;
  if ((flags.cert === undefined) !== (flags.key === undefined))
    throw new UsageError("--cert and --key require each other; use both or neither");
  const ca = readPem("--ca", flags.ca);
  const cert = readPem("--cert", flags.cert);
  const key = readPem("--key", flags.key);
  try {
    createSecureContext({ ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) });
  } catch (error) {
    throw new UsageError(`--ca, --cert or --key is not usable: ${(error as Error).message}`);
  }
  if (insecure)
    warn("WARNING: --insecure accepts any TLS certificate. An attacker on the network can read and change everything.");
  const proxy = proxySettings(process.env);
  checkProxy(proxy);
  const headers = headersOf(flags.header ?? [], flags.headerEnv ?? [], process.env);
  if (Object.keys(headers).length > 0 && urls.some(isPlain))
    warn("WARNING: headers and tokens are sent unencrypted to another machine; use https:// if they are secret.");
  return {
    headers,
    tls: { insecure, ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) },
    proxy,
    http2,
    connectTimeoutMs: connectTimeout * 1000,
    ...(maxRequestsPerSecond === undefined ? {} : { maxRequestsPerSecond }),
  };
}

const isPlain = (url: string) => /^http:\/\/(?!localhost[:/]|127\.|\[::1\])/.test(url);

function readPem(option: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const text = readText(path, `the value of ${option}`);
  if (!text.includes("-----BEGIN ")) throw new UsageError(`${option} ${path}: the file is not PEM`);
  return text;
}

function checkProxy({ http, https }: ProxySettings): void {
  for (const [name, value] of Object.entries({ HTTP_PROXY: http, HTTPS_PROXY: https })) {
    if (value === undefined) continue;
    const url = value.includes("://") ? value : `http://${value}`;
    // The value is not shown: it may hold a password.
    if (!URL.canParse(url) || !/^https?:/i.test(url))
      throw new UsageError(`the environment variable ${name} is not the URL of an HTTP proxy; correct or unset it`);
  }
}

/** Returns the arguments of curl for the same connection, quoted for a shell, without secrets. */
export function curlArguments({
  header = [],
  headerEnv = [],
  ca,
  cert,
  key,
  insecure,
  http2,
}: ConnectionFlags): string[] {
  const fromEnvironment = headerEnv.map((it) => {
    const [name = "", variable = ""] = it.split("=");
    return `-H "${name}: $${variable}"`;
  });
  const files = Object.entries({ cacert: ca, cert, key }).flatMap(([name, path]) =>
    path === undefined ? [] : [`--${name} ${quoted(path)}`],
  );
  return [
    ...header.map((it) => `-H ${singleQuoted(it)}`),
    ...fromEnvironment,
    ...files,
    ...(insecure ? ["-k"] : []),
    ...(http2 === false ? ["--http1.1"] : []),
  ];
}

/** Returns the arguments that make the same connection again, without secrets: those are in files and variables. */
export function connectionArguments(flags: ConnectionFlags): string[] {
  const { header = [], headerEnv = [], ca, cert, key, insecure, http2, connectTimeout, maxRequestsPerSecond } = flags;
  return [
    ...header.flatMap((it) => ["--header", it]),
    ...headerEnv.flatMap((it) => ["--header-env", it]),
    ...Object.entries({ ca, cert, key }).flatMap(([name, path]) => (path === undefined ? [] : [`--${name}`, path])),
    ...(insecure ? ["--insecure"] : []),
    ...(http2 ? [] : ["--no-http2"]),
    ...(connectTimeout === CONNECT_TIMEOUT ? [] : ["--connect-timeout", String(connectTimeout)]),
    ...(maxRequestsPerSecond === undefined ? [] : ["--max-requests-per-second", String(maxRequestsPerSecond)]),
  ];
}
