"""What routing remembers about one report: who was named for it, how often it was given back, and whether a person must decide."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.routing.domain.rules import Decision, Rulebook, Unroutable
from shared.messages import CaseAssigned, CaseRehomed, CaseReturned, Message, ReportReceived, ReportRouted, ReportUnrouted


class State(StrEnum):
    """``placed``: by a rule or a proposal. ``triage``: a person must decide. ``by_hand``: a person did. ``ended``: nothing to route."""

    PLACED = "placed"
    TRIAGE = "triage"
    BY_HAND = "by_hand"
    ENDED = "ended"


@dataclass(kw_only=True, eq=False)
class Placement:
    """``hop`` is the newest routing known, ours or by hand; ``returns`` are the hops that ended with the agency giving it back;
    ``snapshot`` is the report as it was received, without who reported it."""

    report_id: UUID
    snapshot: dict[str, Any]
    hop: int = 0
    returns: list[int] = field(default_factory=list)
    agency: str = ""
    state: State = State.PLACED
    explanation: str = ""
    decided_at: datetime

    @classmethod
    def of(cls, received: ReportReceived) -> "Placement":
        """Nobody named yet."""
        return cls(report_id=received.report_id, snapshot=received.model_dump(mode="json"), decided_at=received.at)

    @property
    def report(self) -> ReportReceived:
        """The report as it was received."""
        return ReportReceived.model_validate(self.snapshot)

    def place(self, outcome: Decision | Unroutable, at: datetime, *, hop: int) -> Message:
        """Take over ``outcome`` and say it."""
        self.hop, self.explanation, self.decided_at = hop, outcome.explanation, at
        if isinstance(outcome, Unroutable):
            self.agency, self.state = "", State.TRIAGE
            return ReportUnrouted(report_id=self.report_id, at=at, explanation=outcome.explanation, hop=hop)
        self.agency, self.state = outcome.agency, State.PLACED
        return ReportRouted(
            report_id=self.report_id,
            at=at,
            agency=outcome.agency,
            supporting=outcome.supporting,
            rule=outcome.rule,
            explanation=outcome.explanation,
            sla_class=outcome.sla_class,
            urgent=outcome.urgent,
            hop=hop,
        )

    def is_late(self, hop: int) -> bool:
        """Whether news of routing number ``hop`` has been overtaken."""
        return self.state == State.ENDED or hop < self.hop

    def note_return(self, hop: int) -> None:
        """Counts even when it was overtaken, and once however often it is told."""
        if hop not in self.returns:
            self.returns = [*self.returns, hop]

    def give_back(self, returned: CaseReturned, rulebook: Rulebook) -> Decision | Unroutable:
        """Where it goes now: once to whom the returner proposes, then it is passed around no more."""
        if len(self.returns) >= rulebook.province.policy.bounces:
            return rulebook.bounced(returned.agency, returned.reason)
        return rulebook.proposed(returned.proposed_agency, self.report, returned.at, returner=returned.agency, reason=returned.reason)

    def assigned(self, fact: CaseAssigned) -> None:
        """A person named the agency when it isn't the one we did."""
        if self.state == State.TRIAGE or fact.agency != self.agency:
            self.state = State.BY_HAND
        self.agency, self.hop = fact.agency, fact.hop

    def rehomed(self, fact: CaseRehomed) -> None:
        """Nobody decided anew; whom we named has a successor. News that come late name somebody else."""
        self.agency = fact.agency if self.agency == fact.before else self.agency

    def await_hand(self, at: datetime) -> None:
        """A duplicate that is a matter of its own after all: a person names its agency."""
        self.agency, self.state, self.decided_at = "", State.TRIAGE, at
        self.explanation = "Tách khỏi phản ánh trùng: cần xác định lại đơn vị xử lý."

    def end(self) -> None:
        """Refused, cancelled or merged: whoever waits for a decision waits no longer."""
        self.state = State.ENDED
