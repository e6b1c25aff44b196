/** Loaded before the command, to see what it says of a bug of its own. */
import { Judge } from "../../judge/judge.js";

Judge.prototype.finish = () => {
  throw new RangeError("the judge is broken");
};
