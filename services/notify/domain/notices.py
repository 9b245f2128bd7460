"""A notice: one message to one person (or portal) about one fact, and what became of sending it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from uuid import UUID

from shared.messages import Message, NoticeDelivered, NoticeFailed

LADDER = tuple(
    timedelta(**step) for step in ({"seconds": 10}, {"minutes": 1}, {"minutes": 10}, {"hours": 1}, {"hours": 4}, {"hours": 12}, {"days": 1})
)
PORTAL_LADDER = (  # Standard Webhooks' three days, with more tries in the first hour: a portal that fails one call of three misses nothing
    *(timedelta(seconds=seconds) for seconds in (5, 30)),
    *(timedelta(minutes=minutes) for minutes in (2, 5, 15, 30)),
    *(timedelta(hours=hours) for hours in (1, 2, 5, 10, 14, 20, 24)),
)
HURRY = 4  # tries of one channel, while another may reach the same person
JITTER = 0.2  # of a step: what failed together does not come again together, and never later than the ladder says
LONGEST_WAIT = timedelta(days=1)  # whatever the other side asks for
LINK = "[[link]]"  # stands in stored texts for the reporter's own link, which is a key and belongs to nobody else
REPORTER = "reporter"  # the channel of a notice to a person until the contact is opened to be used
WEBHOOK = "webhook"
ABOUT_WEBHOOK = "webhook.switched_off"  # to a webhook's owner: what no fact of a report says


class State(StrEnum):
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(kw_only=True, eq=False)
class Notice:
    """``about`` is the topic of the fact it tells. ``claimed_until``: somebody is sending it now. ``attempts`` counts failed ones
    on this ``channel``; ``tried`` are the channels that were given up.

    It is to a portal's webhook, or to a follower, or else to the reporter.
    """

    id: UUID
    report_id: UUID
    about: str
    channel: str
    language: str
    subject: str
    body: str
    created_at: datetime
    due_at: datetime
    html: str | None = None
    webhook_id: UUID | None = None
    follower_id: UUID | None = None
    state: State = State.PENDING
    attempts: int = 0
    last_error: str = ""
    sent_at: datetime | None = None
    claimed_until: datetime | None = None
    tried: list[str] = field(default_factory=list)

    @property
    def is_to_reporter(self) -> bool:
        """And not to a portal, to who follows, or to a webhook's owner."""
        return not (self.webhook_id or self.follower_id or self.about == ABOUT_WEBHOOK)

    def text(self, link: str) -> str:
        """The body with the reporter's ``link`` in it."""
        return self.body.replace(LINK, link)

    def page(self, link: str) -> str:
        """The HTML body, or "" when there is none."""
        return (self.html or "").replace(LINK, link)

    def delivered(self, *, channel: str, at: datetime) -> list[Message]:
        """It went out. Only of the reporter it is said, too: that the reporter knows, or can't be reached."""
        if self.state != State.PENDING:
            return []
        self.state, self.channel, self.sent_at, self.claimed_until = State.SENT, channel, at, None
        if not self.is_to_reporter:
            return []
        return [NoticeDelivered(report_id=self.report_id, at=at, notice_id=self.id, channel=channel, about=self.about)]

    def missed(
        self, *, channel: str, at: datetime, reason: str, final: bool, instead: str = "", after: timedelta = timedelta(0)
    ) -> list[Message]:
        """It did not go out: tried again later, not before ``after``. When that is ``final``, or was tried often enough, it goes by
        the channel ``instead``, or fails."""
        if self.state != State.PENDING:
            return []
        self.channel, self.last_error, self.claimed_until = channel, reason, None
        ladder = PORTAL_LADDER if self.webhook_id else LADDER[:HURRY] if instead else LADDER
        if not final and self.attempts < len(ladder):
            self.due_at = at + max(self._step(ladder), min(after, LONGEST_WAIT))
            self.attempts += 1
            return []
        if instead:
            self.tried, self.channel, self.attempts, self.due_at = [*self.tried, channel], instead, 0, at
            return []
        self.state = State.FAILED
        if not self.is_to_reporter:
            return []
        return [NoticeFailed(report_id=self.report_id, at=at, notice_id=self.id, channel=channel, about=self.about, reason=reason)]

    def held_up(self, *, reason: str = "") -> None:
        """It was not tried, or where it goes is away: no fault of the notice."""
        self.claimed_until, self.last_error = None, reason or self.last_error

    def _step(self, ladder: Sequence[timedelta]) -> timedelta:
        """Shortened by chance, but by the same for the same try."""
        return ladder[self.attempts] * (1 - JITTER * Random(f"{self.id}/{self.attempts}").random())  # noqa: S311 - jitter
