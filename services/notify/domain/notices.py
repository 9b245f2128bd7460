"""A notice: one message to one person (or portal) about one fact, and what became of sending it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Self
from uuid import UUID

from services.notify.domain.asking import SendTest
from services.notify.domain.audience import Pace, Reader
from services.notify.domain.webhooks import webhook_of
from shared.envelope import Envelope, encode
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
LINK = "[[link]]"  # stands in stored texts for the reader's own link, which is a key and belongs to nobody else
LEAVE = "[[leave]]"  # the same for the link that ends the letters
REPORTER = "reporter"  # the channel of a notice to a person until the contact is opened to be used
WEBHOOK = "webhook"
ABOUT_WEBHOOK = "webhook.switched_off"  # to a webhook's owner: what no fact of a report says
DIGEST = "digest"  # what a message is about that gathers several notices


ABOUT_TEST = "test"


class State(StrEnum):
    """``held`` until restraint lets it go, alone or ``gathered`` in a digest; ``unwanted``: who was to hear it had asked for no more."""

    HELD = "held"
    GATHERED = "gathered"
    UNWANTED = "unwanted"
    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(kw_only=True, eq=False)
class Notice:
    """``about`` is the topic of the fact it tells. ``claimed_until``: somebody is sending it now. ``attempts`` counts failed ones
    on this ``channel``; ``tried`` are the channels that were given up.

    ``recipient`` names, without telling who it is, whom the budget is for ("" for webhooks, which have none). ``address`` is of an office;
    a person's is opened in the moment of sending. ``news`` is the body without greeting and foot, ``template`` the version of the words.
    A digest has ``parts``: topic by id of what it gathers; each of those has its id as ``gathered_in``.
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
    webhook_id: UUID | None = None
    follower_id: UUID | None = None
    reader: Reader = Reader.REPORTER
    recipient: str = ""
    address: str = ""
    pace: Pace = Pace.NOW
    urgent: bool = False
    news: str = ""
    template: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    gathered_in: UUID | None = None
    let_go_at: datetime | None = None
    state: State = State.PENDING
    attempts: int = 0
    last_error: str = ""
    sent_at: datetime | None = None
    claimed_until: datetime | None = None
    tried: list[str] = field(default_factory=list)

    @classmethod
    def test(cls, asked: SendTest) -> Self:
        """To see whether letters or news arrive."""
        channel, reader = (WEBHOOK, Reader.PORTAL) if asked.webhook_id else (REPORTER, Reader.CENTRE)
        return cls(
            **asked.fields,
            id=asked.report_id,
            about=ABOUT_TEST,
            channel=channel,
            language="vi",
            reader=reader,
            address=asked.email,
            created_at=asked.at,
            due_at=asked.at,
            let_go_at=asked.at,
        )

    @classmethod
    def work(cls, event: Envelope, agency: str) -> Self:
        """What ``agency`` would read in its queue, as it would read it there and under the same id."""
        message = event.message
        return cls(
            id=event.id,
            report_id=message.report_id,
            about=message.topic,
            channel=WEBHOOK,
            language="vi",
            subject="",
            body=encode(event).decode(),
            webhook_id=webhook_of(agency),
            reader=Reader.AGENCY,
            created_at=message.at,
            due_at=message.at,
        )

    @property
    def is_to_reporter(self) -> bool:
        """And to nobody else, of whom nothing is said."""
        return self.reader == Reader.REPORTER

    @property
    def names(self) -> set[str]:
        """Under which its reader may have asked for silence: in general, or about this report."""
        return {self.recipient, f"{self.reader}:{self.follower_id or self.report_id}"}

    @property
    def mailbox(self) -> str:
        """What a bounce is remembered for."""
        return self.address or self.recipient

    def text(self, link: str, leave: str = "") -> str:
        """The body with the reader's own ``link`` in it, and the one that ends the letters."""
        return self.body.replace(LINK, link).replace(LEAVE, leave or link)

    def let_go(self, at: datetime) -> None:
        """To be sent now."""
        self.state, self.let_go_at, self.due_at = State.PENDING, at, at

    def gather(self, into: UUID) -> None:
        """A digest says it."""
        self.state, self.gathered_in = State.GATHERED, into

    def delivered(self, *, channel: str, at: datetime) -> list[Message]:
        """It went out. Only of the reporter it is said, too: that the reporter knows, or can't be reached."""
        if self.state != State.PENDING:
            return []
        self.state, self.channel, self.sent_at, self.claimed_until = State.SENT, channel, at, None
        if not self.is_to_reporter:
            return []
        said = {"report_id": self.report_id, "at": at, "channel": channel}
        return [NoticeDelivered(**said, notice_id=part, about=about) for part, about in self._told()]

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
        return self.lost(at=at, reason=reason)

    def lost(self, *, at: datetime, reason: str) -> list[Message]:
        """What is said when it reached nobody; of the reporter only."""
        if not self.is_to_reporter:
            return []
        said = {"report_id": self.report_id, "at": at, "channel": self.channel, "reason": reason}
        return [NoticeFailed(**said, notice_id=part, about=about) for part, about in self._told()]

    def came_back(self, *, at: datetime, reason: str, gone: bool) -> list[Message]:
        """A mail server had taken it, and could not deliver it after all. When nobody has the address, it goes another way."""
        if self.state != State.SENT:
            return []
        self.last_error = reason
        if gone:
            self.tried, self.state, self.channel, self.due_at, self.sent_at = [*self.tried, self.channel], State.PENDING, REPORTER, at, None
            return []
        self.state = State.FAILED
        return self.lost(at=at, reason=reason)

    def held_up(self, *, reason: str = "") -> None:
        """It was not tried, or where it goes is away: no fault of the notice."""
        self.claimed_until, self.last_error = None, reason or self.last_error

    def _told(self) -> list[tuple[UUID, str]]:
        return [(UUID(part), about) for part, about in self.parts.items()] or [(self.id, self.about)]

    def _step(self, ladder: Sequence[timedelta]) -> timedelta:
        """Shortened by chance, but by the same for the same try."""
        return ladder[self.attempts] * (1 - JITTER * Random(f"{self.id}/{self.attempts}").random())  # noqa: S311 - jitter
