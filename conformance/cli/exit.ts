/** Exit codes of the commands, by name. `exit-code.ts` says what each one means. */
export const EXIT = { ok: 0, violation: 1, usage: 2, inconclusive: 3 } as const;

export type ExitName = keyof typeof EXIT;
