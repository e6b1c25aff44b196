"""The server of the Python guide after one step of "Build a server": `python_steps.py STEP`.

Removes the features of later steps, to test which chapters of the suite pass after each step.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../guides/python"))

import inbox  # noqa: E402
import server  # noqa: E402

STEP = int(sys.argv[1])


class NoRecords(dict):
    """Dedup records that are never stored."""

    def __setitem__(self, key, value):
        pass


if STEP < 2:
    # Nothing but GetServerInfo and the fixtures.
    for method in ("Send", "Sync"):
        del server.UNARY[server.SERVICE + method]
if STEP < 3:
    server.STORE.records = NoRecords()
if STEP < 4:
    whole_sync = server.STORE.sync
    server.STORE.sync = lambda caller, cli_seq, epoch, page_size: whole_sync(caller, cli_seq, "", page_size)
if STEP < 5:
    server.INFO["profiles"] = [1]
    whole_post = server.Handler.do_POST

    def only_binary(self):
        if "json" in self.headers.get("Content-Type", ""):
            self.read_body()
            return self.plain(415)
        return whole_post(self)

    server.Handler.do_POST = only_binary
elif STEP < 6:
    server.INFO["profiles"] = [1, 2]
if STEP < 6:
    server.WATCH = None

server.main()
