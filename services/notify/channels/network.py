"""Calls over HTTP to strangers: to public addresses only, nowhere else than asked, and over in time whatever the other side does."""

import ipaddress
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore2
from httpcore2 import NetworkStream

from services.notify.channels import Away, Faltering, Permanent

SECONDS = 15.0  # of a call, from the look-up of the name to the last byte that is read
INSIDE = "a webhook may not lead into private networks"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether ``address`` belongs to the open internet. IPv4 in IPv6 clothes (mapped, 6to4, NAT64) is judged as IPv4."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.is_site_local:
            return False
        through = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
        ip = ip.ipv4_mapped or ip.sixtofour or through or ip
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _is_decent(address: str) -> bool:
    """Even where inner networks are allowed: not where clouds tell a machine its own secrets (169.254.169.254)."""
    return not ipaddress.ip_address(address.partition("%")[0]).is_link_local


@dataclass(frozen=True, kw_only=True)
class Answer:
    """``body`` is its beginning, as much as was wanted."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Outbound:
    """Every connection is made here, to the address that was checked: what a name means a moment later, and redirects, change nothing.

    No connection is kept, no proxy of the environment asked. Used by many threads.
    """

    def __init__(self, *, anywhere: bool, seconds: float = SECONDS) -> None:
        self._network = _Network(anywhere=anywhere, seconds=seconds)
        self._pool = httpcore2.ConnectionPool(network_backend=self._network, max_connections=None, max_keepalive_connections=0)

    def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, read: int = 0) -> Answer:
        """Raises :class:`Away`, :class:`Faltering` and, for an address that is not public, :class:`Permanent`."""
        try:
            with self._pool.stream(method, url, headers=list(headers.items()), content=body) as response:
                said = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
                return Answer(status=response.status, headers=said, body=_beginning(response.iter_stream(), read))
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
            raise Away(f"nobody answers: {type(error).__name__}") from None
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise Faltering(f"no answer: {type(error).__name__}") from None


def _beginning(parts: Iterable[bytes], length: int) -> bytes:
    read = b""
    for part in parts if length else ():
        read += part
        if len(read) >= length:
            break
    return read[:length]


class _Network(httpcore2.SyncBackend):
    def __init__(self, *, anywhere: bool, seconds: float) -> None:
        self._anywhere, self._seconds = anywhere, seconds

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - ours is for the whole call
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> NetworkStream:
        end = time.monotonic() + self._seconds
        *others, last = self._addresses(host, port)
        for address in others:
            try:
                return _Timed(super().connect_tcp(address, port, _left(end), local_address, socket_options), end)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return _Timed(super().connect_tcp(last, port, _left(end), local_address, socket_options), end)

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Away("the name is not known") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not all(map(_is_decent if self._anywhere else is_public, addresses)):
            raise Permanent(INSIDE)
        return addresses


class _Timed(NetworkStream):
    """A connection that is over at ``end``, however few bytes come one after the other."""

    def __init__(self, stream: NetworkStream, end: float) -> None:
        self._stream, self._end = stream, end

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - ours is shorter
        return self._stream.read(max_bytes, _left(self._end))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - ours is shorter
        self._stream.write(buffer, _left(self._end))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: Any,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - ours is shorter
    ) -> NetworkStream:
        return _Timed(self._stream.start_tls(ssl_context, server_hostname, _left(self._end)), self._end)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("the time of this call is over")
    return left
