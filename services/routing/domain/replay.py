"""What other rules would have changed about reports that came lately, decided as if they came on one day, each at its own hour."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from services.routing.domain.placement import Placement, State
from services.routing.domain.rules import Decision, Rulebook, Unroutable
from shared.messages import ReportReceived

NAMED = 200  # differences that are told one by one; the others are counted


@dataclass(frozen=True, kw_only=True)
class Named:
    """What a rulebook says of one report; everything is empty where a person would decide."""

    agency: str = ""
    supporting: tuple[str, ...] = ()
    rule: str = ""
    sla_class: str = ""
    urgent: bool = False

    @property
    def effect(self) -> tuple[object, ...]:
        """What anybody would notice: not by which rule."""
        return self.agency, self.supporting, self.sla_class, self.urgent


@dataclass(frozen=True, kw_only=True)
class Difference:
    report_id: UUID
    tracking_code: str
    category: str
    before: Named
    after: Named


@dataclass(kw_only=True)
class Replay:
    """``moves``: how many would go from one agency to another ("" is a person). ``settled`` of the reports have an agency that has them, or
    had them last: so many of ``before`` and ``after`` would have gone there at once."""

    looked_at: int = 0
    changed: int = 0
    settled: int = 0
    right_before: int = 0
    right_after: int = 0
    moves: Counter[tuple[str, str]] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    def add(self, placements: Iterable[Placement], before: Rulebook, after: Rulebook, day: date) -> None:
        """Decide ``placements`` by both."""
        zone = ZoneInfo(before.province.time_zone)
        for placement in placements:
            report = placement.report
            at = datetime.combine(day, report.at.astimezone(zone).time(), zone)
            self._compare(placement, report, _named(before, report, at), _named(after, report, at))

    def _compare(self, placement: Placement, report: ReportReceived, before: Named, after: Named) -> None:
        self.looked_at += 1
        if placement.agency and placement.state != State.TRIAGE:
            self.settled += 1
            self.right_before += before.agency == placement.agency
            self.right_after += after.agency == placement.agency
        if before.effect == after.effect:
            return
        self.changed += 1
        self.moves[before.agency, after.agency] += 1
        if len(self.differences) < NAMED:
            self.differences.append(
                Difference(
                    report_id=report.report_id,
                    tracking_code=report.tracking_code,
                    category=report.category,
                    before=before,
                    after=after,
                )
            )


def _named(of: Rulebook, report: ReportReceived, at: datetime) -> Named:
    decided: Decision | Unroutable = of.decide(report, at)
    if isinstance(decided, Unroutable):
        return Named()
    return Named(
        agency=decided.agency, supporting=decided.supporting, rule=decided.rule, sla_class=decided.sla_class, urgent=decided.urgent
    )
