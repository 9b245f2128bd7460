"""Letting go what restraint holds: one message at a time to each reader, one process at a time."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, defer

from services.notify.domain.audience import OFFICES, Pace
from services.notify.domain.notices import Notice, State
from services.notify.domain.restraint import DAY, Restraint, bundle_of, digest
from services.notify.store import known_subject, notices
from services.notify.store.reaching import dead_channels, silenced
from shared import province
from shared.province import Province

Key = TypeVar("Key", bound=Hashable)
AT_ONCE = 100  # readers
MOST = 200  # notices in one message; what is more goes out with the next

# One at a time, so that two can't spend the same budget.
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('notify.restraint'))")


def let_go(session: Session, rules: Restraint, at: datetime) -> int:
    """Let go what is held and may go out ``at`` that time; how many notices were looked at."""
    held = (notices.c.state == State.HELD) & (notices.c.due_at <= at)
    by_age = select(notices.c.recipient).where(held).group_by(notices.c.recipient).order_by(func.min(notices.c.due_at))
    recipients = session.scalars(by_age.limit(AT_ONCE)).all()
    if not recipients or not session.scalar(_ALONE):
        return 0
    statement = select(Notice).where(held, notices.c.recipient.in_(recipients)).order_by(notices.c.created_at, notices.c.id)
    light = statement.options(defer(Notice.body)).limit(AT_ONCE * MOST)  # type: ignore[arg-type, misc]
    waiting = session.scalars(light.with_for_update(skip_locked=True)).all()
    told, of, wanted = _told(session, recipients, at), province.current(session), _wanted(session, waiting, rules)
    dead = dead_channels(session, {notice.mailbox for notice in wanted})
    for notice in wanted:
        notice.tried = sorted(dead.get(notice.mailbox, ()))
    for recipient, mine in _grouped(wanted, lambda notice: notice.recipient).items():
        _let_some_go(session, mine, told.get(recipient, []), rules, at, of)
    session.flush()
    return len(waiting)


def _let_some_go(session: Session, mine: Sequence[Notice], told: list[datetime], rules: Restraint, at: datetime, of: Province) -> None:
    """What can't wait, each by itself; then a message a bundle, the longest waiting first, until the reader has had enough."""
    bundles = [[notice] for notice in mine if notice.pace == Pace.NOW]
    bundles += _grouped((notice for notice in mine if notice.pace != Pace.NOW), bundle_of).values()
    for bundle in bundles:
        until = rules.waits_until(bundle, told, at=at, zone=ZoneInfo(of.time_zone))
        if until:
            for notice in bundle:
                notice.due_at = until
        else:
            _send(session, bundle[:MOST], at, of)
            told.append(at)


def _send(session: Session, bundle: Sequence[Notice], at: datetime, of: Province) -> None:
    if len(bundle) == 1:
        bundle[0].let_go(at)
        return
    subject = None if bundle[0].reader in OFFICES else known_subject(session, bundle[0].report_id)
    whole = digest(bundle, subject, of, at)
    whole.let_go(at)
    session.add(whole)
    for notice in bundle:
        notice.gather(whole.id)


def _told(session: Session, recipients: Sequence[str], at: datetime) -> dict[str, list[datetime]]:
    """When each was written to in the last day, oldest first."""
    lately = notices.c.recipient.in_(recipients) & (notices.c.let_go_at > at - DAY)
    rows = session.execute(select(notices.c.recipient, notices.c.let_go_at).where(lately).order_by(notices.c.let_go_at))
    told: dict[str, list[datetime]] = {}
    for recipient, let_go_at in rows:
        told.setdefault(recipient, []).append(let_go_at)
    return told


def _wanted(session: Session, waiting: Sequence[Notice], rules: Restraint) -> list[Notice]:
    """Those that have a way and whose readers have not asked for silence; the others end here."""
    silent = silenced(session, {name for notice in waiting for name in notice.names})
    for notice in waiting:
        if silent & notice.names or not rules.lets(notice):
            notice.state = State.UNWANTED
    return [notice for notice in waiting if notice.state == State.HELD]


def _grouped(found: Iterable[Notice], key: Callable[[Notice], Key]) -> dict[Key, list[Notice]]:
    groups: dict[Key, list[Notice]] = {}
    for notice in found:
        groups.setdefault(key(notice), []).append(notice)
    return groups
