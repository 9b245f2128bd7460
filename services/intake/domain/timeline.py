"""What everybody may see of what happened to a report: which facts, and which of their fields."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from shared import messages as say
from shared.envelope import new_id
from shared.messages import Fact

# An answer is shown when it is approved, not when it is handed in; what agencies and the centre tell one another stays between them.
SHOWN: dict[type[Fact], frozenset[str]] = {
    say.ReportCommented: frozenset({"comment_id", "text"}),
    say.ReportWithdrawn: frozenset({"reason"}),
    say.ReportRated: frozenset({"rating"}),
    say.ReportObjected: frozenset({"reason"}),
    say.ReportRouted: frozenset({"explanation"}),
    say.ReportUnrouted: frozenset(),
    say.CaseOpened: frozenset(),
    say.CaseAssigned: frozenset({"due_at"}),
    say.CaseRehomed: frozenset(),
    say.CaseAccepted: frozenset({"due_at", "silent"}),
    say.CaseReturned: frozenset({"reason"}),
    say.CaseQuestioned: frozenset({"question"}),
    say.CaseResumed: frozenset({"due_at"}),
    say.ExtensionWanted: frozenset(),
    say.CaseExtended: frozenset({"due_at", "reason"}),
    say.CaseSubmitted: frozenset(),
    say.CaseSentBack: frozenset(),
    say.CaseResolved: frozenset({"outcome", "answer", "on_time", "evidence"}),
    say.CaseReopened: frozenset({"reason", "due_at"}),
    say.CaseClosed: frozenset(),
    say.CaseRefused: frozenset({"reason", "redirect"}),
    say.CaseCancelled: frozenset({"reason"}),
    say.CaseMerged: frozenset(),
    say.CaseUnmerged: frozenset(),
    say.CaseAnswered: frozenset({"comment_id", "answer", "on_time"}),
    say.CaseProgressed: frozenset({"text", "expected_on"}),
    say.ClockBreached: frozenset({"clock", "due_at"}),
    say.ClockEscalated: frozenset({"clock", "due_at", "step"}),
    say.NoticeDelivered: frozenset({"about"}),
    say.NoticeFailed: frozenset({"about"}),
}
REPORTERS_WORDS = {"report.commented": "text", "report.withdrawn": "reason", "report.objected": "reason"}  # topic → field
PUBLIC_CLOCKS = frozenset({"resolve", "answer"})  # what reporters wait for


@dataclass(kw_only=True)
class Entry:
    """One line of the timeline. ``version`` is that of a case's fact and 0 for others: it orders what happened in one moment."""

    id: UUID
    report_id: UUID
    at: datetime
    topic: str
    version: int
    agency: str
    data: dict[str, Any]

    @classmethod
    def of(cls, fact: Fact) -> Self:
        """What is shown of ``fact``."""
        return cls(
            id=new_id(),
            report_id=fact.report_id,
            at=fact.at,
            topic=fact.topic,
            version=getattr(fact, "version", 0),
            agency=getattr(fact, "agency", ""),
            data=fact.model_dump(mode="json", include=set(SHOWN[type(fact)])),
        )
