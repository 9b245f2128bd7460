"""Who could answer a report that waits for a person, and why: the words of rules, of its text and of other agencies put together."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from services.routing.domain.reasons import Words
from services.routing.domain.rules import Decision, Rulebook
from services.routing.domain.suggesting import Suggestion
from shared.messages import ReportReceived

LIKELY = 0.05  # what is less than that would only make the list longer


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """``category`` is what the report would be about then."""

    agency: str
    category: str
    reason: Words


def candidates(
    report: ReportReceived, rulebook: Rulebook, at: datetime, *, proposed: Sequence[str], suggestions: Sequence[Suggestion], tried: Set[str]
) -> list[Candidate]:
    """The best first, each agency once; never who was ``tried`` before, nor the centre itself."""
    found = [*_by_returners(report, rulebook, proposed), *_by_rules(report, rulebook, at, suggestions), *_by_place(report, rulebook, at)]
    out = {*tried, rulebook.province.centre}
    first: dict[str, Candidate] = {}
    for one in found:
        if one.agency not in out:
            first.setdefault(one.agency, one)
    return list(first.values())


def _by_returners(report: ReportReceived, rulebook: Rulebook, proposed: Sequence[str]) -> Iterator[Candidate]:
    for agency in reversed(proposed):
        if agency in rulebook.province.agencies:
            reason = Words("Đơn vị trả lại đề xuất.", "Proposed by the agency that gave it back.")
            yield Candidate(agency=agency, category=report.category, reason=reason)


def _by_rules(report: ReportReceived, rulebook: Rulebook, at: datetime, suggestions: Sequence[Suggestion]) -> Iterator[Candidate]:
    own = rulebook.decide(report, at)
    if isinstance(own, Decision):
        yield Candidate(agency=own.agency, category=report.category, reason=Words(f"Theo quy tắc {own.rule}.", f"By rule {own.rule}."))
    for one in (one for one in suggestions if one.chance >= LIKELY):
        decided = rulebook.decide(report.model_copy(update={"category": one.category}), at)
        if isinstance(decided, Decision):
            name, words = rulebook.province.categories[one.category].name, ", ".join(f"“{word}”" for word in one.words)
            reason = Words(
                f"Nội dung giống lĩnh vực “{name.vi}” ({one.chance:.0%}: {words}); quy tắc {decided.rule}.",
                f"The text reads like “{name.en}” ({one.chance:.0%}: {words}); rule {decided.rule}.",
            )
            yield Candidate(agency=decided.agency, category=one.category, reason=reason)


def _by_place(report: ReportReceived, rulebook: Rulebook, at: datetime) -> Iterator[Candidate]:
    place = rulebook.place_of(report, at)
    if place:
        agency = rulebook.agency_on(place.area.agency, at)
        reason = Words(f"Cơ quan của {place.area.name.vi}.", f"Answers for {place.area.name.en}.")
        yield Candidate(agency=agency.code, category=report.category, reason=reason)
