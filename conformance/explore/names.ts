const NAMES = ["bob", "alice", "carol", "dave", "erin", "frank", "grace", "heidi"];
const DEVICES = ["phone", "tablet", "laptop", "watch"];

/** Name of an account of a program, for people. */
export const nameOf = (account: number) => NAMES[account] ?? `user${account}`;

/** Name of a device of an account. */
export const deviceName = (account: number, device: number) =>
  `${nameOf(account)}'s ${DEVICES[device] ?? `device ${device}`}`;
