/** Anchors of what is not a heading. They stay: others link to them. */

/** Such as "case-ack-worked-example" for the case "ack/worked-example". */
export const caseAnchor = (id: string): string => `case-${id.replaceAll("/", "-")}`;

/** Such as "fault-delivery-acks". */
export const faultAnchor = (name: string): string => `fault-${name}`;

/** An anchor as the pages write it. */
export const anchor = (id: string): string => `<a id="${id}"></a>`;
