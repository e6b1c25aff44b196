import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** How many of these are still there after the garbage was collected. Objects may need a turn to go: poll it. */
export function alive(refs: readonly WeakRef<object>[]): number {
  collect();
  return refs.filter((ref) => ref.deref() !== undefined).length;
}
