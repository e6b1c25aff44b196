/** What the ids and payloads of messages can differ in. */
export interface ContentAspect {
  /** Name for `--vary`: lower case, with hyphens. */
  name: string;
  /** What is different about the messages: completes "only with …". */
  about: string;
}

/** The aspects of the contents of messages. A server must store all of them unchanged. */
export const CONTENT_ASPECTS = [
  { name: "ids", about: "client_message_ids of many kinds" },
  { name: "similar-ids", about: "client_message_ids that some stores take for equal" },
  { name: "payloads", about: "payloads of many kinds" },
  { name: "payload-sizes", about: "payloads of many sizes" },
] as const satisfies readonly ContentAspect[];

/** Name of an aspect of the contents. */
export type ContentAspectName = (typeof CONTENT_ASPECTS)[number]["name"];

/** Makes the ids and the payloads of a case whose contents do not matter to it. */
export interface Contents {
  /**
   * Returns a client_message_id, of 1 to 64 bytes, that differs from all others of this object and, by `unique`, from
   * those of other cases and runs.
   */
  id(unique: string): string;
  /** Returns a payload of at most `maxBytes`; distinct ones for distinct texts, if their size permits. */
  payload(text: string, maxBytes: number): Uint8Array;
}
