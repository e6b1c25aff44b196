/** Bad usage or configuration: printed in one line that says what to do, exit code 2. */
export class UsageError extends Error {}

/**
 * Normalizes a base URL of a server.
 *
 * @throws UsageError if it is not an absolute URL of http or https, or holds a credential, a query or a fragment.
 */
export function targetUrl(text: string): string {
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
      "a URL must not hold a user or a password, because other users can read command lines; use --accounts or --header-env",
    );
  if (url.search !== "" || url.hash !== "")
    throw new UsageError(
      `"${text}" has a query or a fragment; use the base URL, to which the paths of the RPCs are added`,
    );
  return url.href;
}
