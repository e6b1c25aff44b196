import type { AccountSource } from "../accounts/source.js";

/** Minimum length of a credential, in characters. Shorter ones would match ordinary words. */
const MIN_LENGTH = 8;

/**
 * Removes the credentials of a run from its reports and histories. The suite records none, but a server may return them
 * in an error message, an id or a payload, as they are or in base64.
 */
export class Secrets {
  /** Replacements of secrets, by length and secret. */
  readonly #byLength = new Map<number, Map<string, string>>();
  /** Secrets by their first MIN_LENGTH characters. */
  readonly #byStart = new Map<string, string[]>();

  /** Adds a credential and its replacement. */
  add(secret: string, instead: string): void {
    if (secret.length < MIN_LENGTH) return;
    for (const form of [secret, ...inBase64(secret)]) {
      const own = this.#byLength.get(form.length) ?? new Map<string, string>();
      if (own.has(form)) continue;
      this.#byLength.set(form.length, own.set(form, instead));
      const start = form.slice(0, MIN_LENGTH);
      this.#byStart.set(start, [...(this.#byStart.get(start) ?? []), form]);
    }
  }

  /**
   * Adds the values of headers that are sent with each request: the whole value, and the credential after the scheme.
   */
  addHeaders(headers: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(headers)) {
      this.add(value, `[value of ${name}]`);
      this.add(/^\w+ +(\S+)$/.exec(value)?.[1] ?? "", `[value of ${name}]`);
    }
  }

  /** Wraps a source of accounts: adds the token of each account that it leases. */
  watch(source: AccountSource): AccountSource {
    return {
      description: source.description,
      unavailableReason: (request) => source.unavailableReason(request),
      lease: async (request) => {
        const leases = await source.lease(request);
        // Some test servers use the user id as the token: it is not secret, and appears everywhere.
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
    // A shortened text, and bytes of which only the first are kept, may end within a credential.
    if (typeof value === "string") {
      const text = this.#text(value);
      return text.endsWith("…") ? `${this.#withoutPartialSecret(text.slice(0, -1))}…` : text;
    }
    if (value instanceof Uint8Array) {
      const text = Buffer.from(value).toString("latin1");
      const hidden = this.#withoutPartialSecret(this.#text(text));
      return hidden === text ? value : new Uint8Array(Buffer.from(hidden, "latin1"));
    }
    if (typeof value !== "object" || value === null) return value;
    const fields = value as Record<string, unknown>;
    for (const [key, field] of Object.entries(fields)) {
      const hidden = this.#hidden(field);
      // Most values hold no secret; they are not assigned.
      if (hidden !== field) fields[key] = hidden;
    }
    return value;
  }

  /** Looks up every substring that has the length of a secret: the time does not depend on the number of secrets. */
  #text(text: string): string {
    for (const [length, secrets] of this.#byLength) {
      for (let at = 0; at + length <= text.length; at += 1) {
        const instead = secrets.get(text.slice(at, at + length));
        if (instead !== undefined) return this.#text(text.slice(0, at)) + instead + this.#text(text.slice(at + length));
      }
    }
    return text;
  }

  /** Removes the beginning of a secret from the end of a text. */
  #withoutPartialSecret(text: string): string {
    const longest = Math.max(...this.#byLength.keys(), 0);
    for (let at = Math.max(text.length - longest, 0); at + MIN_LENGTH <= text.length; at += 1) {
      const begun = this.#byStart.get(text.slice(at, at + MIN_LENGTH));
      if (begun?.some((secret) => secret.startsWith(text.slice(at)))) return `${text.slice(0, at)}[token]`;
    }
    return text;
  }
}

/** Returns the forms of a secret within base64, for each offset: the characters that depend only on the secret. */
function inBase64(secret: string): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
    const core = (text: string) =>
      text.slice(Math.ceil((offset * 4) / 3), Math.floor((bytes.length * 4) / 3)).replaceAll("=", "");
    return [core(bytes.toString("base64")), core(bytes.toString("base64url"))].filter(
      (form) => form.length >= MIN_LENGTH,
    );
  });
}
