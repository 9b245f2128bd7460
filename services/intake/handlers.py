"""What intake understands. ``HANDLERS`` at the foot is the table of contents."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy.orm import Session

from services.intake import store
from services.intake.domain import reporter
from services.intake.domain.privacy import RETENTION, Access, Act, TouchIdentity, forget
from services.intake.domain.report import IDENTITY, AddComment, ReceiveReport, Report, Reporter
from services.intake.domain.screening import CONTACTS, redacted
from services.intake.domain.timeline import PUBLIC_CLOCKS, SHOWN, Entry
from services.intake.store import privacy as identity
from shared.handling import Handler
from shared.messages import (
    FACTS,
    AuditRoot,
    ClockBreached,
    ClockEscalated,
    ClockWarned,
    Fact,
    Message,
    ReportCommented,
    ReporterErased,
    Tick,
)


def receive_report(asked: ReceiveReport, session: Session) -> Sequence[Message]:
    report, said = Report.receive(asked)
    store.add_report(session, report)
    if asked.sealed:
        session.add(Reporter(**asked.model_dump(include={"report_id", *IDENTITY})))
    return said


def add_comment(asked: AddComment, session: Session) -> Sequence[Message]:
    report = store.report_of(session, asked.report_id)
    commented = ReportCommented(report_id=report.report_id, at=asked.at, comment_id=asked.comment_id, text=asked.text)
    session.add(Entry.of(commented))
    return [commented.model_copy(update={"text": redacted(asked.text, CONTACTS)})]


def withdraw_report(asked: reporter.WithdrawReport, session: Session) -> Sequence[Message]:
    return _kept(session, reporter.withdraw(store.report_of(session, asked.report_id), asked))


def rate_answer(asked: reporter.RateAnswer, session: Session) -> Sequence[Message]:
    return _kept(session, reporter.rate(store.report_of(session, asked.report_id), asked))


def object_to_answer(asked: reporter.ObjectToAnswer, session: Session) -> Sequence[Message]:
    return _kept(session, reporter.object_to(store.report_of(session, asked.report_id), asked))


def _kept(session: Session, fact: Fact) -> Sequence[Message]:
    session.add(Entry.of(fact))
    return [fact]


def note(fact: Fact, session: Session) -> Sequence[Message]:
    """Whatever is told about a report: the public sees it, and where the case stands."""
    store.report_of(session, fact.report_id).learn(fact)
    session.add(Entry.of(fact))
    return []


def note_lateness(fact: ClockWarned | ClockBreached | ClockEscalated, session: Session) -> Sequence[Message]:
    """The public sees that an answer is late; warnings before, and the centre's own clocks, stay inside."""
    if isinstance(fact, ClockWarned) or fact.clock not in PUBLIC_CLOCKS:
        return []
    return note(fact, session)


def witness_root(root: AuditRoot, session: Session) -> Sequence[Message]:
    """In another schema, under another role: who rewrites the histories of sla, roots and all, is told by what is kept here."""
    store.witness(session, root)
    return []


def note_access(asked: TouchIdentity, session: Session) -> Sequence[Message]:
    """Who looks is written down before anything is shown; erasing says so to notify, which forgets it too."""
    report = store.report_of(session, asked.report_id)
    session.add(Access.of(asked, report))
    if asked.act != Act.ERASED:
        return []
    forget(report, store.timeline_of(session, report.report_id))
    known = identity.reporter_of(session, report.report_id)
    if known:
        session.delete(known)
    return [ReporterErased(report_id=report.report_id, at=asked.at)]


def forgetting(days: int) -> Handler:
    """Forgets who reported what has been over for ``days``, some at each tick."""

    def forget_old(tick: Tick, session: Session) -> Sequence[Message]:
        reason = f"{days} days after the end of the report"
        over = identity.long_over(session, tick.at - timedelta(days=days), limit=tick.limit)
        asked = (TouchIdentity(report_id=id_, at=tick.at, actor=RETENTION, act=Act.ERASED, reason=reason) for id_ in over)
        return [said for one in asked for said in note_access(one, session)]

    return forget_old


HANDLERS: Mapping[type, Handler] = {
    ReceiveReport: receive_report,
    AddComment: add_comment,
    reporter.WithdrawReport: withdraw_report,
    reporter.RateAnswer: rate_answer,
    reporter.ObjectToAnswer: object_to_answer,
    **{kind: note for kind in SHOWN if kind not in FACTS["intake"]},
    **dict.fromkeys((ClockWarned, ClockBreached, ClockEscalated), note_lateness),
    AuditRoot: witness_root,
    TouchIdentity: note_access,
}
