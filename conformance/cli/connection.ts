import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { ConnectionOptions } from "../transport/http.js";
import { type ProxySettings, proxySettings } from "../transport/proxy.js";
import { headersOf } from "./headers.js";
import { collect, UsageError, whole } from "./usage.js";

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
}

/** How long a connection may take to be made, in seconds. */
const CONNECT_TIMEOUT = 4;

/** Adds the options that say how a target is reached. */
export function connectionOptions(command: Command): Command {
  return command
    .option("--header <name: value>", "send a header with each request; may be repeated", collect)
    .option(
      "--header-env <name=envvar>",
      "send a header whose value is in the environment, for secrets; may be repeated",
      collect,
    )
    .option("--ca <file>", "trust the certificate authorities in this PEM file, instead of those of Node")
    .option("--cert <file>", "client certificate in PEM, with --key")
    .option("--key <file>", "the client certificate's private key in PEM")
    .option("--insecure", "take any TLS certificate: whoever stands in between can read the tokens")
    .option("--no-http2", "speak HTTP/1.1 also where the server offers HTTP/2")
    .addOption(
      new Option("--connect-timeout <seconds>", "how long a connection may take to be made")
        .argParser(whole(1, 600))
        .default(CONNECT_TIMEOUT),
    )
    .addOption(
      new Option("--max-requests-per-second <n>", "do not ask faster, for targets with a rate limit").argParser(rate),
    );
}

function rate(text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text) || value < 0.1 || value > 100_000)
    throw new InvalidArgumentError("It must be a number from 0.1 to 100000.");
  return value;
}

/** How the target is reached, by the flags and by the environment's proxies. Says aloud what is not safe. */
export function connectionOf(flags: ConnectionFlags, urls: readonly string[], warn: (line: string) => void) {
  const { insecure = false, connectTimeout, maxRequestsPerSecond, http2 } = flags;
  if ((flags.cert === undefined) !== (flags.key === undefined))
    throw new UsageError("--cert and --key go together: give both or neither");
  const ca = pem("--ca", flags.ca);
  const cert = pem("--cert", flags.cert);
  const key = pem("--key", flags.key);
  try {
    createSecureContext({ ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) });
  } catch (error) {
    throw new UsageError(`--cert and --key do not fit: ${(error as Error).message}`);
  }
  if (insecure)
    warn("WARNING: --insecure takes any TLS certificate. Whoever stands in between can read and change everything.");
  const proxy = proxySettings(process.env);
  checkProxy(proxy);
  const headers = headersOf(flags.header ?? [], flags.headerEnv ?? [], process.env);
  if (Object.keys(headers).length > 0 && urls.some(isPlain))
    warn("Note: the target is not on this machine, and http: sends headers and tokens for everybody to read.");
  const connection: ConnectionOptions = {
    headers,
    tls: { insecure, ...(ca ? { ca } : {}), ...(cert && key ? { cert, key } : {}) },
    proxy,
    http2,
    connectTimeoutMs: connectTimeout * 1000,
    ...(maxRequestsPerSecond === undefined ? {} : { maxRequestsPerSecond }),
  };
  return connection;
}

const isPlain = (url: string) => /^http:\/\/(?!localhost[:/]|127\.|\[::1\])/.test(url);

function pem(option: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${option} ${file}: cannot read it: ${(error as NodeJS.ErrnoException).code}`);
  }
  if (!text.includes("-----BEGIN ")) throw new UsageError(`${option} ${file}: that is not PEM`);
  return text;
}

function checkProxy({ http, https }: ProxySettings): void {
  for (const [name, text] of Object.entries({ HTTP_PROXY: http, HTTPS_PROXY: https })) {
    if (text === undefined) continue;
    const whole = text.includes("://") ? text : `http://${text}`;
    // Not shown: it may hold a password.
    if (!URL.canParse(whole) || !/^https?:/i.test(whole))
      throw new UsageError(`the environment variable ${name} is no URL of an HTTP proxy`);
  }
}

/** The flags that reach a target again, for the command that reproduces a failure. It holds no secret: those are in files. */
export function connectionArguments(flags: ConnectionFlags): string[] {
  const { header = [], headerEnv = [], ca, cert, key, insecure, http2, connectTimeout, maxRequestsPerSecond } = flags;
  return [
    ...header.flatMap((it) => ["--header", it]),
    ...headerEnv.flatMap((it) => ["--header-env", it]),
    ...Object.entries({ ca, cert, key }).flatMap(([name, file]) => (file === undefined ? [] : [`--${name}`, file])),
    ...(insecure ? ["--insecure"] : []),
    ...(http2 ? [] : ["--no-http2"]),
    ...(connectTimeout === CONNECT_TIMEOUT ? [] : ["--connect-timeout", String(connectTimeout)]),
    ...(maxRequestsPerSecond === undefined ? [] : ["--max-requests-per-second", String(maxRequestsPerSecond)]),
  ];
}

/** A word as a POSIX shell takes it. */
export const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
