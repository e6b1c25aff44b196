import { Context } from "../../harness/context.js";

/** At the end of a finding's message: it is what the case itself expects that was not met, whatever the judge saw. */
const OWN = " [expected by the case]";

const { fail } = Context.prototype;

/** From now on the findings of cases say which of them the judge would not have made. For processes that prove, and no others. */
export function tellOwn(): void {
  Context.prototype.fail = function (this: Context, requirement, message, expected, actual): never {
    return fail.call(this, requirement, message + OWN, expected, actual) as never;
  };
}

export const isOwn = ({ message }: { message: string }) => message.endsWith(OWN);

export const withoutMark = (message: string) => (message.endsWith(OWN) ? message.slice(0, -OWN.length) : message);
