/** Anchors that are not headings. They are stable, because other sites link to them. */

/** Anchor of a case, such as "case-ack-worked-example" for "ack/worked-example". */
export const caseAnchor = (id: string): string => `case-${id.replaceAll("/", "-")}`;

/** Anchor of a mutant, such as "mutant-ack-on-answer". */
export const mutantAnchor = (name: string): string => `mutant-${name}`;

/** HTML of an anchor. */
export const anchor = (id: string): string => `<a id="${id}"></a>`;
