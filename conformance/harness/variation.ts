import { CONTENT_ASPECTS, type Contents } from "../contents/aspects.js";
import { PlainContents, VariedContents } from "../contents/varied-contents.js";
import { seeded } from "../random.js";
import type { RequirementId } from "../requirements/requirements.js";
import type { Codec } from "../rpc/connect.js";
import { type Aspect, FORM_ASPECTS } from "../rpc/forms/aspects.js";
import { FormVariation } from "../rpc/forms/variation.js";

/** What can vary in the requests and the messages of a run: the names that `--vary` takes. */
export const ASPECTS: readonly string[] = [...FORM_ASPECTS, ...CONTENT_ASPECTS].map(({ name }) => name);

/** The forms and contents of one run of a case, by its seed. */
export interface Variation {
  forms: FormVariation;
  contents: Contents;
}

/** Makes the variation of a run. `aspects` are those that are switched on; with none, all is plain. */
export function variationOf(seed: number, name: string, aspects: ReadonlySet<string>): Variation {
  const hasContents = CONTENT_ASPECTS.some((it) => aspects.has(it.name));
  return {
    forms: new FormVariation(seed, name, aspects),
    contents: hasContents ? new VariedContents(seeded(seed, `${name} contents`), aspects) : new PlainContents(),
  };
}

/** The aspects of the form that apply to a codec, and those of the contents. */
export function aspectsOf(codec: Codec): string[] {
  const forms: readonly Aspect[] = FORM_ASPECTS;
  return [...forms.filter((it) => (it.codec ?? codec) === codec), ...CONTENT_ASPECTS].map(({ name }) => name);
}

/** Completes "only with …". */
export function describeAspect(name: string): string {
  const aspects: readonly Pick<Aspect, "name" | "about">[] = [...FORM_ASPECTS, ...CONTENT_ASPECTS];
  return aspects.find((it) => it.name === name)?.about ?? name;
}

/** The requirement of a server that handles an aspect of the form differently; undefined for contents. */
export function requirementOfAspect(name: string, codec: Codec): RequirementId | undefined {
  const forms: readonly Aspect[] = FORM_ASPECTS;
  const requirement = forms.find((it) => it.name === name)?.requirement;
  return typeof requirement === "object" ? requirement[codec] : requirement;
}

/** Whether an aspect is one of the contents. */
export const isContentAspect = (name: string) => CONTENT_ASPECTS.some((it) => it.name === name);
