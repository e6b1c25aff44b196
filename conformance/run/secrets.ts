import type { AccountSource } from "../accounts/source.js";

/** Shorter ones are no secrets, and would be found in every other word. In characters. */
const MIN_LENGTH = 8;

/**
 * The credentials of a run. The suite records none, but a server may answer them, in an error's text, an id or a payload; what is
 * kept of a run goes through here, so that neither a report nor a history holds one.
 */
export class Secrets {
  readonly #byLength = new Map<number, Map<string, string>>();

  /** Remembers a credential, and what to write in its place. */
  add(secret: string, instead: string): void {
    if (secret.length < MIN_LENGTH) return;
    const own = this.#byLength.get(secret.length) ?? new Map<string, string>();
    this.#byLength.set(secret.length, own.set(secret, instead));
  }

  /** Remembers what is sent with each request: a header's whole value, and the credential after the scheme. */
  addHeaders(headers: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(headers)) {
      this.add(value, `[value of ${name}]`);
      this.add(/^\w+ +(\S+)$/.exec(value)?.[1] ?? "", `[value of ${name}]`);
    }
  }

  /** The same accounts; the token of each one that is lent is remembered. */
  watch(source: AccountSource): AccountSource {
    return {
      route: source.route,
      lacks: (wish) => source.lacks(wish),
      lease: async (wish) => {
        const leases = await source.lease(wish);
        // Some servers in a test take the user id for the token: that is no secret, and stands everywhere.
        for (const { userId, token } of leases) if (userId !== token) this.add(token, `[token of ${userId}]`);
        return leases;
      },
      release: (leases) => source.release(leases),
      rotateEpoch: source.rotateEpoch?.bind(source),
      revokeToken: source.revokeToken?.bind(source),
    };
  }

  /** Replaces each credential in all strings and bytes of a value, in place. */
  hide<T>(value: T): T {
    return this.#hidden(value) as T;
  }

  #hidden(value: unknown): unknown {
    if (typeof value === "string") return this.#text(value);
    if (value instanceof Uint8Array) {
      const text = Buffer.from(value).toString("latin1");
      const hidden = this.#text(text);
      return hidden === text ? value : Buffer.from(hidden, "latin1");
    }
    if (typeof value !== "object" || value === null) return value;
    const fields = value as Record<string, unknown>;
    for (const [key, field] of Object.entries(fields)) {
      const hidden = this.#hidden(field);
      // Nearly always there is nothing to hide, and then nothing is written.
      if (hidden !== field) fields[key] = hidden;
    }
    return value;
  }

  /** By looking up each piece that has the length of a secret: the time does not depend on how many there are. */
  #text(text: string): string {
    for (const [length, secrets] of this.#byLength) {
      for (let at = 0; at + length <= text.length; at += 1) {
        const instead = secrets.get(text.slice(at, at + length));
        if (instead !== undefined) return this.#text(text.slice(0, at)) + instead + this.#text(text.slice(at + length));
      }
    }
    return text;
  }
}
