"""What a made-up history is to contain: every report, when it comes and what is to become of it. The same seed gives the same plans."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from services.cli.simulate import wording
from shared.messages import Location, ReportReceived
from shared.province import Province

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
DISTRICTS = ("city", "town", "district")
ROOM = {"U4": 3, "S1": 6, "S3": 9, "S5": 12, "S7": 15, "C10": 20, "C15": 28}  # calendar days by which a case of the class is answered


class Fate(StrEnum):
    """What is to become of a report by the end."""

    ON_TIME = "on_time"
    LATE = "late"
    OPEN = "open"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """How many reports end how, between two moments."""

    since: datetime
    until: datetime
    fates: dict[Fate, int]


SCENARIOS = {
    "quang-tri-2024": Scenario(
        since=datetime(2021, 5, 1, tzinfo=VIETNAM),
        until=datetime(2024, 6, 1, tzinfo=VIETNAM),  # the whole of 31/5/2024 belongs to it
        fates={Fate.ON_TIME: 610, Fate.LATE: 245, Fate.OPEN: 3, Fate.CANCELLED: 131},
    ),
    "sixty": Scenario(
        since=datetime(2024, 1, 15, tzinfo=VIETNAM),  # Tết is in it
        until=datetime(2024, 6, 1, tzinfo=VIETNAM),
        fates={Fate.ON_TIME: 37, Fate.LATE: 15, Fate.OPEN: 1, Fate.CANCELLED: 7},
    ),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One report and the people around it. ``share``: of its time that the agency uses; ``lateness``: working hours past the deadline."""

    report: ReportReceived
    fate: Fate
    by_the_clock: bool
    share: float
    lateness: float
    outcome: str
    proposes: str = ""
    silent: bool = False
    asks: bool = False
    sent_back: bool = False
    objects: bool = False
    comment: str = ""
    answer_hours: float = 0.0
    rating: int = 0
    withdraws: bool = False

    @property
    def report_id(self) -> UUID:
        return self.report.report_id

    def in_time(self, submission: int) -> bool:
        """Whether the agency's ``submission``-th result (from 1) is to come before its deadline."""
        if self.fate == Fate.ON_TIME:
            return True
        return (self.objects and submission == 1) or (self.sent_back and submission == 1)


def plans(scenario: Scenario, province: Province, seed: int) -> list[Plan]:
    """In the order in which the reports come."""
    random = Random(seed)  # noqa: S311 - a made-up history, to be the same again
    drawn = [_draw(scenario, province, fate, random) for fate, count in scenario.fates.items() for _ in range(count)]
    drawn.sort(key=lambda draft: draft.at)
    return [_plan(draft, number, province, random) for number, draft in enumerate(drawn, start=1)]


@dataclass(frozen=True, kw_only=True)
class _Draft:
    fate: Fate
    category: str
    at: datetime
    traits: frozenset[str]


def _draw(scenario: Scenario, province: Province, fate: Fate, random: Random) -> _Draft:
    category = random.choice(sorted(wording.SENTENCES))
    of_class = province.categories[category].sla_class
    traits = frozenset(_traits(fate, of_class, random))
    room = timedelta(days=_room(fate, of_class, traits))
    earliest = scenario.until - timedelta(days=2) if fate == Fate.OPEN else scenario.since
    at = earliest + (scenario.until - room - earliest) * random.random()
    return _Draft(fate=fate, category=category, at=at.replace(microsecond=0), traits=traits)


def _room(fate: Fate, of_class: str, traits: frozenset[str]) -> float:
    """Calendar days before the end by which such a report has to come."""
    if fate in {Fate.OPEN, Fate.CANCELLED}:
        return 0.2 if fate == Fate.OPEN else 6
    extra = {"asks": 7, "returned": 3, "sent_back": 6, "objects": 12 + ROOM[of_class]}
    return ROOM[of_class] + (14 if fate == Fate.LATE else 0) + sum(extra.get(trait, 0) for trait in traits)


def _traits(fate: Fate, of_class: str, random: Random) -> Iterator[str]:
    """At most one that moves the case, and whether the reporter writes."""
    slow = of_class not in {"U4", "S1"}
    if fate == Fate.CANCELLED or fate == Fate.OPEN:
        return
    draw = random.random()
    if draw < 0.06 and slow:
        yield "returned"
    elif draw < 0.11 and slow:
        yield "asks"
    elif draw < 0.15:
        yield "objects"
    elif draw < 0.22 and fate == Fate.LATE:
        yield "sent_back"
    elif draw < 0.34 and fate == Fate.LATE:
        yield "silent"
    elif draw > 0.8:
        yield "comments"


def _plan(draft: _Draft, number: int, province: Province, random: Random) -> Plan:
    report = _report(draft, number, province, random)
    answered_late = random.random() < 0.3
    return Plan(
        report=report,
        fate=draft.fate,
        by_the_clock=province.policy.classes[province.categories[draft.category].sla_class].time == "wall",
        share=random.uniform(0.3, 0.92),
        lateness=random.uniform(1, 40),
        outcome=random.choices(list(wording.RESULTS), weights=(70, 15, 10, 5))[0],
        proposes=_other(report, province, random) if "returned" in draft.traits else "",
        silent="silent" in draft.traits,
        asks="asks" in draft.traits,
        sent_back="sent_back" in draft.traits,
        objects="objects" in draft.traits,
        comment=random.choice(wording.COMMENTS) if "comments" in draft.traits else "",
        answer_hours=random.uniform(25, 60) if answered_late else random.uniform(2, 20),
        rating=random.choices((0, 1, 2, 3, 4), weights=(60, 8, 8, 14, 10))[0],
        withdraws=random.random() < 0.4,
    )


def _report(draft: _Draft, number: int, province: Province, random: Random) -> ReportReceived:
    area = random.choice([area for area in province.areas.values() if area.kind in DISTRICTS])
    place = random.choice(wording.PLACES)
    asked = province.categories[draft.category].attributes
    return ReportReceived(
        report_id=_id(draft.at, random),
        at=draft.at,
        tracking_code=f"{province.tracking_prefix}-{draft.at:%y%m}-{number:05d}",
        portal=random.choice(("app", "web", "hotline")),
        category=draft.category,
        description=wording.SENTENCES[draft.category].format(place=f"{place}, {area.name.vi}"),
        location=Location(area=area.code, address=f"{place.capitalize()}, {area.name.vi}"),
        attributes={one.code: random.choice(one.values).key for one in asked if one.values},
        urgent=False,
    )


def _other(report: ReportReceived, province: Province, random: Random) -> str:
    """A department that no rule names for the areas: proposed when a report is given back."""
    home = province.areas[report.location.area].agency
    return random.choice([code for code in ("sxd", "stnmt", "sgtvt", "cat") if code != home])


def _id(at: datetime, random: Random) -> UUID:
    """A UUIDv7 (RFC 9562) of that moment, the same for the same seed."""
    value = (int(at.timestamp() * 1000) << 80) | random.getrandbits(80)
    value = (value & ~(0xF << 76)) | (7 << 76)
    return UUID(int=(value & ~(0x3 << 62)) | (2 << 62))
