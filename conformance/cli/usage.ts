/** Invalid usage or configuration. The command prints the message in one line, and exits with code 2. */
export class UsageError extends Error {}

/** Path of the RPCs below a base URL. */
const RPC = /\/seqsync\.(conformance\.)?v1\.[^/]*(\/.*)?$/;

/**
 * Normalizes a base URL of a server.
 *
 * @throws UsageError if it is not an absolute URL of http or https, or contains a credential, a query, a fragment or the
 * path of an RPC.
 */
export function targetUrl(text: string): string {
  const meant = withScheme(text);
  if (meant !== undefined) throw new UsageError(`"${text}" has no scheme; did you mean ${meant}?`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new UsageError(`"${text}" is not a URL; use one like http://127.0.0.1:8080`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new UsageError(`the URL has the scheme ${url.protocol}; use http:// or https://`);
  if (url.username !== "" || url.password !== "")
    throw new UsageError(
      "a URL must not contain a user name or a password, because other users can read command lines; use --accounts or --header-env",
    );
  const base = `${url.origin}${url.pathname.replace(RPC, "")}`;
  const didYouMean = `the client appends the paths of the RPCs to the base URL; did you mean ${base}?`;
  if (url.search !== "" || url.hash !== "")
    throw new UsageError(`"${url.origin}${url.pathname}" is followed by a query or a fragment; ${didYouMean}`);
  if (RPC.test(url.pathname)) throw new UsageError(`"${text}" is the URL of an RPC; ${didYouMean}`);
  return url.href;
}

/** Returns the URL that a text without a scheme means, such as `localhost:8080`, `:8080` or `8080`; undefined if none. */
export function withScheme(text: string): string | undefined {
  if (text.includes("://")) return undefined;
  const rest = text.replace(/^(https?)?:?\/{1,2}/, "");
  const at = /^:?\d{1,5}(\/|$)/.test(rest) ? `127.0.0.1:${rest.replace(/^:/, "")}` : rest;
  if (!/^[\w[]/.test(at) || !URL.canParse(`http://${at}`)) return undefined;
  const { hostname, port, username, password } = new URL(`http://${at}`);
  if (username !== "" || password !== "") return undefined;
  // A public name without a port is most likely served over TLS.
  const isPublic = port === "443" || (port === "" && /\.[a-z]{2,}$/i.test(hostname));
  return `${isPublic ? "https" : "http"}://${at}`;
}
