"""What intake understands. ``HANDLERS`` at the foot is the table of contents."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from services.intake import store
from services.intake.domain import reporter
from services.intake.domain.following import AskToFollow, ConfirmFollower, Follower, ForgetFollower
from services.intake.domain.report import AddComment, PublicText, ReceiveReport, Report, Reporter
from services.intake.domain.screening import CONTACTS, redacted
from services.intake.domain.timeline import PUBLIC_CLOCKS, SHOWN, Entry
from services.intake.store import following
from shared.errors import NotFound
from shared.handling import Handler, moment
from shared.messages import FACTS, AuditRoot, ClockBreached, ClockEscalated, ClockWarned, Fact, Message, ReportCommented


def receive_report(asked: ReceiveReport, session: Session) -> Sequence[Message]:
    report, said = Report.receive(asked)
    store.add_report(session, report)
    session.add(PublicText.of(report))
    if asked.sealed:
        session.add(Reporter(report_id=asked.report_id, sealed=asked.sealed))
    return said


def add_comment(asked: AddComment, session: Session) -> Sequence[Message]:
    report = store.report_of(session, asked.report_id)
    report.heard(moment(session, asked))
    commented = ReportCommented(report_id=report.report_id, at=asked.at, comment_id=asked.comment_id, text=asked.text)
    session.add(Entry.of(commented))
    return [commented.model_copy(update={"text": redacted(asked.text, CONTACTS)})]


def ask_to_follow(asked: AskToFollow, session: Session) -> Sequence[Message]:
    """Nothing is sent twice in a day, and who asks is not told whether anybody follows already."""
    known = following.by_fingerprint(session, store.report_of(session, asked.report_id).report_id, asked.fingerprint)
    if known and not known.may_ask_again(asked.at):
        return []
    left = following.forget(session, known.follower_id, asked.at) if known else []
    follower, said = Follower.asking(asked)
    session.add(follower)
    return [*left, *said]


def confirm_follower(asked: ConfirmFollower, session: Session) -> Sequence[Message]:
    follower = following.follower_of(session, asked.follower_id)
    if follower is None:
        raise NotFound("this link is no good any more: ask again to follow the report")
    return follower.confirm(asked.at)


def forget_follower(asked: ForgetFollower, session: Session) -> Sequence[Message]:
    return following.forget(session, asked.follower_id, asked.at)


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
    store.report_of(session, fact.report_id).learn(fact, at=moment(session, fact))
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


HANDLERS: Mapping[type, Handler] = {
    ReceiveReport: receive_report,
    AddComment: add_comment,
    AskToFollow: ask_to_follow,
    ConfirmFollower: confirm_follower,
    ForgetFollower: forget_follower,
    reporter.WithdrawReport: withdraw_report,
    reporter.RateAnswer: rate_answer,
    reporter.ObjectToAnswer: object_to_answer,
    **{kind: note for kind in SHOWN if kind not in FACTS["intake"]},
    **dict.fromkeys((ClockWarned, ClockBreached, ClockEscalated), note_lateness),
    AuditRoot: witness_root,
}
