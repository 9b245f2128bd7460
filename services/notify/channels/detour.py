"""While nobody answers at a channel, what has waited there long enough goes another way; what has none goes on waiting."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from services.notify.store import sending
from services.notify.store.sending import Parcel

PAGE = 200  # notices that are looked at in one transaction
REST = timedelta(minutes=1)  # after all of them were looked at
BEGINNING = (datetime.min.replace(tzinfo=UTC), UUID(int=0))


class Detour:
    """From ``channel``, after ``patience``. ``instead`` names another channel that reaches the same person, or ""."""

    def __init__(self, channel: str, *, patience: timedelta, instead: Callable[[Parcel], str]) -> None:
        self._channel, self._patience, self._instead = channel, patience, instead
        self._after, self._not_before = BEGINNING, BEGINNING[0]

    def take(self, session: Session, at: datetime) -> None:
        """The next page, the longest waiting first."""
        if at < self._not_before:
            return
        parcels = sending.stranded(session, self._channel, before=at - self._patience, after=self._after, limit=PAGE)
        is_last = len(parcels) < PAGE
        self._after = BEGINNING if is_last else (parcels[-1].notice.due_at, parcels[-1].notice.id)
        self._not_before = at + REST if is_last else at
        for parcel in parcels:
            if instead := self._instead(parcel):
                parcel.notice.missed(channel=self._channel, at=at, reason="nobody answers there", final=True, instead=instead)
