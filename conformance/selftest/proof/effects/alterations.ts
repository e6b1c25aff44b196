/** Ways in which a payload or an id is altered. Each returns the same value if it cannot show. */
import type { Draw } from "../condition.js";

export interface Alteration<T> {
  about: string;
  change: (value: T) => T;
}

const PAYLOADS: readonly Alteration<Uint8Array>[] = [
  { about: "loses its last byte", change: (it) => it.slice(0, -1) },
  { about: "loses its second half", change: (it) => it.slice(0, Math.floor(it.length / 2)) },
  { about: "becomes empty", change: () => new Uint8Array() },
  { about: "has one bit changed", change: (it) => it.map((byte, at) => (at === it.length >> 1 ? byte ^ 1 : byte)) },
  { about: "gets a newline at the end", change: (it) => new Uint8Array([...it, 10]) },
  { about: "begins twice with its first byte", change: (it) => new Uint8Array([...it.slice(0, 1), ...it]) },
];

const IDS: readonly Alteration<string>[] = [
  { about: "loses its last character", change: (it) => ([...it].length > 1 ? [...it].slice(0, -1).join("") : it) },
  { about: "is written in lower case", change: (it) => it.toLowerCase() },
  { about: "is written in capitals", change: (it) => it.toUpperCase() },
  { about: "is replaced by another one", change: (it) => (it === "replaced" ? it : "replaced") },
];

export const payloadAlteration = (draw: Draw) => draw.pick(PAYLOADS);
export const idAlteration = (draw: Draw) => draw.pick(IDS);

export const isEqual = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(b);
