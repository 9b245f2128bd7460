"""Open cases in numbers, for the metrics: by holder and by category, with what must never be."""

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.sla.domain.lifecycle import OPEN
from services.sla.store import cases, clocks

_is_open = cases.c.state.in_([str(state) for state in OPEN])
_now: Any = func.now()


def gauges(session: Session) -> Iterable[GaugeMetricFamily]:
    """Open and overdue cases, the oldest, and the invariants: every open case has a holder and a running clock, and no clock is late."""
    yield from _by_agency(session)
    yield from _by_category(session)
    yield from _invariants(session)


def _by_agency(session: Session) -> Iterator[GaugeMetricFamily]:
    opened = GaugeMetricFamily("hoiam_open_cases", "Open cases by state and holder", labels=["state", "agency"])
    late = GaugeMetricFamily("hoiam_overdue_cases", "Open cases past the reporter's deadline, by holder", labels=["agency"])
    oldest = GaugeMetricFamily("hoiam_oldest_open_case_seconds", "Since the oldest open case was received, by holder", labels=["agency"])
    of_all: dict[str, tuple[int, float]] = {}
    for state, agency, count, overdue, age in session.execute(_counted(cases.c.state, cases.c.agency)):
        opened.add_metric([state, agency], count)
        past, eldest = of_all.get(agency, (0, 0.0))
        of_all[agency] = (past + overdue, max(eldest, float(age)))
    for agency, (past, eldest) in of_all.items():
        late.add_metric([agency], past)
        oldest.add_metric([agency], eldest)
    yield from (opened, late, oldest)


def _by_category(session: Session) -> Iterator[GaugeMetricFamily]:
    opened = GaugeMetricFamily("hoiam_category_open_cases", "Open cases by category", labels=["category"])
    late = GaugeMetricFamily("hoiam_category_overdue_cases", "Open cases past the reporter's deadline, by category", labels=["category"])
    for category, count, overdue, _ in session.execute(_counted(cases.c.category)):
        opened.add_metric([category], count)
        late.add_metric([category], overdue)
    yield from (opened, late)


def _counted(*by: Any) -> Any:
    overdue = func.count().filter(cases.c.due_at < _now)
    age = func.extract("epoch", _now - func.min(cases.c.received_at))
    return select(*by, func.count(), overdue, age).where(_is_open).group_by(*by)


def _invariants(session: Session) -> Iterator[GaugeMetricFamily]:
    ticking = select(clocks.c.id).where(clocks.c.report_id == cases.c.report_id, clocks.c.stopped_at.is_(None)).exists()
    stuck = session.scalar(select(func.count()).select_from(cases).where(_is_open, ~ticking)) or 0
    yield GaugeMetricFamily("hoiam_open_cases_without_clock", "Invariant, always 0: nobody is held to any time", value=stuck)
    nobody = session.scalar(select(func.count()).select_from(cases).where(_is_open, cases.c.agency == "")) or 0
    yield GaugeMetricFamily("hoiam_open_cases_without_holder", "Invariant, always 0: nobody has them", value=nobody)
    lag = session.scalar(select(func.extract("epoch", _now - func.min(clocks.c.next_at))))
    yield GaugeMetricFamily(
        "hoiam_clock_lag_seconds", "How late the clock speaks that is most behind; 0 when none is", value=max(float(lag or 0), 0)
    )
