"""A Seq Sync server with the profiles CORE, JSON and WATCH, in memory, with nothing but Python's standard library.

    PORT=8080 FIXTURES=1 python3 docs/guides/python/server.py
"""

import base64
import json
import os
import re
import signal
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import inbox
import wire
from inbox import Refused, Store, refused

HEARTBEAT_S = 10
# 64 KiB, and room for the largest payload in base64.
MAX_BODY_BYTES = 65_536 + (inbox.MAX_PAYLOAD_BYTES + 2) // 3 * 4

INFO = {
    "spec_version": "1.0", "implementation": "seqsync-guide-python/1.0", "profiles": [1, 2, 3],
    "max_page_size": inbox.MAX_PAGE_SIZE, "max_payload_bytes": inbox.MAX_PAYLOAD_BYTES,
    "dedup_window": inbox.DEDUP_WINDOW_S * wire.NANOS,
}

STORE = Store()
SERVICE = "/seqsync.v1.SeqSyncService/"
FIXTURES = "/seqsync.conformance.v1.FixtureService/"

# Path: request, response, whether a credential is needed, and a function of the caller and the request.
UNARY = {
    SERVICE + "GetServerInfo": (wire.EMPTY, wire.INFO, False, lambda _, request: INFO),
    SERVICE + "Send": (
        wire.SEND_REQUEST, wire.SEND_RESPONSE, True,
        lambda caller, it: STORE.send(
            caller, it.get("recipient_id", ""), it.get("client_message_id", ""), it.get("payload", b"")
        ),
    ),
    SERVICE + "Sync": (
        wire.SYNC_REQUEST, wire.SYNC_RESPONSE, True,
        lambda caller, it: STORE.sync(caller, it.get("cli_seq", 0), it.get("epoch", ""), it.get("page_size", 0)),
    ),
}
WATCH = SERVICE + "Watch"

if os.environ.get("FIXTURES") == "1":
    UNARY[FIXTURES + "CreateAccount"] = (
        wire.CREATE_REQUEST, wire.CREATE_RESPONSE, False, lambda _, it: STORE.create_account(it.get("start_seq", 0)),
    )
    UNARY[FIXTURES + "RotateEpoch"] = (
        wire.USER_ID, wire.EMPTY, False, lambda _, it: STORE.rotate_epoch(it.get("user_id", "")),
    )
    UNARY[FIXTURES + "RevokeToken"] = (
        wire.TOKEN, wire.EMPTY, False, lambda _, it: STORE.revoke_token(it.get("token", "")),
    )
    UNARY[FIXTURES + "StepClock"] = (
        wire.OFFSET, wire.EMPTY, False, lambda _, it: STORE.step_clock(it.get("offset_ms", 0)),
    )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Seconds after which a connection that neither sends nor reads is closed.
    timeout = 60
    disable_nagle_algorithm = True

    def do_POST(self):
        path = self.path.split("?", 1)[0]
        body = self.read_body()
        if body is None:
            return self.plain(413, close=True)
        if path not in UNARY and path != WATCH:
            return self.plain(404)
        found = re.fullmatch(
            r"application/(connect\+)?(proto|json)(?:(?<=json); ?charset=utf-?8)?",
            self.headers.get("Content-Type", ""), re.IGNORECASE,
        )
        if not found or bool(found[1]) != (path == WATCH):
            return self.plain(415)
        codec = found[2].lower()
        if path == WATCH:
            self.watch(codec, body)
        else:
            self.unary(codec, body, *UNARY[path])

    def do_GET(self):
        path = self.path.split("?", 1)[0]
        # The body of such a request is not read, so the connection cannot be reused.
        self.plain(405 if path in UNARY or path == WATCH else 404, close=True)

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_GET

    def unary(self, codec, body, request_schema, response_schema, needs_credential, perform):
        try:
            self.check_encoding("Content-Encoding")
            caller = STORE.account_of(self.token()) if needs_credential else None
            response = perform(caller, decoded(codec, request_schema, body))
        except Refused as error:
            return self.respond(error.status, "application/json", dump(error_json(error)))
        self.respond(200, f"application/{codec}", encoded(codec, response_schema, response))

    def watch(self, codec, body):
        self.send_response(200)
        self.send_header("Content-Type", f"application/connect+{codec}")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        end = {}
        try:
            self.check_encoding("Connect-Content-Encoding")
            caller = STORE.account_of(self.token())
            if len(body) < 5 or body[0] != 0 or struct.unpack(">I", body[1:5])[0] != len(body) - 5:
                raise refused("MALFORMED")
            decoded(codec, wire.EMPTY, body[5:])
            self.report(codec, caller)
        except Refused as error:
            end = {"error": error_json(error)}
        self.envelope(2, dump(end))
        self.wfile.write(b"0\r\n\r\n")

    def report(self, codec, caller):
        """Sends frames until the server stops or the token is revoked. A slow reader gets the newest state only."""
        with STORE.changed:
            if caller.watches >= inbox.MAX_WATCHES:
                raise Refused("resource_exhausted", 429, "too many watches")
            caller.watches += 1
            STORE.watches += 1
        try:
            while not STORE.stopping:
                state = STORE.state(caller)
                self.envelope(0, encoded(codec, wire.WATCH_RESPONSE, state))
                with STORE.changed:
                    STORE.changed.wait_for(lambda: self.has_changed(caller, state), HEARTBEAT_S)
                STORE.account_of(self.token())
        finally:
            with STORE.changed:
                caller.watches -= 1
                STORE.watches -= 1
                STORE.changed.notify_all()

    def has_changed(self, caller, state):
        if STORE.stopping or STORE.state(caller) != state:
            return True
        try:
            return STORE.account_of(self.token()) is not caller
        except Refused:
            return True

    # HTTP.

    def token(self):
        found = re.fullmatch(r"bearer +([\x21-\x7e]{1,4096})", self.headers.get("Authorization", ""), re.IGNORECASE)
        return found[1] if found else ""

    def check_encoding(self, header):
        if self.headers.get(header, "identity") != "identity":
            raise Refused("unimplemented", 501, "compression is not supported")

    def read_body(self):
        """Reads the whole body; None if it is too long. A body that is cut off ends the connection, without effect."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self.read_chunks()
        length = self.headers.get("Content-Length", "0")
        if not re.fullmatch("[0-9]{1,18}", length):
            raise ConnectionError
        return None if int(length) > MAX_BODY_BYTES else self.read_exactly(int(length))

    def read_chunks(self):
        body = b""
        while True:
            line = self.rfile.readline(1000)
            found = re.match(rb"([0-9a-fA-F]{1,8})[;\r\n \t]", line)
            if not found or not line.endswith(b"\n"):
                raise ConnectionError
            size = int(found[1], 16)
            if len(body) + size > MAX_BODY_BYTES:
                return None
            if size == 0:
                while self.rfile.readline(65_536).strip():
                    pass  # trailers
                return body
            body += self.read_exactly(size)
            if self.rfile.readline(3) != b"\r\n":
                raise ConnectionError

    def read_exactly(self, length):
        data = self.rfile.read(length)
        if len(data) < length:
            raise ConnectionError
        return data

    def respond(self, status, content_type, body):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.finish_with(body)

    def plain(self, status, close=False):
        """Sends a plain HTTP response with an empty body."""
        self.send_response(status)
        if status == 405:
            self.send_header("Allow", "POST")
        if close:
            self.send_header("Connection", "close")
        self.send_header("Content-Length", "0")
        self.finish_with(b"")

    def finish_with(self, body):
        """Sends headers and body in one write."""
        self._headers_buffer.append(b"\r\n" + body)
        self.flush_headers()

    def envelope(self, flags, content):
        data = struct.pack(">BI", flags, len(content)) + content
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass  # The connection is broken: no response can be sent.

    def log_message(self, *_):
        pass


def encoded(codec, schema, message):
    return wire.encode(schema, message) if codec == "proto" else dump(wire.to_json(schema, message))


def decoded(codec, schema, body):
    try:
        return wire.decode(schema, body) if codec == "proto" else wire.from_json(schema, body)
    except wire.Malformed:
        raise refused("MALFORMED") from None


def error_json(error):
    out = {"code": error.code, "message": error.message}
    if error.detail:
        value = base64.b64encode(wire.encode(wire.ERROR_DETAIL, error.detail)).decode().rstrip("=")
        out["details"] = [{"type": "seqsync.v1.ErrorDetail", "value": value}]
    return out


def dump(value):
    return json.dumps(value, ensure_ascii=False).encode()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    server = Server(("127.0.0.1", int(os.environ.get("PORT", "8080"))), Handler)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    print(f"listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        # Open Watches end with an end-of-stream message.
        with STORE.changed:
            STORE.stopping = True
            STORE.changed.notify_all()
            STORE.changed.wait_for(lambda: STORE.watches == 0, timeout=1)


if __name__ == "__main__":
    main()
