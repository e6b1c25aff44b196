"""The state of the chapter "Model" of the specification, in memory, and its transitions."""

import hashlib
import secrets
import threading
import time
from collections import deque

LAST_SEQ = 0xFFFFFFFF
MAX_PAGE_SIZE = 500
MAX_PAGE_BYTES = 4 << 20
MAX_PAYLOAD_BYTES = 256 << 10
MAX_PENDING = 50_000
MAX_RECORDS = 1_000_000
MAX_WATCHES = 100
DEDUP_WINDOW_S = 24 * 3600

# Reason: number, code, HTTP status, and a message for people. See the chapter "Errors".
REASONS = {
    "CREDENTIAL_INVALID": (1, "unauthenticated", 401, "a valid bearer token is needed"),
    "MALFORMED": (2, "invalid_argument", 400, "the body does not decode"),
    "CLIENT_MESSAGE_ID_INVALID": (3, "invalid_argument", 400, "client_message_id must have 1 to 64 bytes"),
    "PAYLOAD_TOO_LARGE": (4, "invalid_argument", 400, "payload is too long"),
    "RECIPIENT_UNKNOWN": (5, "not_found", 404, "there is no such recipient"),
    "CLIENT_MESSAGE_ID_REUSED": (6, "already_exists", 409, "client_message_id was used for another message"),
    "SEQ_EXHAUSTED": (7, "resource_exhausted", 429, "the recipient's inbox has used its last seq"),
    "BACKLOG_FULL": (8, "resource_exhausted", 429, "the recipient's inbox is full"),
    "EPOCH_MISMATCH": (9, "failed_precondition", 400, "the inbox has another epoch"),
    "CLI_SEQ_AHEAD": (10, "out_of_range", 400, "cli_seq is above svr_seq"),
}


class Refused(Exception):
    """An error that ends a call before it has changed anything. `detail` is an ErrorDetail, if there is a reason."""

    def __init__(self, code, status, message, detail=None):
        super().__init__(message)
        self.code, self.status, self.message, self.detail = code, status, message, detail


def refused(reason, inbox=None):
    """A refusal of the table. `inbox` is the caller's own, for the two reasons that report its state."""
    number, code, status, message = REASONS[reason]
    detail = {"reason": number}
    if inbox:
        detail.update(epoch=inbox.epoch, svr_seq=inbox.svr_seq)
    return Refused(code, status, message, detail)


class Inbox:
    """An account and its inbox. pending[0] has the seq acked_seq + 1."""

    def __init__(self, user_id, start_seq):
        self.user_id = user_id
        self.epoch = new_epoch()
        self.svr_seq = self.acked_seq = start_seq
        self.pending = deque()
        self.watches = 0


class Store:
    """All accounts. A lock around each transition makes it one atomic step."""

    def __init__(self):
        self.changed = threading.Condition()
        self.inboxes = {}
        self.tokens = {}
        self.records = {}
        self.stopping = False
        self.watches = 0
        self.clock_offset_ns = 0

    def account_of(self, token):
        """The inbox of a token. Raises Refused if the token is unknown or revoked."""
        inbox = self.tokens.get(digest(token.encode()))
        if inbox is None:
            raise refused("CREDENTIAL_INVALID")
        return inbox

    def send(self, sender, recipient_id, message_id, payload):
        if not 1 <= len(message_id.encode()) <= 64:
            raise refused("CLIENT_MESSAGE_ID_INVALID")
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise refused("PAYLOAD_TOO_LARGE")
        with self.changed:
            self.delete_expired_records()
            key = (sender.user_id, message_id)
            content = (recipient_id, digest(payload))
            record = self.records.get(key)
            # A record from before a data loss is void: its message is lost.
            if record and record["epoch"] == record["inbox"].epoch:
                if record["content"] == content:
                    return {"accepted_at": record["accepted_at"]}
                raise refused("CLIENT_MESSAGE_ID_REUSED")
            inbox = self.inboxes.get(recipient_id)
            if inbox is None:
                raise refused("RECIPIENT_UNKNOWN")
            if inbox.svr_seq == LAST_SEQ:
                raise refused("SEQ_EXHAUSTED")
            if len(inbox.pending) >= MAX_PENDING:
                raise refused("BACKLOG_FULL")
            if len(self.records) >= MAX_RECORDS:
                raise Refused("resource_exhausted", 429, "too many messages at the moment")

            # Nothing has changed so far, so a refusal above has no effect.
            now = time.time_ns() + self.clock_offset_ns
            inbox.svr_seq += 1
            inbox.pending.append({
                "seq": inbox.svr_seq, "sender_id": sender.user_id, "client_message_id": message_id, "payload": payload,
                "accepted_at": now,
            })
            self.records.pop(key, None)
            self.records[key] = {
                "content": content, "inbox": inbox, "epoch": inbox.epoch, "accepted_at": now,
                "expires": time.monotonic() + DEDUP_WINDOW_S,
            }
            self.changed.notify_all()
            return {"accepted_at": now}

    def sync(self, inbox, cli_seq, epoch, page_size):
        with self.changed:
            if epoch and epoch != inbox.epoch:
                raise refused("EPOCH_MISMATCH", inbox)
            if cli_seq > inbox.svr_seq:
                raise refused("CLI_SEQ_AHEAD", inbox)
            while inbox.acked_seq < cli_seq:
                inbox.pending.popleft()
                inbox.acked_seq += 1
            page = first(inbox.pending, min(page_size or MAX_PAGE_SIZE, MAX_PAGE_SIZE))
            return {
                "epoch": inbox.epoch, "svr_seq": inbox.svr_seq, "acked_seq": inbox.acked_seq, "messages": page,
                "next_cli_seq": page[-1]["seq"] if page else inbox.acked_seq,
            }

    def state(self, inbox):
        return {"epoch": inbox.epoch, "svr_seq": inbox.svr_seq}

    def delete_expired_records(self):
        """The oldest records come first, and all have the same lifetime."""
        now = time.monotonic()
        while self.records:
            key = next(iter(self.records))
            if self.records[key]["expires"] > now:
                return
            del self.records[key]

    # Fixtures.

    def create_account(self, start_seq):
        inbox = Inbox(f"u-{secrets.token_urlsafe(9)}", start_seq)
        token = secrets.token_urlsafe(24)
        with self.changed:
            self.inboxes[inbox.user_id] = inbox
            self.tokens[digest(token.encode())] = inbox
        return {"user_id": inbox.user_id, "token": token}

    def rotate_epoch(self, user_id):
        with self.changed:
            inbox = self.inboxes.get(user_id)
            if inbox is None:
                raise Refused("not_found", 404, "there is no such account")
            inbox.epoch = new_epoch()
            inbox.svr_seq = inbox.acked_seq = 0
            inbox.pending.clear()
            self.changed.notify_all()
        return {}

    def revoke_token(self, token):
        with self.changed:
            if self.tokens.pop(digest(token.encode()), None) is None:
                raise Refused("not_found", 404, "there is no such token")
            self.changed.notify_all()
        return {}

    def step_clock(self, offset_ms):
        """Everything else here measures elapsed time."""
        if abs(offset_ms) > 7 * 86_400_000:
            raise Refused("invalid_argument", 400, "offset_ms is more than seven days")
        self.clock_offset_ns = offset_ms * 1_000_000
        return {}


def first(pending, most):
    """The first messages, as many as the limits allow and at least one."""
    page, size = [], 0
    for message in pending:
        size += len(message["payload"])
        if len(page) == most or (page and size > MAX_PAGE_BYTES):
            break
        page.append(message)
    return page


def new_epoch():
    """Returns a new epoch. It is random, so it differs from all earlier epochs even if the server has lost them."""
    return secrets.token_urlsafe(16)


def digest(data):
    return hashlib.sha256(data).digest()
