"""Photos of a report: announced, sent, screened, shown. Here is what is known of them; the bytes are elsewhere, named by their hash."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.intake.domain.report import Report
from shared.errors import Forbidden, NotFound, Refused
from shared.messages import Message, Photo

MOST_OF_REPORTER, MOST_OF_AGENCY = 5, 10  # photos of one report
ARRIVING = timedelta(minutes=10)  # far longer than putting bytes away takes: who needs more is dead
UNCLAIMED = timedelta(hours=24)  # that a photo waits for its report
REPORTER = "reporter"  # the uploader who is nobody else
_EVIDENCE = re.compile(r"media:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


class State(StrEnum):
    ANNOUNCED = "announced"  # a link waits for bytes
    ARRIVING = "arriving"  # they are being looked at and put away
    PRIVATE = "private"  # there, and not screened yet
    RELEASED = "released"  # anybody may see it
    WITHHELD = "withheld"


class Original(StrEnum):
    """What became of the photo as it was sent, which may tell where somebody lives."""

    SEALED = "sealed"
    TO_GO = "to_go"
    GONE = "gone"


class Expired(Refused):
    status = 410
    code = "link_expired"


class MediaUnknown(Refused):
    """A report names a photo that its portal may not name."""

    status = 422
    code = "media_unknown"


class TooMany(Refused):
    status = 429
    code = "too_many_media"


class MediaMessage(Message):
    """``report_id`` is the photo's own id as long as no report has it."""

    media_id: UUID

    @property
    def is_of_report(self) -> bool:
        """Whether a report has it from the beginning."""
        return self.report_id != self.media_id


class AnnounceMedia(MediaMessage):
    """``daily`` is how many its ``uploader`` may announce in a day."""

    topic = "announce_media"
    uploader: str
    daily: int
    expires_at: datetime


class TakeMedia(MediaMessage):
    """Its bytes are here: nobody else may send them any more."""

    topic = "take_media"


class KeepMedia(MediaMessage):
    """Its bytes are safe. ``size`` in bytes, ``width`` and ``height`` in pixels, all of the copy, as ``sha256`` is."""

    topic = "keep_media"
    sha256: str
    kind: str
    size: int
    width: int
    height: int


class DropMedia(MediaMessage):
    """It was refused, or could not be put away."""

    topic = "drop_media"


class ScreenMedia(MediaMessage):
    """A person looked at it."""

    topic = "screen_media"
    actor: str
    released: bool


@dataclass(kw_only=True)
class Media:
    """``uploader`` is as principals are written (``portal:app``, ``agency:dh``); ``expires_at``: then it goes, None once it may stay."""

    id: UUID
    uploader: str
    report_id: UUID | None
    state: State
    created_at: datetime
    expires_at: datetime | None
    sha256: str = ""
    kind: str = ""
    size: int = 0
    width: int = 0
    height: int = 0
    screened_by: str = ""
    screened_at: datetime | None = None
    original: Original = Original.SEALED

    @property
    def is_there(self) -> bool:
        """Whether it has bytes."""
        return bool(self.sha256)

    def take(self, at: datetime) -> None:
        """One sender for each link. Raises :class:`Refused` for the second, and for who comes late."""
        self.check_link(at)
        self.state, self.expires_at = State.ARRIVING, at + ARRIVING

    def check_link(self, at: datetime) -> None:
        """Raises :class:`Refused` when the link was used, and :class:`Expired`."""
        if self.state != State.ANNOUNCED:
            raise Refused("this upload link was used already; announce another upload", code="link_used")
        if self.expires_at and at >= self.expires_at:
            raise Expired("this upload link has expired; announce another upload")

    def keep(self, asked: KeepMedia) -> None:
        """Now there is something to show."""
        if self.state != State.ARRIVING:
            raise Expired("this upload took too long; announce another one")
        self.state, self.expires_at = State.PRIVATE, None if self.report_id else asked.at + UNCLAIMED
        self.sha256, self.kind, self.size, self.width, self.height = asked.sha256, asked.kind, asked.size, asked.width, asked.height

    def join(self, report_id: UUID, *, portal: str, at: datetime) -> Photo:
        """Become part of the report its portal posts. Raises :class:`MediaUnknown` for what is another's, elsewhere, or not there."""
        is_free = self.is_there and self.expires_at is not None and at < self.expires_at
        if self.uploader != f"portal:{portal}" or not is_free:
            raise MediaUnknown(f"media {self.id} is no finished upload of yours that waits for its report")
        self.report_id, self.expires_at = report_id, None
        return Photo(media_id=self.id, sha256=self.sha256)

    def screen(self, asked: ScreenMedia) -> None:
        """May be thought over again."""
        if not self.is_there:
            raise NotFound("no media has this id")
        self.state = State.RELEASED if asked.released else State.WITHHELD
        self.screened_by, self.screened_at = asked.actor, asked.at

    def forget(self) -> None:
        """Its reporter is forgotten: the copy stays with the report, the original does not. What an agency sent is no reporter's."""
        if self.original == Original.SEALED and not self.uploader.startswith("agency:"):
            self.original = Original.TO_GO

    def prove(self, *, agency: str, at: datetime) -> None:
        """The result it is evidence of was approved by a person, and it with it, unless it was withheld before."""
        if self.state == State.PRIVATE and self.uploader == f"agency:{agency}":
            self.state, self.screened_by, self.screened_at = State.RELEASED, "approval", at


def announced(asked: AnnounceMedia, report: Report | None, *, others: Sequence[Media], today: int) -> Media:
    """``others`` are the photos ``report`` has, ``today`` is how many its uploader announced in a day.

    Raises :class:`Refused` for a report that is another's, and when there are enough of them.
    """
    _check_report(asked, report)
    is_evidence = asked.uploader.startswith("agency:")
    most = MOST_OF_AGENCY if is_evidence else MOST_OF_REPORTER
    if sum(is_evidence == other.uploader.startswith("agency:") for other in others) >= most:
        raise Refused(f"a report has at most {most} photos", code="media_full")
    if today >= asked.daily:
        raise TooMany(f"you may send {asked.daily} photos a day; come back tomorrow")
    return Media(
        id=asked.media_id,
        uploader=asked.uploader,
        report_id=asked.report_id if asked.is_of_report else None,
        state=State.ANNOUNCED,
        created_at=asked.at,
        expires_at=asked.expires_at,
    )


def _check_report(asked: AnnounceMedia, report: Report | None) -> None:
    """A portal may add to what it posted, an agency to what it holds; who is the reporter was proven by the link."""
    role, _, name = asked.uploader.partition(":")
    if role == "agency" and (report is None or report.agency != name):
        raise Forbidden("a photo of an agency is about a report it holds: this one is not with you", code="not_your_case")
    if role == "portal" and asked.is_of_report and (report is None or report.portal != name):
        raise NotFound("you posted no such report")


def named(evidence: Sequence[str]) -> list[UUID]:
    """The media ids among ``media:<id>`` and addresses elsewhere."""
    return [UUID(found[1]) for text in evidence if (found := _EVIDENCE.fullmatch(text))]
