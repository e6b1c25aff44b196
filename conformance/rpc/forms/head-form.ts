import type { FormChoice } from "./aspects.js";

export function varyHead(headers: readonly (readonly [string, string])[], _choice: FormChoice): [string, string][] {
  return headers.map(([name, value]) => [name, value]);
}
