"""Who asked to hear no more, and which addresses reach nobody."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, Table, Text, delete, false, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.notify.store import contacts, followers, metadata
from shared.tables import moment

# ``name``: a recipient (for all reports), or ``reporter:<report>`` or ``follower:<follower>`` (for one)
silences = Table("silences", metadata, Column("name", Text, primary_key=True), moment("at"))
# ``recipient`` as in notices, an office's address for an office: ``channel`` told for certain that nobody is there
unreachable = Table(
    "unreachable", metadata, Column("recipient", Text, primary_key=True), Column("channel", Text, primary_key=True), moment("at")
)


def silence(session: Session, name: str, at: datetime) -> None:
    """No more letters to ``name``; the same again changes nothing."""
    session.execute(insert(silences).values(name=name, at=at).on_conflict_do_nothing())


def end_silence(session: Session, name: str) -> None:
    """It was a mistake."""
    session.execute(delete(silences).where(silences.c.name == name))


def silenced(session: Session, names: Iterable[str]) -> set[str]:
    """Those of ``names`` that asked for silence."""
    return set(session.scalars(select(silences.c.name).where(silences.c.name.in_(set(names)))))


def person_behind(session: Session, name: str) -> str:
    """The recipient whose letters about all reports ``name`` is one of; "" when they are forgotten."""
    kind, _, id_ = name.partition(":")
    column, key = (contacts.c.person, contacts.c.report_id) if kind == "reporter" else (followers.c.person, followers.c.follower_id)
    return session.scalar(select(column).where(key == UUID(id_))) or ""


def followed_by(session: Session, name: str, person: str) -> Sequence[tuple[UUID, UUID]]:
    """What ``name`` follows, when that is a follower, and what ``person`` does, when there is one: follower's and report's ids."""
    kind, _, id_ = name.partition(":")
    mine = (followers.c.follower_id == UUID(id_)) if kind == "follower" else false()
    theirs = (followers.c.person == person) if person else false()
    return [(row.follower_id, row.report_id) for row in session.execute(select(followers).where(mine | theirs))]


def mark_unreachable(session: Session, recipient: str, channel: str, at: datetime) -> None:
    """``channel`` does not reach them any more: another one is used, if there is one."""
    session.execute(insert(unreachable).values(recipient=recipient, channel=channel, at=at).on_conflict_do_nothing())


def dead_channels(session: Session, recipients: Iterable[str]) -> dict[str, set[str]]:
    """The channels that don't reach each of ``recipients``."""
    rows = session.execute(select(unreachable.c.recipient, unreachable.c.channel).where(unreachable.c.recipient.in_(set(recipients))))
    dead: dict[str, set[str]] = {}
    for recipient, channel in rows:
        dead.setdefault(recipient, set()).add(channel)
    return dead
