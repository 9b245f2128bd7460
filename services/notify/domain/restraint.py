"""Restraint: how often one reader is written to, and at which hours. What has to wait is gathered; nothing is dropped."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import uuid5
from zoneinfo import ZoneInfo

from services.notify.domain import times
from services.notify.domain.audience import OFFICES, Pace
from services.notify.domain.desks import is_telephone
from services.notify.domain.letters import GATHERED, letter
from services.notify.domain.notices import DIGEST, REPORTER, Notice
from services.notify.domain.values import Told, frame
from shared.province import Province

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Restraint:
    """Messages to one reader within any ``per_hour`` and ``per_day``, two at the least; ``quiet`` hours begin and end at local times.

    The last message of a budget is kept for what is gathered. So whatever happens within an hour reaches a reader in ``per_hour``
    messages at the most: all but one at once, and one that says all the rest. ``short_messages``: whether a gateway sends them.
    """

    per_hour: int
    per_day: int
    quiet: tuple[time, time] | None
    short_messages: bool = True

    def lets(self, notice: Notice) -> bool:
        """Whether there is a way for it at all: an office's telephone hears only through a gateway, and has its letter anyway."""
        return self.short_messages or not is_telephone(notice.address)

    def waits_until(self, notices: Sequence[Notice], told: Sequence[datetime], *, at: datetime, zone: ZoneInfo) -> datetime | None:
        """When a message of ``notices`` may go out to who was ``told`` something at these moments, oldest first; None: now."""
        if any(notice.pace == Pace.NOW for notice in notices):
            return None
        waits = [self._over(told, at, HOUR, self.per_hour), self._over(told, at, DAY, self.per_day)]
        if not any(notice.urgent for notice in notices):
            waits.append(self._morning(at.astimezone(zone)))
        return max((until for until in waits if until), default=None)

    @staticmethod
    def _over(told: Sequence[datetime], at: datetime, span: timedelta, budget: int) -> datetime | None:
        within = [moment for moment in told if moment > at - span]
        return within[1 - budget] + span if len(within) >= budget - 1 else None

    def _morning(self, local: datetime) -> datetime | None:
        """The end of the quiet hours that ``local`` is in."""
        if self.quiet is None:
            return None
        begin, end = self.quiet
        clock, overnight = local.time(), begin > end
        if not (clock >= begin or clock < end if overnight else begin <= clock < end):
            return None
        morning = local.date() + timedelta(days=overnight and clock >= begin)
        return datetime.combine(morning, end, local.tzinfo)


def bundle_of(notice: Notice) -> tuple[Any, ...]:
    """What may go out together: of a person what is about one report, of an office everything."""
    return (notice.recipient,) if notice.reader in OFFICES else (notice.recipient, notice.report_id, notice.reader, notice.follower_id)


def digest(notices: Sequence[Notice], subject: Told | None, province: Province, at: datetime) -> Notice:
    """One message that says what ``notices`` say, in their order, word for word. ``subject``: the report that all are about."""
    first, zone = notices[0], ZoneInfo(province.time_zone)
    parts = [
        {"happened": times.moment(notice.created_at, zone, first.language), "subject": notice.subject, "news": notice.news}
        for notice in notices
    ]
    around = frame(subject, province, first.language, to_office=first.reader in OFFICES)
    written = letter(GATHERED, first.language, {**around, "many": len(parts), "parts": parts})
    return Notice(
        id=uuid5(first.id, DIGEST),
        report_id=first.report_id,
        about=DIGEST,
        channel=REPORTER,
        language=first.language,
        subject=written.subject,
        body=written.text,
        news=written.news,
        template=written.version,
        follower_id=first.follower_id,
        reader=first.reader,
        recipient=first.recipient,
        address=first.address,
        tried=first.tried,
        pace=Pace.TELL,
        urgent=any(notice.urgent for notice in notices),
        parts={str(notice.id): notice.about for notice in notices},
        created_at=at,
        due_at=at,
    )
