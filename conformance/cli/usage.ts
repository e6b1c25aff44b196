/** Invalid usage or configuration. The command prints the message in one line, and exits with code 2. */
export class UsageError extends Error {}

/**
 * Normalizes a base URL of a server.
 *
 * @throws UsageError if it is not an absolute URL of http or https, or contains a credential, a query or a fragment.
 */
export function targetUrl(text: string): string {
  if (!text.includes("://") && URL.canParse(`http://${text}`))
    throw new UsageError(`"${text}" has no scheme; did you mean http://${text}?`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new UsageError(`"${text}" is not a URL; use one like http://127.0.0.1:8080`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new UsageError(`"${text}" has the wrong scheme; use http:// or https://`);
  if (url.username !== "" || url.password !== "")
    throw new UsageError(
      "a URL must not contain a user name or a password, because other users can read command lines; use --accounts or --header-env",
    );
  if (url.search !== "" || url.hash !== "")
    throw new UsageError(
      `"${text}" has a query or a fragment; use the base URL; the client appends the paths of the RPCs`,
    );
  return url.href;
}
