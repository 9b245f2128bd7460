"""What may be a few seconds old, so that a request needs no statement of its own for it."""

from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from shared.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
MOST = 1000


class Recent(Generic[K, V]):
    """``read`` by key, remembered for ``lasts``. What is None is not remembered: it may be there the next moment.

    While one caller reads again, the others take what was known, so that a crowd asks the database once.
    """

    def __init__(self, read: Callable[[K], V | None], *, lasts: timedelta, clock: Clock) -> None:
        self._read, self._lasts, self._clock = read, lasts, clock
        self._known: dict[K, tuple[V, datetime]] = {}

    def __call__(self, key: K) -> V | None:
        """As it is now, or was a moment ago."""
        known = self.remembered(key)
        if known is not None:
            return known
        at, old = self._clock(), self._known.get(key)
        if old is not None:
            self._known[key] = (old[0], at)
        value = self._read(key)
        if len(self._known) >= MOST:
            self._known.clear()
        if value is None:
            self._known.pop(key, None)
        else:
            self._known[key] = (value, at)
        return value

    def remembered(self, key: K) -> V | None:
        """Without reading."""
        value, read_at = self._known.get(key, (None, None))
        return value if read_at is not None and self._clock() < read_at + self._lasts else None
