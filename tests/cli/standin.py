"""A stand-in for a service: answers /readyz, tells its environment and PID at /environment, says goodbye on SIGTERM."""

import json
import os
import signal
import sys
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
    sys.stdout.write("goodbye\n")
    sys.stdout.flush()
    os._exit(0)


if os.environ.get("STUBBORN"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, leave)
sys.stdout.write("xin chào\n")
HTTPServer(("127.0.0.1", int(os.environ["HTTP_PORT"])), Answer).serve_forever()
