"""Who hears what: one table, from the facts of a report to who is told of them, and how soon. ``docs/notices.md`` shows it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from shared import messages as say
from shared.messages import Fact

CENTRES_CLOCKS = frozenset({"route", "approve"})  # run while the operations centre owes something


class Reader(StrEnum):
    """Whom a notice is for. ``office`` is the provincial office, the last step of escalations; ``agency`` an agency's program, which hears
    what others read in their queues and has no column in the table."""

    REPORTER = "reporter"
    FOLLOWER = "follower"
    DUTY_OFFICER = "duty_officer"
    HEAD = "head"
    CENTRE = "centre"
    OFFICE = "office"
    PORTAL = "portal"
    AGENCY = "agency"


class Pace(StrEnum):
    """``now`` is what somebody waits for and goes out at any hour; ``tell`` waits for the morning and for the budget of who hears it;
    ``remind`` goes out at the beginning of the next half working day, so at most once in each."""

    NEVER = ""
    NOW = "now"
    TELL = "tell"
    REMIND = "remind"


class Line(NamedTuple):
    """Who hears one fact. ``portal`` is the status a portal may show from then on: "" leaves it as it is, None: portals don't hear it."""

    reporter: Pace
    follower: Pace
    duty_officer: Pace
    head: Pace
    centre: Pace
    office: Pace
    portal: str | None


OFFICES = (Reader.DUTY_OFFICER, Reader.HEAD, Reader.CENTRE, Reader.OFFICE)
____, NOW_, TELL, REMIND = Pace.NEVER, Pace.NOW, Pace.TELL, Pace.REMIND
TABLE: Mapping[str, Line] = {
    # fact                       reporter follower duty    head    centre  office  portal
    "report.received":      Line(NOW_,    ____,    ____,   ____,   ____,   ____,   "received"),
    "report.unrouted":      Line(____,    ____,    ____,   ____,   TELL,   ____,   None),
    "report.commented":     Line(____,    ____,    TELL,   ____,   ____,   ____,   None),
    "case.assigned":        Line(TELL,    TELL,    TELL,   ____,   ____,   ____,   "routed"),
    "case.rehomed":         Line(____,    ____,    TELL,   ____,   ____,   ____,   None),
    "case.accepted":        Line(TELL,    TELL,    ____,   ____,   ____,   ____,   "in_progress"),
    "case.accepted/silent": Line(____,    ____,    TELL,   ____,   ____,   ____,   "in_progress"),
    "case.returned":        Line(____,    ____,    ____,   ____,   TELL,   ____,   None),
    "case.questioned":      Line(TELL,    ____,    ____,   ____,   ____,   ____,   "waiting"),
    "case.resumed":         Line(____,    ____,    TELL,   ____,   ____,   ____,   "in_progress"),
    "case.extension_wanted": Line(____,   ____,    ____,   ____,   TELL,   ____,   None),
    "case.extended":        Line(TELL,    TELL,    TELL,   ____,   ____,   ____,   ""),
    "case.progressed":      Line(TELL,    TELL,    ____,   ____,   ____,   ____,   ""),
    "case.answered":        Line(TELL,    ____,    ____,   ____,   ____,   ____,   ""),
    "case.submitted":       Line(____,    ____,    ____,   ____,   TELL,   ____,   None),
    "case.sent_back":       Line(____,    ____,    TELL,   ____,   ____,   ____,   None),
    "case.resolved":        Line(TELL,    TELL,    ____,   ____,   ____,   ____,   "resolved"),
    "case.reopened":        Line(TELL,    TELL,    TELL,   TELL,   ____,   ____,   "in_progress"),
    "case.closed":          Line(TELL,    TELL,    ____,   ____,   ____,   ____,   "closed"),
    "case.refused":         Line(TELL,    TELL,    ____,   ____,   ____,   ____,   "refused"),
    "case.cancelled":       Line(TELL,    TELL,    TELL,   ____,   ____,   ____,   "cancelled"),
    "case.merged":          Line(TELL,    TELL,    ____,   ____,   ____,   ____,   "merged"),
    "case.unmerged":        Line(____,    ____,    ____,   ____,   ____,   ____,   "received"),
    "clock.warned":         Line(____,    ____,    REMIND, ____,   ____,   ____,   None),
    "clock.breached":       Line(____,    ____,    REMIND, ____,   ____,   ____,   None),
    "clock.escalated/1":    Line(____,    ____,    ____,   REMIND, ____,   ____,   None),
    "clock.escalated/2":    Line(____,    ____,    ____,   REMIND, REMIND, ____,   None),
    "clock.escalated/3":    Line(____,    ____,    ____,   REMIND, ____,   REMIND, None),
    "notice.failed":        Line(____,    ____,    ____,   ____,   TELL,   ____,   None),
}  # fmt: skip
# Nobody is told: what others tell better (report.routed, report.withdrawn, …) and what is no news of a report.
NOBODY = Line(____, ____, ____, ____, ____, ____, None)
HEARD: frozenset[type[Fact]] = frozenset(
    kind for facts in say.FACTS.values() for kind in facts if kind.topic in {key.partition("/")[0] for key in TABLE}
)


def told_to_agencies() -> list[str]:
    """The topics that some office hears of, in the order of the table."""
    return list(dict.fromkeys(key.partition("/")[0] for key, line in TABLE.items() if any(getattr(line, office) for office in OFFICES)))


def told_to_portals() -> list[str]:
    """The topics that webhooks hear of."""
    return list(dict.fromkeys(key.partition("/")[0] for key, line in TABLE.items() if line.portal is not None))


def line_of(fact: Fact) -> Line:
    """The line of the table; an escalation further than it goes is told as the last step."""
    if isinstance(fact, say.CaseAccepted) and fact.silent:
        return TABLE["case.accepted/silent"]
    if isinstance(fact, say.ClockEscalated):
        return TABLE[f"{fact.topic}/{min(max(fact.step, 1), 3)}"]
    return TABLE.get(fact.topic, NOBODY)
