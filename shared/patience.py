"""Requests that come too slowly, or with a head that never ends: ended before they cost more than a socket."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_SLOW = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class TooMuch(ValueError):  # noqa: N818 - a state of affairs
    """The parser makes of it what it makes of any broken head: 400, and the connection is closed."""


class PatientProtocol(HttpToolsProtocol):
    """A request that is here at once, as nearly all are, costs nothing of this."""

    head_seconds = 10.0
    whole_seconds = 120.0
    most_headers = 100
    most_bytes = 32_768  # of the head

    _tired: asyncio.TimerHandle | None = None
    _open = True  # nothing was sent yet, or not all of it
    _in_head = True
    _bytes = _headers = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the parent does
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """A part of a request."""
        self._bytes += len(data) if self._in_head else 0
        super().data_received(data)
        if self._in_head and self._bytes > self.most_bytes:
            self.send_400_response("The head of the request is too long.")
        self._watch()

    def on_message_begin(self) -> None:
        """Of each request on the connection."""
        self._open = self._in_head = True
        self._headers = self._bytes = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """May come in parts."""
        if len(self.url) + len(url) > self.most_bytes:
            raise TooMuch
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Counted, in number and in size."""
        self._headers += 1
        if self._headers > self.most_headers or len(name) + len(value) > self.most_bytes:
            raise TooMuch
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The body may take longer."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All is here."""
        self._open = False
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for."""
        self._open = False
        self._watch()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if not self._open and self._tired:
            self._tired.cancel()
            self._tired = None
        elif self._open and not self._tired:
            self._tired = self.loop.call_later(self.head_seconds, self._lose_patience, self.whole_seconds - self.head_seconds)

    def _lose_patience(self, more: float) -> None:
        if not self._in_head and more > 0:
            self._tired = self.loop.call_later(more, self._lose_patience, 0.0)
            return
        if not self.transport.is_closing():
            self.transport.write(_SLOW)
            self.transport.close()
