/**
 * A module that breaks the judge. A test loads it before the command, to see how the command reports a bug of the
 * suite.
 */
import { Judge } from "../../judge/judge.js";

Judge.prototype.finish = () => {
  throw new RangeError("the judge is broken");
};
