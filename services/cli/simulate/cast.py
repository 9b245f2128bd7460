"""The people of a made-up history: agencies, the operations centre, reporters. Each hears what the services say and does the next thing.

Nothing here decides an outcome: a result is handed in before or after the deadline that sla counted, and sla says what that makes it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid5

from services.cli.simulate import wording
from services.cli.simulate.agenda import Fate, Plan
from services.sla.domain.calendar import Calendar
from shared import messages as say
from shared.messages import Message, Outcome
from shared.province import Province

Later = Callable[[Message], None]
Moments = dict[tuple[UUID, str, int], datetime]
OPERATOR = "operator:trực-ban"
HOUR = timedelta(hours=1)
HEARD: frozenset[type[Message]] = frozenset({
    say.CaseAssigned, say.CaseAccepted, say.CaseQuestioned, say.CaseResumed, say.CaseSubmitted, say.CaseSentBack, say.CaseResolved,
    say.CaseReopened, say.Comment,
})  # fmt: skip


class Cast:
    """``moments``: when each did what; given from an earlier run, everybody does the same at the same moment again."""

    def __init__(self, plans: list[Plan], province: Province, calendar: Calendar, later: Later, moments: Moments) -> None:
        self._plans = {plan.report_id: plan for plan in plans}
        self._calendar, self._policy = calendar, province.policy
        self._later, self._moments = later, moments
        self._submitted: dict[UUID, int] = {}
        self._due: dict[UUID, datetime] = {}  # the last deadline that was said
        self._done: dict[tuple[UUID, str], int] = {}
        self._reactions: Mapping[type[Message], Callable[[Plan, Any], None]] = {
            say.CaseAssigned: self._assigned,
            say.CaseAccepted: self._accepted,
            say.CaseQuestioned: self._questioned,
            say.CaseResumed: self._work,
            say.CaseSubmitted: self._judge,
            say.CaseSentBack: self._work,
            say.CaseResolved: self._answered,
            say.CaseReopened: self._work,
            say.Comment: self._comment,
        }

    def hear(self, message: Message) -> None:
        """Do what whoever this concerns does about it."""
        if isinstance(message, say.CaseAssigned | say.CaseAccepted | say.CaseResumed | say.CaseReopened) and message.due_at:
            self._due[message.report_id] = message.due_at
        reaction = self._reactions.get(type(message))
        if reaction:
            reaction(self._plans[message.report_id], message)

    def begin(self, plan: Plan) -> None:
        """The report comes; some are called off before anybody answers."""
        self._later(plan.report)
        if plan.fate != Fate.CANCELLED:
            return
        at = self._when(plan, "cancel", lambda random: self._calendar.add(plan.report.at, HOUR * random.uniform(0.4, 9)))
        if plan.withdraws:
            self._later(say.ReportWithdrawn(report_id=plan.report_id, at=at, reason=wording.WITHDRAW))
        else:
            self._later(say.CancelCase(report_id=plan.report_id, at=at, actor=OPERATOR, reason=wording.CANCEL))

    # --- agencies ---------------------------------------------------------------------------------------------------------

    def _assigned(self, plan: Plan, fact: say.CaseAssigned) -> None:
        asker = {"report_id": plan.report_id, "actor": f"agency:{fact.agency}"}
        if plan.proposes not in {"", fact.agency} and fact.hop == 1:
            at = self._when(plan, "return", lambda random: self._calendar.add(fact.at, HOUR * random.uniform(0.6, 3)))
            self._later(say.ReturnCase(**asker, at=at, reason=wording.RETURN, proposed_agency=plan.proposes))
        elif not plan.silent:
            at = self._when(plan, "accept", lambda random: self._soon(plan, fact.at, fact.due_at, random.uniform(0.05, 0.25)))
            if at < self._moments.get((plan.report_id, "cancel", 1), at + HOUR):
                self._later(say.AcceptCase(**asker, at=at))

    def _accepted(self, plan: Plan, fact: say.CaseAccepted) -> None:
        if plan.fate in {Fate.CANCELLED, Fate.OPEN}:
            return
        if plan.comment:
            at = self._when(plan, "comment", lambda random: fact.at + HOUR * random.uniform(0.5, 30))
            self._write(plan, at, plan.comment)
        if not plan.asks:
            self._work(plan, fact)
            return
        at = self._when(plan, "ask", lambda random: self._soon(plan, fact.at, fact.due_at, random.uniform(0.1, 0.4)))
        self._later(say.AskReporter(report_id=plan.report_id, at=at, actor=f"agency:{fact.agency}", question=wording.QUESTION))

    def _work(self, plan: Plan, fact: say.CaseFact) -> None:
        """Hand in a result before or after the deadline, as is planned."""
        number = self._submitted[plan.report_id] = self._submitted.get(plan.report_id, 0) + 1
        at = self._when(plan, "submit", lambda _: self._submission(plan, number, fact.at, self._due[plan.report_id]))
        self._later(
            say.SubmitResult(
                report_id=plan.report_id,
                at=max(at, fact.at),
                actor=f"agency:{fact.agency}",
                outcome=Outcome(plan.outcome),
                answer=wording.RESULTS[plan.outcome],
                evidence=(wording.EVIDENCE,),
            )
        )

    def _submission(self, plan: Plan, number: int, at: datetime, due_at: datetime) -> datetime:
        if plan.in_time(number) and at < due_at:
            return self._soon(plan, at, due_at, plan.share, longest=None)
        late = plan.lateness if plan.fate == Fate.LATE and not plan.objects else 2.0
        return self._calendar.add(max(at, due_at), HOUR * late)

    def _soon(self, plan: Plan, at: datetime, due_at: datetime, share: float, longest: timedelta | None = HOUR * 4) -> datetime:
        """After that ``share`` of the time to ``due_at``, in working time unless it runs by the clock."""
        left = due_at - at if plan.by_the_clock else self._calendar.between(at, due_at)
        wait = max(min(left * share, longest or left), timedelta(minutes=1))
        return at + wait if plan.by_the_clock else self._calendar.add(at, wait)

    def _comment(self, plan: Plan, heard: say.Comment) -> None:
        at = self._when(plan, "answer", lambda _: heard.at + HOUR * plan.answer_hours)
        asker = {"report_id": plan.report_id, "at": max(at, heard.at), "actor": f"agency:{heard.agency}"}
        self._later(say.AnswerReporter(**asker, comment_id=heard.comment_id, answer=wording.ANSWER))

    # --- the operations centre --------------------------------------------------------------------------------------------

    def _judge(self, plan: Plan, fact: say.CaseSubmitted) -> None:
        number = self._submitted[plan.report_id]
        if self._policy.automatic_approval and not (plan.objects and number > 1):
            return
        at = self._when(plan, "judge", lambda random: self._calendar.add(fact.at, HOUR * random.uniform(0.3, 3.5)))
        asker = {"report_id": plan.report_id, "at": max(at, fact.at), "actor": OPERATOR}
        if plan.sent_back and number == 1:
            self._later(say.SendBackResult(**asker, reason=wording.SEND_BACK))
        else:
            self._later(say.ApproveResult(**asker, objection_upheld=plan.fate == Fate.LATE))

    # --- reporters --------------------------------------------------------------------------------------------------------

    def _questioned(self, plan: Plan, fact: say.CaseQuestioned) -> None:
        at = self._when(plan, "reply", lambda random: fact.at + HOUR * random.uniform(1, 30))
        self._write(plan, at, wording.REPLY)

    def _answered(self, plan: Plan, fact: say.CaseResolved) -> None:
        if plan.objects and self._done.get((plan.report_id, "object"), 0) == 0:
            at = self._when(plan, "object", lambda random: fact.at + HOUR * random.uniform(5, 140))
            self._later(say.ReportObjected(report_id=plan.report_id, at=max(at, fact.at), reason=wording.OBJECTION))
        elif plan.rating:
            at = self._when(plan, "rate", lambda random: fact.at + HOUR * random.uniform(2, 150))
            self._later(say.ReportRated(report_id=plan.report_id, at=max(at, fact.at), rating=plan.rating))

    def _write(self, plan: Plan, at: datetime, words: str) -> None:
        comment_id = uuid5(plan.report_id, words)
        self._later(say.ReportCommented(report_id=plan.report_id, at=at, comment_id=comment_id, text=words))

    # --- when ---------------------------------------------------------------------------------------------------------------

    def _when(self, plan: Plan, what: str, decide: Callable[[Random], datetime]) -> datetime:
        """The moment of the n-th ``what`` of this report: the one of the earlier run, else as ``decide`` says."""
        number = self._done[plan.report_id, what] = self._done.get((plan.report_id, what), 0) + 1
        key = (plan.report_id, what, number)
        if key not in self._moments:
            random = Random(f"{plan.report_id} {what} {number}")  # noqa: S311 - a made-up history, to be the same again
            self._moments[key] = decide(random)
        return self._moments[key]
