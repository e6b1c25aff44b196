"""The two codecs of Seq Sync: "Binary codec" and "JSON mapping" of the chapter "HTTP binding" of the specification.

A message is a dict from field names of the proto files to values. A field that is not in the dict has its default. Times and
durations are whole nanoseconds.
"""

import base64
import binascii
import json
import re
from datetime import datetime, timezone

UINT32, STRING, BYTES, ENUM, TIMESTAMP, DURATION = "uint32", "string", "bytes", "enum", "timestamp", "duration"
SINT32 = "sint32"

# Name, number and type of each field. A list around a type means repeated; a dict is a message.
MESSAGE = {
    "seq": (1, UINT32), "sender_id": (2, STRING), "client_message_id": (3, STRING), "payload": (4, BYTES),
    "accepted_at": (5, TIMESTAMP),
}
EMPTY = {}
INFO = {
    "spec_version": (1, STRING), "implementation": (2, STRING), "profiles": (3, [ENUM]), "max_page_size": (4, UINT32),
    "max_payload_bytes": (5, UINT32), "dedup_window": (6, DURATION),
}
SEND_REQUEST = {"recipient_id": (1, STRING), "client_message_id": (2, STRING), "payload": (3, BYTES)}
SEND_RESPONSE = {"accepted_at": (1, TIMESTAMP)}
SYNC_REQUEST = {"cli_seq": (1, UINT32), "epoch": (2, STRING), "page_size": (3, UINT32)}
SYNC_RESPONSE = {
    "epoch": (1, STRING), "svr_seq": (2, UINT32), "acked_seq": (3, UINT32), "messages": (4, [MESSAGE]),
    "next_cli_seq": (5, UINT32),
}
WATCH_RESPONSE = {"epoch": (1, STRING), "svr_seq": (2, UINT32)}
ERROR_DETAIL = {"reason": (1, ENUM), "svr_seq": (2, UINT32), "epoch": (3, STRING)}
# Fixtures.
CREATE_REQUEST = {"start_seq": (1, UINT32)}
CREATE_RESPONSE = {"user_id": (1, STRING), "token": (2, STRING)}
USER_ID = {"user_id": (1, STRING)}
TOKEN = {"token": (1, STRING)}
OFFSET = {"offset_ms": (1, SINT32)}

PROFILES = {1: "PROFILE_CORE", 2: "PROFILE_JSON", 3: "PROFILE_WATCH"}
NANOS = 1_000_000_000


class Malformed(Exception):
    """The body does not decode."""


# Binary codec.


def encode(schema, message):
    """The binary encoding of a message."""
    out = bytearray()
    for name, (number, kind) in schema.items():
        value = message.get(name)
        if isinstance(kind, list):
            for item in value or []:
                out += field(number, kind[0], item)
        elif value:
            out += field(number, kind, value)
    return bytes(out)


def field(number, kind, value):
    if kind in (UINT32, ENUM):
        return varint(number << 3) + varint(value)
    if kind == STRING:
        data = value.encode()
    elif kind == BYTES:
        data = value
    elif kind in (TIMESTAMP, DURATION):
        seconds, nanos = divmod(value, NANOS)
        data = b"".join(field(n, UINT32, part) for n, part in ((1, seconds), (2, nanos)) if part)
    else:
        data = encode(kind, value)
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode(schema, data):
    """Decodes a request. Requests have only fields of uint32, sint32, string and bytes. Raises Malformed."""
    by_number = {number: (name, kind) for name, (number, kind) in schema.items()}
    message, at = {}, 0
    while at < len(data):
        tag, at = read_varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if number == 0 or tag > 0xFFFFFFFF:
            raise Malformed
        if wire_type == 0:
            value, at = read_varint(data, at)
        elif wire_type in (1, 5):
            value, at = None, at + (8 if wire_type == 1 else 4)
        elif wire_type == 2:
            length, at = read_varint(data, at)
            value, at = data[at : at + length], at + length
        else:
            # 6 and 7 do not exist; groups (3 and 4) are never sent and may be refused.
            raise Malformed
        if at > len(data):
            raise Malformed
        name, kind = by_number.get(number, (None, None))
        if kind == UINT32 and wire_type == 0:
            message[name] = value & 0xFFFFFFFF
        elif kind == SINT32 and wire_type == 0:
            value &= 0xFFFFFFFF
            message[name] = value >> 1 ^ -(value & 1)
        elif kind == BYTES and wire_type == 2:
            message[name] = value
        elif kind == STRING and wire_type == 2:
            message[name] = text(value)
        # Unknown fields are ignored.
    return message


def read_varint(data, at):
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise Malformed
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise Malformed


def text(data):
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Malformed from None


# JSON mapping.


def to_json(schema, message):
    """The JSON object of a message, as a dict for json.dumps."""
    out = {}
    for name, (_, kind) in schema.items():
        value = message.get(name)
        if value is None:
            continue
        if isinstance(kind, list):
            out[camel(name)] = [json_value(kind[0], item) for item in value]
        else:
            out[camel(name)] = json_value(kind, value)
    return out


def json_value(kind, value):
    if kind == BYTES:
        return base64.b64encode(value).decode()
    if kind == ENUM:
        return PROFILES[value]
    if kind == TIMESTAMP:
        seconds, nanos = divmod(value, NANOS)
        when = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        return f"{when}.{nanos:09d}Z"
    if kind == DURATION:
        return f"{value // NANOS}s"
    return to_json(kind, value) if isinstance(kind, dict) else value


def from_json(schema, data):
    """Decodes a request. Raises Malformed."""
    try:
        document = json.loads(text(data), parse_constant=refuse)
    except (ValueError, RecursionError):
        raise Malformed from None
    if not isinstance(document, dict):
        raise Malformed
    message = {}
    for name, (_, kind) in schema.items():
        for key in (name, camel(name)):
            if document.get(key) is not None:
                message[name] = READERS[kind](document[key])
    return message


def refuse(_constant):
    """NaN and Infinity, which Python accepts, are not JSON."""
    raise ValueError


def camel(name):
    return re.sub("_(.)", lambda found: found[1].upper(), name)


def read_uint32(value):
    if isinstance(value, str) and re.fullmatch("[0-9]+", value):
        value = int(value[:20])
    # In Python a bool is an int as well.
    if type(value) is not int or not 0 <= value <= 0xFFFFFFFF:
        raise Malformed
    return value


def read_sint32(value):
    if type(value) is not int or not -0x80000000 <= value <= 0x7FFFFFFF:
        raise Malformed
    return value


def read_string(value):
    if not isinstance(value, str):
        raise Malformed
    try:
        value.encode()
    except UnicodeEncodeError:  # an unpaired surrogate
        raise Malformed from None
    return value


def read_bytes(value):
    """Base64 of either alphabet, with padding or without."""
    standard = read_string(value).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed from None


READERS = {UINT32: read_uint32, SINT32: read_sint32, STRING: read_string, BYTES: read_bytes}
