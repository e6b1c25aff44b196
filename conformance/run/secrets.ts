import type { AccountSource } from "../accounts/source.js";
import { viewsOf } from "./text-views.js";

/** Minimum length of a credential, in characters. Shorter ones would match ordinary words. */
const MIN_LENGTH = 8;

/** Maximum length and number of the texts that are remembered as free of secrets. */
const MAX_CLEAN_LENGTH = 200;
const MAX_CLEAN = 20_000;

const HASHES = 1 << 16;
const hashAt = (text: string, at: number) =>
  ((text.charCodeAt(at) << 10) ^ (text.charCodeAt(at + 1) << 5) ^ text.charCodeAt(at + 2)) & (HASHES - 1);

/** Minimum length of the beginning of a form that is hidden although the rest of it is missing. */
const MIN_PART = 16;

/** Options that hold secrets. */
interface SecretOptions {
  fixtureToken?: string | undefined;
  headers?: Readonly<Record<string, string>>;
}

/** A part of a text, and what is shown instead of it. */
interface Hit {
  start: number;
  end: number;
  instead: string;
}

/**
 * Removes the credentials of a run from its reports and histories. The suite records none, but a server may return them
 * in an error message, an id or a payload: as they are, in other case, in base64 or hex, or with any of their characters
 * escaped.
 */
export class Secrets {
  /** The replacement of each form of a secret, by its first characters and its length. In lower case. */
  readonly #forms = new Map<string, Map<number, Map<string, string>>>();
  #longest = 0;
  /** Whether a form begins with three characters of this hash: most places in a text are excluded by it. */
  readonly #begins = new Uint8Array(HASHES);
  /** Short texts without a secret: ids, names of clients and the like occur again and again. */
  #clean = new Set<string>();

  /** The secrets of these options. Those of accounts are added when they are leased. */
  static of({ fixtureToken = "", headers = {} }: SecretOptions): Secrets {
    const secrets = new Secrets();
    secrets.add(fixtureToken, "[the fixtures' token]");
    secrets.addHeaders(headers);
    return secrets;
  }

  /** Adds a credential and its replacement. */
  add(secret: string, instead: string): void {
    if (secret.length < MIN_LENGTH) return;
    this.#clean = new Set();
    for (const form of formsOf(secret)) {
      const start = form.slice(0, MIN_LENGTH);
      const byLength = this.#forms.get(start) ?? new Map<number, Map<string, string>>();
      const own = byLength.get(form.length) ?? new Map<string, string>();
      if (!own.has(form)) own.set(form, instead);
      this.#forms.set(start, byLength.set(form.length, own));
      this.#begins[hashAt(form, 0)] = 1;
      this.#longest = Math.max(this.#longest, form.length);
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

  /** Adds the token of an account. Some test servers use the user id as the token: it is not secret, and appears everywhere. */
  addAccount({ userId, token }: { userId: string; token: string }): void {
    if (userId !== token) this.add(token, `[token of ${userId}]`);
  }

  /** Wraps a source of accounts: adds the token of each account that it leases. */
  watch(source: AccountSource): AccountSource {
    return {
      description: source.description,
      unavailableReason: (request) => source.unavailableReason(request),
      lease: async (request) => {
        const leases = await source.lease(request);
        for (const lease of leases) this.addAccount(lease);
        return leases;
      },
      isSingleUse: source.isSingleUse,
      release: (leases) => source.release(leases),
      rotateEpoch: source.rotateEpoch?.bind(source),
      revokeToken: source.revokeToken?.bind(source),
      stepClock: source.stepClock?.bind(source),
    };
  }

  /** Replaces each credential in all strings and bytes of a value, in place. */
  hide<T>(value: T): T {
    return this.#hidden(value) as T;
  }

  #hidden(value: unknown): unknown {
    if (typeof value === "string") return this.#text(value, false);
    if (value instanceof Uint8Array) {
      const text = Buffer.from(value).toString("latin1");
      // Of long bytes only the first are kept: they may end within a credential.
      const hidden = this.#text(text, true);
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

  #text(text: string, isCut: boolean): string {
    if (text.length < MIN_LENGTH || this.#forms.size === 0 || this.#clean.has(text)) return text;
    const hits = viewsOf(text).flatMap(({ text: view, sourceOf }) =>
      [...this.#whole(view), ...this.#begun(view, isCut)].map(({ start, end, instead }) => ({
        start: sourceOf(start).start,
        end: sourceOf(end - 1).end,
        instead,
      })),
    );
    if (hits.length === 0) {
      if (text.length <= MAX_CLEAN_LENGTH && this.#clean.size < MAX_CLEAN) this.#clean.add(text);
      return text;
    }
    hits.sort((a, b) => a.start - b.start || b.end - a.end);
    let done = 0;
    let result = "";
    for (const { start, end, instead } of hits) {
      if (end <= done) continue;
      if (start >= done) result += text.slice(done, start) + instead;
      done = end;
    }
    return result + text.slice(done);
  }

  /** Finds the secrets in a text, and long beginnings of them, which a server cut. The time hardly depends on their number. */
  #whole(text: string): Hit[] {
    const hits: Hit[] = [];
    for (let at = 0; at + MIN_LENGTH <= text.length; at += 1) {
      if (this.#begins[hashAt(text, at)] === 0) continue;
      const byLength = this.#forms.get(text.slice(at, at + MIN_LENGTH));
      for (const [length, own] of byLength ?? []) {
        const instead = own.get(text.slice(at, at + length));
        if (instead !== undefined) hits.push({ start: at, end: at + length, instead });
      }
      if (byLength !== undefined) {
        const length = longestStart(text, at, byLength);
        if (length >= MIN_PART) hits.push({ start: at, end: at + length, instead: "[token]" });
      }
    }
    return hits;
  }

  /** Finds the beginning of a secret at the end of a text that was cut, and before each "…", which shows a cut. */
  #begun(text: string, isCut: boolean): Hit[] {
    const cuts = [...text.matchAll(/…/g)].map(({ index }) => index);
    if (isCut) cuts.push(text.length);
    return cuts.flatMap((end): Hit[] => {
      for (let at = Math.max(end - this.#longest, 0); at + MIN_LENGTH <= end; at += 1) {
        const byLength = this.#forms.get(text.slice(at, at + MIN_LENGTH));
        const rest = text.slice(at, end);
        const forms = [...(byLength?.values() ?? [])].flatMap((own) => [...own.keys()]);
        if (forms.some((form) => form.startsWith(rest))) return [{ start: at, end, instead: "[token]" }];
      }
      return [];
    });
  }
}

/** Length of the longest beginning of a form at this place of a text. */
function longestStart(text: string, at: number, byLength: ReadonlyMap<number, ReadonlyMap<string, string>>): number {
  let longest = 0;
  for (const own of byLength.values()) {
    for (const form of own.keys()) {
      while (longest < form.length && text.startsWith(form.slice(0, longest + 1), at)) longest += 1;
    }
  }
  return longest;
}

/** Returns the forms in which a secret is searched for, in lower case. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const encoded = [bytes.toString("latin1"), bytes.toString("hex"), ...inBase64(bytes)].map((form) =>
    form.toLowerCase(),
  );
  // A secret that itself looks like an escape is decoded with the text around it.
  const read = viewsOf(secret).map(({ text }) => text);
  return [...new Set([...read, ...encoded])].filter((form) => form.length >= MIN_LENGTH);
}

/** Returns the forms of a secret within base64, for each offset: the characters that depend only on the secret. */
function inBase64(secret: Uint8Array): string[] {
  return [0, 1, 2].flatMap((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), secret]);
    const core = (text: string) =>
      text.slice(Math.ceil((offset * 4) / 3), Math.floor((bytes.length * 4) / 3)).replaceAll("=", "");
    return [core(bytes.toString("base64")), core(bytes.toString("base64url"))];
  });
}
