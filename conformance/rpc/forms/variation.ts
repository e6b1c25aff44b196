import { seeded } from "../../random.js";
import { FORM_ASPECTS, type FormAspect, type FormChoice } from "./aspects.js";

/** Share of the requests that an aspect applies to: less for those that take time. */
const SHARE: Readonly<Partial<Record<FormAspect, number>>> = { packets: 0.1, connection: 0.1, chunked: 0.2 };
const USUAL_SHARE = 0.35;

/**
 * Chooses the forms of the requests of one run of a case. What it chooses depends only on the seed, the name and the
 * number of the request, and for each aspect not on the others: without an aspect the rest stays the same.
 */
export class FormVariation {
  /** The aspects that have applied so far. */
  readonly used = new Set<FormAspect>();
  readonly #seed: number;
  readonly #name: string;
  readonly #aspects: ReadonlySet<string>;
  #requests = 0;

  /** `name` is that of the run, and `aspects` those that are switched on. */
  constructor(seed: number, name: string, aspects: ReadonlySet<string>) {
    this.#seed = seed;
    this.#name = name;
    this.#aspects = aspects;
  }

  /** Returns the choices for the next request; undefined if no aspect is switched on. */
  next(): FormChoice | undefined {
    if (!FORM_ASPECTS.some(({ name }) => this.#aspects.has(name))) return undefined;
    this.#requests += 1;
    const request = this.#requests;
    const random = (aspect: FormAspect) => seeded(this.#seed, `${this.#name} ${request} ${aspect}`);
    return {
      applies: (aspect) => {
        if (!this.#aspects.has(aspect)) return false;
        const applies = random(aspect)() < (SHARE[aspect] ?? USUAL_SHARE);
        if (applies) this.used.add(aspect);
        return applies;
      },
      random: (aspect) => {
        const next = random(aspect);
        // The first number decided whether the aspect applies.
        next();
        return next;
      },
    };
  }
}
