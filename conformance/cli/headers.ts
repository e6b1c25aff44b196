import { UsageError } from "./usage.js";

/** Headers that the suite sets itself, or that decide how a message is parsed. */
const RESERVED = [
  "authorization",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "host",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Names of headers that usually hold secrets. They must not be on a command line, which other users can read. */
const SECRET = /cookie|token|secret|password|api-?key|auth|credential/i;

/**
 * Returns the headers of --header ("Name: value") and --header-env ("NAME=VARIABLE"). Throws UsageError for an invalid
 * one.
 */
export function headersOf(
  given: readonly string[],
  fromEnv: readonly string[],
  env: NodeJS.ProcessEnv,
): Record<string, string> {
  const headers: Record<string, string> = {};
  const add = (option: string, name: string, value: string) => {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
      throw new UsageError(`${option}: "${name}" is not a valid header name`);
    // The value is not shown: it may be a secret.
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new UsageError(`${option}: the value of ${name} has characters that are not allowed in a header`);
    const lower = name.toLowerCase();
    if (RESERVED.includes(lower)) throw new UsageError(`${option}: ${name} is set by the suite itself; remove it`);
    if (lower in headers) throw new UsageError(`${option}: ${name} is given twice; remove one`);
    headers[lower] = value.trim();
  };
  for (const text of given) {
    const [, name, value] = /^([^:]*):(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new UsageError(`--header ${text}: expected 'Name: value'`);
    if (SECRET.test(name) && !RESERVED.includes(name.toLowerCase()))
      throw new UsageError(
        `--header: ${name} may be a secret, and other users can read command lines; put the value into an environment variable and use --header-env ${name}=VARIABLE`,
      );
    add("--header", name, value);
  }
  for (const text of fromEnv) {
    const [, name, variable] = /^([^=]*)=(\w+)$/.exec(text) ?? [];
    if (name === undefined || variable === undefined)
      throw new UsageError(`--header-env ${text}: expected NAME=VARIABLE`);
    const value = env[variable];
    if (value === undefined || value === "")
      throw new UsageError(
        `--header-env: the environment variable ${variable} is not set; set it, or remove the option`,
      );
    add("--header-env", name, value);
  }
  return headers;
}
