import { UsageError } from "./usage.js";

/** Headers that requests have of themselves, or that decide how they are read. */
const OWN = [
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

/** Names under which secrets travel: they are not to stand in a command line, which others can read. */
const SECRET = /cookie|token|secret|password|api-?key|auth|credential/i;

/** The headers that --header ("Name: value") and --header-env ("NAME=ENVVAR") give. */
export function headersOf(
  given: readonly string[],
  fromEnv: readonly string[],
  env: NodeJS.ProcessEnv,
): Record<string, string> {
  const headers: Record<string, string> = {};
  const add = (option: string, name: string, value: string) => {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name))
      throw new UsageError(`${option}: "${name}" is no name of a header`);
    // The value is not shown: it may be a secret.
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new UsageError(`${option}: the value of ${name} has characters that no header can have`);
    const lower = name.toLowerCase();
    if (OWN.includes(lower)) throw new UsageError(`${option}: ${name} is set by the suite itself`);
    if (lower in headers) throw new UsageError(`${option}: ${name} is given twice`);
    headers[lower] = value.trim();
  };
  for (const text of given) {
    const [, name, value] = /^([^:]*):(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new UsageError(`--header: want 'Name: value'`);
    if (SECRET.test(name) && !OWN.includes(name.toLowerCase()))
      throw new UsageError(
        `--header: ${name} may be a secret, and others can read command lines; put its value into the environment and give --header-env ${name}=ENVVAR`,
      );
    add("--header", name, value);
  }
  for (const text of fromEnv) {
    const [, name, variable] = /^([^=]*)=(\w+)$/.exec(text) ?? [];
    if (name === undefined || variable === undefined) throw new UsageError("--header-env: want NAME=ENVVAR");
    const value = env[variable];
    if (value === undefined || value === "")
      throw new UsageError(`--header-env: the environment variable ${variable} is not set`);
    add("--header-env", name, value);
  }
  return headers;
}
