import { pick, seeded, shuffled } from "../random.js";
import type { ContentAspectName, Contents } from "./aspects.js";
import { CORPUS } from "./corpus.js";
import { Digest } from "./digest.js";
import { ID_KINDS } from "./ids.js";
import { anySize, marked, sized } from "./payloads.js";
import { PlainContents } from "./plain-contents.js";
import { SIMILAR_IDS } from "./similar-ids.js";

export { PlainContents };

/** Share of the ids that begin a family of similar ones. */
const SIMILAR_SHARE = 0.15;
/** Share of the ids and payloads that stay plain. */
const PLAIN_SHARE = 0.1;
/** Payloads of an object are small from this sum of their sizes on, in bytes: some cases send thousands. */
const MAX_TOTAL_BYTES = 1 << 20;

/** Contents of many kinds, which depend on the random numbers and on the aspects that are switched on. */
export class VariedContents implements Contents {
  readonly #random: () => number;
  readonly #aspects: ReadonlySet<string>;
  readonly #plain = new PlainContents();
  readonly #usedIds = new Set<string>();
  /** Ids that resemble the last one. */
  #similar: string[] = [];
  readonly #payloadSeed: number;
  /** Payloads that do not contain a mark, in base64, and the text that each stands for. */
  readonly #textOfUnmarked = new Map<string, string>();
  /** The texts whose payloads may be large. */
  readonly #mayBeLarge = new Map<string, boolean>();
  #totalBytes = 0;
  #ids = 0;

  /** `random` returns numbers from 0 to below 1. */
  constructor(random: () => number, aspects: ReadonlySet<string>) {
    this.#random = random;
    this.#aspects = aspects;
    this.#payloadSeed = Math.floor(random() * 2 ** 32);
  }

  id(unique: string): string {
    this.#ids += 1;
    const id = this.#variedId(new Digest(`${unique}\n${this.#ids}`));
    const chosen = id === undefined || this.#usedIds.has(id) ? this.#plain.id(unique) : id;
    this.#usedIds.add(chosen);
    return chosen;
  }

  /** Returns a varied id; undefined for a plain one. */
  #variedId(digest: Digest): string | undefined {
    const next = this.#similar.shift();
    if (next !== undefined) return next;
    if (this.#has("similar-ids") && this.#random() < SIMILAR_SHARE) {
      const family = pick(this.#random, Object.values(SIMILAR_IDS))(digest);
      const [first, ...others] = shuffled(this.#random, family);
      this.#similar = others.slice(0, this.#random() < 0.7 ? 1 : 2);
      return first;
    }
    if (!this.#has("ids") || this.#random() < PLAIN_SHARE) return undefined;
    return pick(this.#random, Object.values(ID_KINDS))(digest);
  }

  /** Returns the same payload for the same text, so that a case may call it again for a retry. */
  payload(text: string, maxBytes: number): Uint8Array {
    const random = seeded(this.#payloadSeed, text);
    const payload = random() < PLAIN_SHARE ? undefined : this.#variedPayload(random, text, maxBytes);
    return payload ?? this.#plain.payload(text, maxBytes);
  }

  /** Returns a varied payload; undefined if the one that was drawn stands for another text. */
  #variedPayload(random: () => number, text: string, maxBytes: number): Uint8Array | undefined {
    const mark: Buffer = Buffer.from(new Digest(`${this.#payloadSeed} ${text}`).word(8));
    const content = this.#contentOf(random, text, mark);
    const isResized = this.#has("payload-sizes") && (!this.#has("payloads") || random() < 0.5);
    const size = isResized ? this.#sizeOf(random, text, maxBytes) : Math.min(content.length, maxBytes);
    const payload = size === content.length ? content : sized(random, content, mark, size);
    return this.#isFree(payload, mark, text) ? payload : undefined;
  }

  #contentOf(random: () => number, text: string, mark: Uint8Array): Uint8Array {
    if (!this.#has("payloads")) return Buffer.from(text);
    const kind = random();
    if (kind < 0.4) return pick(random, CORPUS).bytes;
    if (kind < 0.6) return Buffer.from(pick(random, Object.values(ID_KINDS))(new Digest(mark.toString())));
    return marked(random, mark);
  }

  #sizeOf(random: () => number, text: string, maxBytes: number): number {
    const mayBeLarge = this.#mayBeLarge.get(text) ?? this.#totalBytes < MAX_TOTAL_BYTES;
    const size = anySize(random, maxBytes, mayBeLarge);
    if (!this.#mayBeLarge.has(text)) this.#totalBytes += size;
    this.#mayBeLarge.set(text, mayBeLarge);
    return size;
  }

  /** Whether a payload stands for no other text. One with the mark of its text is always free. */
  #isFree(payload: Uint8Array, mark: Buffer, text: string): boolean {
    const bytes = Buffer.from(payload);
    if (bytes.includes(mark)) return true;
    const key = bytes.toString("base64");
    const other = this.#textOfUnmarked.get(key) ?? text;
    this.#textOfUnmarked.set(key, other);
    return other === text;
  }

  #has(aspect: ContentAspectName): boolean {
    return this.#aspects.has(aspect);
  }
}
