"""How often somebody may call: a bucket that fills steadily and is emptied by calls, one for each portal and each address.

Kept in the memory of the process, so that it costs a microsecond: two processes of a service allow twice as much together.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from shared.errors import Refused

MOST = 50_000  # buckets: then those that are full again are thrown away
Headers = list[tuple[bytes, bytes]]


class TooMany(Refused):
    """Slow down; ``retry_after`` is in seconds, ``headers`` say it in the way of all limited answers."""

    status = 429
    code = "too_many_requests"

    def __init__(self, retry_after: int, headers: Headers) -> None:
        super().__init__(f"too many requests: the next one will do in {retry_after} s")
        self.retry_after, self.headers = retry_after, headers


@dataclass(frozen=True, slots=True)
class Rate:
    """``burst`` calls at once, and ``per_second`` more as time goes by; 0 sets no limit."""

    per_second: float
    burst: int


NO_LIMIT = Rate(0, 0)


@dataclass
class Buckets:
    """By name. What is kept is when each bucket will be full again (the generic cell rate algorithm): one number, nothing to sweep."""

    _full_at: dict[str, float] = field(default_factory=dict)

    def take(self, name: str, rate: Rate, at: float) -> Headers:
        """One call at ``at`` (seconds); what the answer says of it. Raises :class:`TooMany`."""
        each = 1 / rate.per_second
        full_at = max(self._full_at.get(name, at), at) + each
        left = math.floor(rate.burst - (full_at - at) * rate.per_second + 1e-9)
        if left < 0:
            raise TooMany(math.ceil(full_at - at - rate.burst * each), _said(rate, 0, full_at - each - at))
        if len(self._full_at) >= MOST:
            self._full_at = {known: full for known, full in self._full_at.items() if full > at}
        self._full_at[name] = full_at
        return _said(rate, left, full_at - at)


def _said(rate: Rate, left: int, full_in: float) -> Headers:
    return [
        (b"ratelimit-limit", b"%d" % rate.burst),
        (b"ratelimit-remaining", b"%d" % left),
        (b"ratelimit-reset", b"%d" % math.ceil(full_in)),
    ]


@lru_cache(maxsize=16)
def networks(text: str) -> Sequence[IPv4Network | IPv6Network]:
    """Addresses and networks, blanks between. Raises :class:`ValueError`."""
    return tuple(ip_network(part) for part in text.split())


def caller_address(peer: str, forwarded: str, trusted: str) -> str:
    """Who calls: the last address that no ``trusted`` proxy has; nobody ("") when a trusted machine calls for itself.

    ``trusted`` as :func:`networks` reads it; ``forwarded`` is X-Forwarded-For, believed only as far as trusted proxies wrote it.
    """
    for hop in (peer, *reversed(forwarded.split(",") if forwarded else ())):
        if not _is_within(hop.strip(), trusted):
            return _household(hop.strip())
    return ""


@lru_cache(maxsize=4096)
def _is_within(text: str, trusted: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in networks(trusted))


@lru_cache(maxsize=4096)
def _household(text: str) -> str:
    """Of IPv6 the first 64 bits: the rest is for one subscriber to choose."""
    try:
        address = ip_address(text)
    except ValueError:
        return text[:50]
    return str(IPv6Network((int(address) >> 64 << 64, 64))) if isinstance(address, IPv6Address) else text
