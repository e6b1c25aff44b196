import type { Message } from "../../../proto/gen/seqsync/v1/message_pb.js";
import type {
  SendRequest,
  SendResponse,
  SyncRequest,
  SyncResponse,
  WatchResponse,
} from "../../../proto/gen/seqsync/v1/service_pb.js";
import type { Account, Caller } from "../../../reference-server/accounts.js";
import type { Refusal } from "../../../reference-server/errors.js";
import type { Service } from "../../../reference-server/service.js";
import type { RequirementId } from "../../requirements/requirements.js";
import type { Draw } from "./condition.js";
import type { FreshInbox } from "./fresh-inbox.js";
import type { AccountLog, Traffic } from "./traffic.js";

/** What goes wrong. */
export const EFFECT_KINDS = [
  "lost",
  "doubled",
  "reordered",
  "altered",
  "late",
  "misattributed",
  "wrong number",
  "wrong code",
] as const;
export type EffectKind = (typeof EFFECT_KINDS)[number];

/** What all faulty operations need. `inbox` and `log` are those of the account whose inbox is concerned. */
interface Call {
  service: Service;
  caller: Caller;
  inbox: FreshInbox;
  log: AccountLog;
  traffic: Traffic;
  /** Another account than the caller and the owner of the inbox; undefined if there is none. */
  stranger: Account | undefined;
  /** When the request arrived. */
  arrivedAt: number;
}

export interface SendCall extends Call {
  request: SendRequest;
  recipient: Account;
  /** Carries the Send out as the reference server does. */
  real: () => SendResponse;
}

export interface SyncCall extends Call {
  request: SyncRequest;
  real: (change?: Partial<SyncRequest>) => SyncResponse;
}

export interface RefusedCall extends Call {
  rpc: "Send" | "Sync";
  refusal: Refusal;
  send: SendRequest | undefined;
  sync: SyncRequest | undefined;
  /** Carries out the call with other fields, as the reference server does. */
  realSync: (change: Partial<SyncRequest>) => SyncResponse;
}

/** A Watch, at a frame about a new message. */
export interface WakeCall extends Omit<Call, "caller"> {
  frame: WatchResponse;
  /** The frame before; undefined if this is the first. */
  before: WatchResponse | undefined;
  write: (frame: WatchResponse) => boolean;
  /** From now on, no frame is written, until the returned function is called. */
  silence: () => () => void;
  isOpen: () => boolean;
}

export interface RotationCall extends Pick<Call, "inbox" | "log" | "traffic"> {
  account: Account;
  /** The epochs that the inbox had before. */
  epochs: readonly string[];
  real: () => void;
}

export interface CrashCall extends Pick<Call, "inbox" | "log" | "traffic" | "stranger"> {
  message: Message;
}

/** The body of an effect: it carries the call out wrongly, or rightly if the fault could not show in it. */
export type Effect = {
  kind: EffectKind;
  /** What happens, as a clause after the condition: "the message is accepted, but not stored". */
  about: string;
  /** The requirements that it violates: the suite is right if it blames one of them. */
  breaks: readonly [RequirementId, ...RequirementId[]];
} & (
  | { target: "send" | "retry"; apply(call: SendCall): SendResponse | Promise<SendResponse> }
  | { target: "sync"; apply(call: SyncCall): SyncResponse | Promise<SyncResponse> }
  | { target: "refusal"; apply(call: RefusedCall): SendResponse | SyncResponse }
  | { target: "wake"; apply(call: WakeCall): boolean }
  | { target: "revoked"; refusal: Refusal | undefined }
  | { target: "rotation"; apply(call: RotationCall): void }
  | { target: "crash"; apply(call: CrashCall): void }
);

/** A family of effects that differ in their parameters. */
export type EffectFamily = (draw: Draw) => Effect;
