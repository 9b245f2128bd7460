"""Whose letter was answered, and which letter came back."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.notify.domain.audience import Reader
from services.notify.domain.notices import Notice
from services.notify.domain.replies import Bounce, Token, Whose
from services.notify.store import contacts, followers, notices, subjects
from services.notify.store.reaching import mark_unreachable
from shared.messages import Message

WHOSE = {Whose.REPORTER: Reader.REPORTER, Whose.FOLLOWER: Reader.FOLLOWER}
MAIL = "email"  # the channel that letters come back from


@dataclass(frozen=True, kw_only=True)
class Writer:
    """Who was written to. ``person`` is the keyed hash of their contact; ``sealed`` is the contact, about the ``report_id``."""

    report_id: UUID
    tracking_code: str
    person: str
    sealed: str = field(repr=False)


def reporter_of(session: Session, report_id: UUID) -> Writer | None:
    """None: there is none, or they were forgotten."""
    columns = select(subjects.c.report_id, subjects.c.tracking_code, contacts.c.sealed, contacts.c.person)
    joined = columns.join_from(subjects, contacts, subjects.c.report_id == contacts.c.report_id)
    row = session.execute(joined.where(subjects.c.report_id == report_id, contacts.c.sealed != "")).one_or_none()
    return Writer(report_id=report_id, tracking_code=row.tracking_code, person=row.person, sealed=row.sealed) if row else None


def recipients_of(session: Session, token: Token) -> list[str]:
    """Whom letters with ``token`` may have been to, the usual one first: a letter may have come before the word who it is to. None:
    nobody any more."""
    if token.whose == Whose.REPORTER:
        writer = reporter_of(session, token.id)
        return [writer.person, f"{Reader.REPORTER}:{token.id}"][not writer.person :] if writer else []
    row = session.execute(select(followers.c.person).where(followers.c.follower_id == token.id)).one_or_none()
    return [row.person, f"{Reader.FOLLOWER}:{token.id}"][not row.person :] if row else []


def report_told(session: Session, notice_id: UUID) -> UUID | None:
    """The report that a notice was about."""
    return session.scalar(select(notices.c.report_id).where(notices.c.id == notice_id))


def report_by_code(session: Session, tracking_code: str) -> UUID | None:
    """As it was issued."""
    return session.scalar(select(subjects.c.report_id).where(subjects.c.tracking_code == tracking_code))


def bounced(session: Session, token: Token, bounce: Bounce, at: datetime) -> list[Message]:
    """A letter came back: if nobody has the address, other letters go another way, and so does this one."""
    if bounce.gone:
        for recipient in recipients_of(session, token):
            mark_unreachable(session, recipient, MAIL, at)
    theirs = notices.c.report_id == token.id if token.whose == Whose.REPORTER else notices.c.follower_id == token.id
    mine = (notices.c.id == bounce.notice_id) & theirs & (notices.c.reader == WHOSE[token.whose])
    notice = session.scalars(select(Notice).where(mine).with_for_update()).one_or_none()
    return notice.came_back(at=at, reason=f"the letter came back: {bounce.status}", gone=bounce.gone) if notice else []
