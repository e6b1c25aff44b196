import { create, type DescField, type DescMessage, type Message, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { DurationSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type Event, EventSchema } from "../../../proto/gen/seqsync/conformance/v1/history_pb.js";
import { type Report, ReportSchema } from "../../../proto/gen/seqsync/conformance/v1/report_pb.js";

/** Number of elements in a list, and of the values of an enum that are used. */
const SEVERAL = 2;

/**
 * A report in which every string is from `text`, and all bytes too: reflection fills every field, also those that a later
 * version adds. There are events of each kind and results with each outcome. `text` gets the path of the field.
 */
export function reportFilledWith(text: (field: string) => string): Report {
  const filled = create(ReportSchema);
  const counter = { value: 0 };
  fill(reflect(ReportSchema, filled, false), text, counter);
  const [first] = filled.cases;
  // Each outcome once, as the case's and as the report's own.
  filled.cases = [1, 2, 3, 4, 5, 6].map((outcome) => {
    const result = create(ReportSchema);
    fill(reflect(ReportSchema, result, false), text, counter);
    return { ...(result.cases[0] ?? first), outcome } as NonNullable<typeof first>;
  });
  filled.verdict = 2;
  return filled;
}

/** Events of each kind, filled alike. */
function eventsFilledWith(text: (field: string) => string, counter: { value: number }): Event[] {
  return EventSchema.oneofs.flatMap(({ fields }) =>
    fields.map((body) => {
      const event = create(EventSchema);
      const message = reflect(EventSchema, event, false);
      for (const field of EventSchema.fields)
        if (field.oneof === undefined || field === body) set(message, field, text, counter);
      return event;
    }),
  );
}

function fill(message: ReflectMessage, text: (field: string) => string, counter: { value: number }): void {
  for (const field of message.desc.fields) set(message, field, text, counter);
}

function set(
  message: ReflectMessage,
  field: DescField,
  text: (field: string) => string,
  counter: { value: number },
): void {
  const name = `${message.desc.name}.${field.name}`;
  const one = (desc: DescField): unknown => {
    counter.value += 1;
    if (desc.message !== undefined) return filledMessage(desc.message, text, counter);
    if (desc.enum !== undefined) return desc.enum.values[counter.value % desc.enum.values.length]?.number ?? 0;
    return scalar(desc, text(name), counter);
  };
  if (field.fieldKind === "list") {
    const list = message.get(field);
    if (field.message === EventSchema) {
      for (const event of eventsFilledWith(text, counter)) list.add(reflect(EventSchema, event, false));
    } else for (let index = 0; index < SEVERAL; index += 1) list.add(one(field));
  } else if (field.fieldKind !== "map") message.set(field, one(field));
}

function filledMessage(desc: DescMessage, text: (field: string) => string, counter: { value: number }): ReflectMessage {
  const message: Message = create(desc);
  const reflected = reflect(desc, message, false);
  if (desc.typeName === TimestampSchema.typeName || desc.typeName === DurationSchema.typeName)
    reflected.set(desc.fields[0] as DescField, BigInt(counter.value));
  else fill(reflected, text, counter);
  return reflected;
}

function scalar(field: DescField, text: string, counter: { value: number }): unknown {
  switch (field.scalar) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BYTES:
      return new TextEncoder().encode(text);
    case ScalarType.BOOL:
      return counter.value % 2 === 0;
    case ScalarType.UINT64:
    case ScalarType.INT64:
      return BigInt(counter.value);
    default:
      return counter.value;
  }
}
