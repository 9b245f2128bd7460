"""A stand-in for a service: answers /readyz, tells its environment and PID at /environment, says goodbye on SIGTERM."""

import contextlib
import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import FrameType


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(os.environ | {"PID": str(os.getpid())} if self.path == "/environment" else {}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def leave(_number: int, _frame: FrameType | None) -> None:
    time.sleep(float(os.environ.get("LINGER", "0")))  # as one that finishes its batch
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write("goodbye\n")
        sys.stdout.flush()
    os._exit(0)


if os.environ.get("STUBBORN"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, leave)
sys.stdout.write("xin chào\n")
HTTPServer(("127.0.0.1", int(os.environ["HTTP_PORT"])), Answer).serve_forever()
