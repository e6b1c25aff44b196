import type { Contents } from "../contents/aspects.js";
import { isContentAspect, type Variation, variationOf } from "../harness/variation.js";

/** Sum of the payloads of a program's messages up to which they may have the largest size, in bytes. */
const MAX_TOTAL_BYTES = 1 << 20;
/** Largest size of further payloads, in bytes. */
const MAX_FURTHER_BYTES = 1000;

/** The forms of the requests of some steps, and the contents of their messages. */
export class Look {
  readonly forms: Variation["forms"];
  readonly #contents: Contents;
  readonly #looks: Looks;
  #messages = 0;

  constructor({ forms, contents }: Variation, looks: Looks) {
    this.forms = forms;
    this.#contents = contents;
    this.#looks = looks;
  }

  /** Returns a client_message_id that no other message of the program has. */
  id(unique: string): string {
    return this.#looks.claimed(this.#contents.id(unique), unique);
  }

  /** Returns a payload for the next message. It is the same each time that the program runs. */
  payload(maxBytes: number): Uint8Array {
    this.#messages += 1;
    const limit = this.#looks.mayBeLarge ? maxBytes : Math.min(maxBytes, MAX_FURTHER_BYTES);
    const payload = this.#contents.payload(`message ${this.#messages}`, limit);
    this.#looks.bytes += payload.length;
    return payload;
  }
}

/**
 * What varies in a program. Each step has the number of a look: steps of one look continue each other, and no look
 * depends on another one. So the steps of a shorter program look as before, in whatever order they run.
 */
export class Looks {
  /** Sum of the payloads so far, in bytes. */
  bytes = 0;
  readonly #seed: number;
  readonly #aspects: ReadonlySet<string>;
  readonly #looks = new Map<number | string, Look>();
  readonly #ids = new Set<string>();

  /** `aspects` are those that are switched on. With the seed 0 all is plain. */
  constructor(seed: number, aspects: ReadonlySet<string>) {
    this.#seed = seed;
    this.#aspects = seed === 0 ? new Set() : aspects;
  }

  /** Returns the look with a number or a name; 0 is the plain one. */
  of(name: number | string): Look {
    const known = this.#looks.get(name);
    if (known !== undefined) return known;
    const look = new Look(variationOf(this.#seed, `look ${name}`, name === 0 ? new Set() : this.#aspects), this);
    this.#looks.set(name, look);
    return look;
  }

  /** Whether a step with this look may vary. */
  varies(name: number): boolean {
    return name !== 0 && this.#aspects.size > 0;
  }

  /** The aspects that varied: of the form, those that applied to a request. */
  get varied(): string[] {
    const used = new Set<string>([...this.#looks.values()].flatMap(({ forms }) => [...forms.used]));
    const hasVaried = [...this.#looks.keys()].some((name) => typeof name === "number" && this.varies(name));
    return [...this.#aspects].filter((name) => used.has(name) || (hasVaried && isContentAspect(name)));
  }

  get mayBeLarge(): boolean {
    return this.bytes < MAX_TOTAL_BYTES;
  }

  /** Returns an id, or `unique` if another message has it. */
  claimed(id: string, unique: string): string {
    const free = this.#ids.has(id) ? unique : id;
    this.#ids.add(free);
    return free;
  }
}
