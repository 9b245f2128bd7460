"""Others than the reporter who want to hear what becomes of a report. How to reach them is known to notify alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from shared.errors import Refused
from shared.messages import FollowerConfirmed, FollowerReachable, Message

AGAIN = timedelta(days=1)  # before somebody who did not confirm is written to once more
OPEN_FOR = timedelta(days=7)  # so long the link in that letter is good; notify forgets the contact a day later


class AskToFollow(Message):
    """``fingerprint`` tells the same contact of this report again, without telling which; ``sealed`` is the contact, ``person`` as in
    ``follower.reachable``."""

    topic = "ask_to_follow"
    follower_id: UUID
    fingerprint: str
    sealed: str
    language: str
    person: str = ""


class ConfirmFollower(Message):
    """By who holds the secret of the follower's link."""

    topic = "confirm_follower"
    follower_id: UUID


class ForgetFollower(Message):
    """By who holds the secret of the follower's link."""

    topic = "forget_follower"
    follower_id: UUID


@dataclass(kw_only=True)
class Follower:
    """Has no contact here. ``confirmed_at`` is None until the link in the letter was used."""

    follower_id: UUID
    report_id: UUID
    fingerprint: str
    asked_at: datetime
    confirmed_at: datetime | None = None

    @classmethod
    def asking(cls, asked: AskToFollow) -> tuple[Self, list[Message]]:
        """Not confirmed yet, and what notify needs to write the letter that asks for it."""
        follower = cls(follower_id=asked.follower_id, report_id=asked.report_id, fingerprint=asked.fingerprint, asked_at=asked.at)
        return follower, [FollowerReachable(**asked.model_dump(exclude={"fingerprint"}))]

    def may_ask_again(self, at: datetime) -> bool:
        """Whether there may be another letter ``at`` that time."""
        return self.confirmed_at is None and at >= self.asked_at + AGAIN

    def confirm(self, at: datetime) -> list[Message]:
        """Once is enough. Raises :class:`Refused` when it comes too late."""
        if self.confirmed_at:
            return []
        if at > self.asked_at + OPEN_FOR:
            raise Refused("this link is too old: ask again to follow the report", code="window_over")
        self.confirmed_at = at
        return [FollowerConfirmed(report_id=self.report_id, at=at, follower_id=self.follower_id)]
