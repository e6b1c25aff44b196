import type { EffectFamily } from "../effect.js";
import type { Target } from "../occasion.js";
import { refusalEffects } from "./refusals.js";
import { retryEffects, sendEffects } from "./send.js";
import { crashEffects, revokedEffects, rotationEffects } from "./states.js";
import { syncEffects } from "./sync.js";
import { wakeEffects } from "./wakes.js";

/** All families of effects, by what they hit. */
export const EFFECTS: Readonly<Record<Target, readonly EffectFamily[]>> = {
  send: sendEffects,
  retry: retryEffects,
  sync: syncEffects,
  refusal: refusalEffects,
  wake: wakeEffects,
  revoked: revokedEffects,
  rotation: rotationEffects,
  crash: crashEffects,
};
