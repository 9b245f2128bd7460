"""An S3 server as small as can be: what one bucket is asked for, in memory."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class Bucket(ThreadingHTTPServer):
    """``files`` by key. While ``away`` every request gets 503."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.signed = 0
        self.away = False


class _Handler(BaseHTTPRequestHandler):
    server: Bucket
    protocol_version = "HTTP/1.1"

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(503 if self.server.away else status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Mon, 16 Nov 2026 01:00:00 GMT")
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        self.server.signed += self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256")
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/photos").strip("/")

    def do_PUT(self) -> None:
        body = self._body()
        if not self.server.away:
            self.server.files[self._key()] = body
        self._answer(200)

    def do_GET(self) -> None:
        key, query = self._key(), parse_qs(urlsplit(self.path).query)
        if key:
            found = self.server.files.get(key)
            return self._answer(404 if found is None else 200, found or b"")
        prefix = query.get("prefix", [""])[0]
        found_keys = [name for name in self.server.files if name.startswith(prefix)]
        return self._answer(200, _listing(found_keys))

    def do_POST(self) -> None:
        keys = re.findall(r"<Key>(.*?)</Key>", self._body().decode())
        for key in keys:
            self.server.files.pop(key, None)
        deleted = "".join(f"<Deleted><Key>{escape(key)}</Key></Deleted>" for key in keys)
        self._answer(200, f"<DeleteResult>{deleted}</DeleteResult>".encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


def _listing(keys: list[str]) -> bytes:
    size = "<Size>1</Size><LastModified>2026-11-16T01:00:00.000Z</LastModified><ETag>1</ETag>"
    contents = "".join(f"<Contents><Key>{escape(key)}</Key>{size}</Contents>" for key in keys)
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>".encode()


@contextmanager
def a_bucket() -> Iterator[Bucket]:
    """Listening on loopback."""
    with Bucket() as bucket:
        thread = Thread(target=bucket.serve_forever, args=(0.05,))
        thread.start()
        yield bucket
        bucket.shutdown()
        thread.join()
