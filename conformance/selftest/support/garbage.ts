import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Counts the objects that survive a garbage collection. An object may be freed only by a later one, so poll this. */
export function alive(refs: readonly WeakRef<object>[]): number {
  collect();
  return refs.filter((ref) => ref.deref() !== undefined).length;
}
