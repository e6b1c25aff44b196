import type { Lease } from "../accounts/source.js";
import type { SendArguments } from "../rpc/client.js";
import type { DeviceState } from "./attempts.js";
import { nameOf } from "./names.js";

/** An account of a program, with the state of its clients. */
export class ProgramAccount {
  readonly lease: Lease;
  readonly name: string;
  readonly devices: DeviceState[];
  /** The last message that the account has sent first. */
  lastSent: SendArguments | undefined;
  /** The first message that the account has sent. */
  firstSent: SendArguments | undefined;
  /** The last message of the account that the server had to refuse. */
  lastRefused: SendArguments | undefined;
  /** Whether its token is valid. It is indeterminate while it is being revoked, and after a failed revocation. */
  token: "valid" | "indeterminate" | "revoked" = "valid";

  constructor(index: number, lease: Lease, devices: number) {
    this.lease = lease;
    this.name = nameOf(index);
    this.devices = Array.from({ length: devices }, () => ({ cliSeq: 0, epoch: "", previous: 0 }));
  }
}
