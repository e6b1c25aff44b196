/**
 * Texts that a careless comparison takes for a name: its start, the name with more at either end, and other cases. They
 * are derived from the name, so that none is left out because nobody thought of it.
 */
export function lookAlikes(name: string): string[] {
  const prefixes = Array.from({ length: name.length - 1 }, (_, index) => name.slice(0, index + 1));
  const longer = [`${name}s`, `${name}2`, `${name}${name}`, `x${name}`, `x-${name}`, `${name}-x`];
  const inOtherCase = [name.toLowerCase(), name.toUpperCase(), name.charAt(0).toLowerCase() + name.slice(1)];
  return [...new Set([...prefixes, name.slice(1), ...longer, ...inOtherCase])].filter((it) => it !== name && it !== "");
}
