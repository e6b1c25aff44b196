import type { AccountSource } from "../accounts/source.js";

/** Shorter ones are no secrets, and would be found in every other word. In characters. */
const MIN_LENGTH = 8;

/**
 * The credentials of a run. The suite records none, but a server may answer them, in an error's text, an id or a payload; what is
 * kept of a run goes through here, so that neither a report nor a history holds one, as it is or in base64.
 */
export class Secrets {
  /** What to write in place of a secret, by its length and itself. */
  readonly #byLength = new Map<number, Map<string, string>>();
  /** Secrets by their first characters. */
  readonly #byStart = new Map<string, string[]>();

  /** Remembers a credential, and what to write in its place. */
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
      description: source.description,
      unavailableReason: (wish) => source.unavailableReason(wish),
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
    // A text that was shortened may end within a credential, and so may bytes, of which only the beginning is kept.
    if (typeof value === "string") {
      const text = this.#text(value);
      return text.endsWith("…") ? `${this.#withoutBegun(text.slice(0, -1))}…` : text;
    }
    if (value instanceof Uint8Array) {
      const text = Buffer.from(value).toString("latin1");
      const hidden = this.#withoutBegun(this.#text(text));
      return hidden === text ? value : new Uint8Array(Buffer.from(hidden, "latin1"));
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

  /** Without the beginning of a secret at the end. */
  #withoutBegun(text: string): string {
    const longest = Math.max(...this.#byLength.keys(), 0);
    for (let at = Math.max(text.length - longest, 0); at + MIN_LENGTH <= text.length; at += 1) {
      const begun = this.#byStart.get(text.slice(at, at + MIN_LENGTH));
      if (begun?.some((secret) => secret.startsWith(text.slice(at)))) return `${text.slice(0, at)}[token]`;
    }
    return text;
  }
}

/** How a text looks within base64, wherever it stands in what was encoded: the characters that depend on nothing else. */
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
