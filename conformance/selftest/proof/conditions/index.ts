import type { ConditionFamily, ConditionKind } from "../condition.js";
import { codecs, events } from "./after.js";
import { contents } from "./contents.js";
import { counts } from "./counts.js";
import { forms } from "./forms.js";
import { times } from "./times.js";

/** All families of conditions, by kind: each kind is drawn equally often. */
export const CONDITIONS: Readonly<Record<ConditionKind, readonly ConditionFamily[]>> = {
  content: contents,
  count: counts,
  time: times,
  form: forms,
  codec: codecs,
  after: events,
};
