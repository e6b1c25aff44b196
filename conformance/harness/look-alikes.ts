/**
 * Texts that a careless comparison takes for a name: its start, the name with more at either end, and other cases. They
 * are derived from the name, so that none is left out because nobody thought of it.
 */
export function lookAlikes(name: string): string[] {
  const prefixes = [name.slice(0, 1), name.slice(0, Math.ceil(name.length / 2)), name.slice(0, -1)];
  const longer = [`${name}s`, `${name}2`, `${name}${name}`, `x${name}`, `x-${name}`, `${name}-x`];
  const inOtherCase = [name.toLowerCase(), name.toUpperCase(), name.charAt(0).toLowerCase() + name.slice(1)];
  return [...new Set([...prefixes, name.slice(1), ...longer, ...inOtherCase])].filter((it) => it !== name && it !== "");
}
