"""Others than the reporter who hear the news of a report, once they have confirmed that they want to."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from shared.messages import FollowerReachable

UNCONFIRMED_LASTS = timedelta(days=8)  # a day longer than the link in the letter


@dataclass(kw_only=True, eq=False)
class Follower:
    """``sealed`` is the contact, about the ``follower_id``, ``person`` a keyed hash of it. ``confirmed_at`` is None until the link in the
    letter was used."""

    follower_id: UUID
    report_id: UUID
    sealed: str
    language: str
    at: datetime
    person: str = ""
    confirmed_at: datetime | None = None

    @classmethod
    def of(cls, reachable: FollowerReachable) -> Self:
        """Not confirmed yet."""
        return cls(**reachable.model_dump(include={"follower_id", "report_id", "sealed", "language", "at", "person"}))
