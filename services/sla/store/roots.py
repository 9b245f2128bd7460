"""Daily roots and their leaves; the receipts they give."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from uuid import NAMESPACE_URL, UUID, uuid5
from zoneinfo import ZoneInfo

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Column, Date, Index, Integer, Table, Text, Uuid, delete, func, insert, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from services.sla.domain.history import GENESIS
from services.sla.domain.roots import Receipt, Root, Tree, of_day, tree_of
from services.sla.store import behind, cases, history, metadata
from shared import province
from shared.database import APPEND_ONLY
from shared.errors import NotFound
from shared.messages import AuditRoot, Message
from shared.tables import moment

AT_ONCE = 1000  # cases locked by one step, and rows held from a cursor
REMEMBERED = 4  # trees: everybody may ask for receipts, and a day's tree never changes

roots = Table(
    "roots",
    metadata,
    Column("day", Date, primary_key=True),
    moment("at"),
    Column("size", Integer, nullable=False),
    Column("previous", Text, nullable=False),
    Column("root", Text, nullable=False),
    comment=APPEND_ONLY,
)

leaves = Table(
    "leaves",
    metadata,
    Column("day", Date, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("report_id", Uuid, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    comment=APPEND_ONLY,
)
Index("leaves_of_report", leaves.c.report_id, leaves.c.day, unique=True)

_waits = behind.c.what == "roots"
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('sla.roots'))")


def grow(session: Session, at: datetime, *, limit: int = AT_ONCE) -> list[Message]:
    """One step towards the root of the local day before ``at``: some more leaves, or the root when there are no more.

    Steps commit on their own, so that no case is locked for long; who dies between two of them leaves the day to whoever comes next.
    """
    if not session.scalar(_ALONE):
        return []
    last = latest(session)
    day = _begun(session, last) or _day_before(session, at)
    if (last and last.day >= day) or _add_leaves(session, day, limit):
        return []
    root = of_day(day, at, last.root if last else GENESIS, _tree(session, day, last.root if last else GENESIS))
    session.execute(insert(roots).values(root.model_dump()))
    return [AuditRoot(report_id=_subject(day), **root.model_dump())]


def latest(session: Session) -> Root | None:
    """The last root that was made."""
    row = session.execute(select(roots).order_by(roots.c.day.desc()).limit(1)).first()
    return Root.model_validate(row) if row else None


def root_of(session: Session, day: date) -> Root:
    """Raises :class:`NotFound`."""
    row = session.execute(select(roots).where(roots.c.day == day)).first()
    if row is None:
        raise NotFound(
            f"no root was made for {day}: each day has one after its midnight, unless the system stood still through the next day"
        )
    return Root.model_validate(row)


def page_of_roots(session: Session, *, after: date | None = None, limit: int = 100) -> list[Root]:
    """From the oldest on."""
    statement = select(roots).order_by(roots.c.day).limit(limit)
    return [Root.model_validate(row) for row in session.execute(statement.where(roots.c.day > after) if after else statement)]


def all_roots(session: Session) -> Iterator[Root]:
    """From the first to the last."""
    for row in session.execute(select(roots).order_by(roots.c.day), execution_options={"yield_per": AT_ONCE}):
        yield Root.model_validate(row)


def ends_of(session: Session, day: date) -> Iterator[tuple[UUID, int, str]]:
    """The leaves of a day after leaf 0, in their order."""
    columns = select(leaves.c.report_id, leaves.c.seq, leaves.c.hash)
    statement = columns.where(leaves.c.day == day).order_by(leaves.c.position)
    for row in session.execute(statement, execution_options={"yield_per": AT_ONCE}):
        yield row.report_id, row.seq, row.hash


def strays(session: Session) -> Iterator[tuple[UUID, int, date]]:
    """Rows of histories that are not what a root was made of: report, row and the day of the root, the first of each report."""
    row_of_leaf = (history.c.report_id == leaves.c.report_id) & (history.c.seq == leaves.c.seq)
    statement = select(leaves.c.report_id, leaves.c.seq, leaves.c.day).outerjoin(history, row_of_leaf)
    statement = statement.where(history.c.hash.is_distinct_from(leaves.c.hash)).ext(distinct_on(leaves.c.report_id))
    for row in session.execute(statement.order_by(leaves.c.report_id, leaves.c.day), execution_options={"yield_per": AT_ONCE}):
        yield row.report_id, row.seq, row.day


def receipt_of(session: Session, report_id: UUID) -> Receipt:
    """By the latest root the case went into, which covers everything that had happened to it. Raises :class:`NotFound`."""
    rooted = select(leaves, roots.c.size, roots.c.previous, roots.c.root).join(roots, roots.c.day == leaves.c.day)
    row = session.execute(rooted.where(leaves.c.report_id == report_id).order_by(leaves.c.day.desc()).limit(1)).first()
    if row is None:
        raise NotFound(
            "no root holds a case by that report id yet: one is made soon after each midnight; ask again tomorrow", code="not_rooted"
        )
    tree = _remembered(session, row.root, row.day, row.previous)
    return Receipt(
        report_id=row.report_id, seq=row.seq, hash=row.hash, day=row.day, position=row.position, size=row.size,
        path=tree.path(row.position), root=row.root,
    )  # fmt: skip


def report_of(session: Session, code: str) -> UUID:
    """The report with a tracking code. Raises :class:`NotFound`."""
    found: UUID | None = session.scalar(select(cases.c.report_id).where(cases.c.tracking_code == code.upper()))
    if found is None:
        raise NotFound(f"no case has the tracking code {code}")
    return found


def gauges(session: Session) -> Iterable[GaugeMetricFamily]:
    """How long ago the last root was made; before the first, for how long there has been something to make it of."""
    made, began = select(func.max(roots.c.at)).scalar_subquery(), select(func.min(cases.c.received_at)).scalar_subquery()
    age = session.scalar(select(func.extract("epoch", func.now() - func.coalesce(made, began, func.now())))) or 0
    yield GaugeMetricFamily("hoiam_audit_root_age_seconds", "Since the last daily root was made", value=max(float(age), 0))


def _begun(session: Session, last: Root | None) -> date | None:
    """The day that has leaves and no root yet."""
    newest = session.scalar(select(func.max(leaves.c.day)))
    return newest if newest and (last is None or newest > last.day) else None


def _day_before(session: Session, at: datetime) -> date:
    return at.astimezone(ZoneInfo(province.current(session).time_zone)).date() - timedelta(days=1)


def _add_leaves(session: Session, day: date, limit: int) -> int:
    """The next cases that grew since they were last rooted; how many. Who grows again behind this day's last leaf waits for tomorrow's."""
    of_day_ = select(leaves.c.position, leaves.c.report_id).where(leaves.c.day == day)
    newest = session.execute(of_day_.order_by(leaves.c.position.desc()).limit(1)).first()
    grown = select(cases.c.report_id, cases.c.version, cases.c.last_hash).join(behind, behind.c.report_id == cases.c.report_id)
    grown = grown.where(_waits, behind.c.report_id > newest.report_id) if newest else grown.where(_waits)
    ends = session.execute(grown.order_by(cases.c.report_id).limit(limit).with_for_update(of=cases)).all()
    begin = newest.position + 1 if newest else 1
    if ends:
        session.execute(insert(leaves), [_row(day, position, end) for position, end in enumerate(ends, begin)])
        session.execute(delete(behind).where(_waits, behind.c.report_id.in_([end.report_id for end in ends])))
    return len(ends)


def _row(day: date, position: int, end: tuple[UUID, int, str]) -> dict[str, object]:
    report_id, seq, last_hash = end
    return {"day": day, "position": position, "report_id": report_id, "seq": seq, "hash": last_hash}


def _tree(session: Session, day: date, previous: str) -> Tree:
    return tree_of(day, previous, ends_of(session, day))


_trees: dict[str, Tree] = {}  # by root, so that those of different databases are never taken for one another


def _remembered(session: Session, root: str, day: date, previous: str) -> Tree:
    tree = _trees.get(root) or _tree(session, day, previous)
    _trees[root] = tree
    while len(_trees) > REMEMBERED:
        _trees.pop(next(iter(_trees)), None)
    return tree


def _subject(day: date) -> UUID:
    """A root is about no one report; its events need a subject all the same."""
    return uuid5(NAMESPACE_URL, f"hoiam:root:{day}")
