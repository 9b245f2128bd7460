"""What intake understands. ``HANDLERS`` at the foot is the table of contents."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from services.intake import store
from services.intake.domain import reporter
from services.intake.domain.following import AskToFollow, ConfirmFollower, Follower, ForgetFollower
from services.intake.domain.media import (
    REPORTER,
    AnnounceMedia,
    DropMedia,
    KeepMedia,
    Media,
    MediaUnknown,
    Original,
    ScreenMedia,
    TakeMedia,
    announced,
    named,
)
from services.intake.domain.privacy import RETENTION, Access, Act, TouchIdentity, forget
from services.intake.domain.report import IDENTITY, AddComment, ReceiveReport, Report
from services.intake.domain.screening import CONTACTS, redacted
from services.intake.domain.timeline import PUBLIC_CLOCKS, SHOWN, Entry
from services.intake.store import following, media
from services.intake.store import privacy as identity
from shared.errors import NotFound
from shared.handling import Handler, moment
from shared.messages import (
    FACTS,
    AuditRoot,
    CaseResolved,
    ClockBreached,
    ClockEscalated,
    ClockWarned,
    Fact,
    FollowerDeclined,
    Message,
    Photo,
    ReportCommented,
    ReporterErased,
    Tick,
)


def receive_report(asked: ReceiveReport, session: Session) -> Sequence[Message]:
    there = media.of_ids(session, asked.media)
    photos = [_joined(there.get(media_id), asked) for media_id in asked.media]
    report, said = Report.receive(asked, photos)
    store.add_report(session, report, asked.model_dump(include={"report_id", *IDENTITY}) if asked.sealed else None)
    return said


def _joined(one: Media | None, asked: ReceiveReport) -> Photo:
    if one is None:
        raise MediaUnknown("one of the media is no finished upload of yours that waits for its report")
    return one.join(asked.report_id, portal=asked.portal, at=asked.at)


def announce_media(asked: AnnounceMedia, session: Session) -> Sequence[Message]:
    report = store.report_by_id(session, asked.report_id) if asked.is_of_report else None
    others = media.of_report(session, asked.report_id) if report else []
    today = 0 if asked.uploader == REPORTER else media.announced_since(session, asked.uploader, asked.at - timedelta(days=1))
    session.add(announced(asked, report, others=others, today=today))
    return []


def take_media(asked: TakeMedia, session: Session) -> Sequence[Message]:
    media.of_id(session, asked.media_id, lock=True).take(asked.at)
    return []


def keep_media(asked: KeepMedia, session: Session) -> Sequence[Message]:
    media.of_id(session, asked.media_id, lock=True).keep(asked)
    return []


def drop_media(asked: DropMedia, session: Session) -> Sequence[Message]:
    media.drop(session, asked.media_id)
    return []


def screen_media(asked: ScreenMedia, session: Session) -> Sequence[Message]:
    media.of_id(session, asked.media_id, lock=True).screen(asked)
    return []


def sweeper(remove: Callable[[UUID], None], strip: Callable[[UUID, str], None]) -> Handler:
    """Uploads nobody came back for, and originals of who is forgotten: first the bytes (both may be repeated), then what tells of them."""

    def sweep(tick: Tick, session: Session) -> Sequence[Message]:
        for one in media.expired(session, tick.at):
            remove(one.id)
            session.delete(one)
        for one in media.to_strip(session):
            strip(one.id, one.sha256)
            one.original = Original.GONE
        return []

    return sweep


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


def forget_follower(asked: ForgetFollower | FollowerDeclined, session: Session) -> Sequence[Message]:
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
    store.add_to_timeline(session, Entry.of(fact))
    return []


def note_answer(fact: CaseResolved, session: Session) -> Sequence[Message]:
    """Its evidence is shown with it: who approved the result has seen it."""
    for one in media.of_ids(session, named(fact.evidence)).values():
        one.prove(agency=fact.agency, at=fact.at)
    return note(fact, session)


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
    for one in media.of_report(session, report.report_id):
        one.forget()
    known = identity.reporter_of(session, report.report_id)
    if known:
        session.delete(known)
    return [ReporterErased(report_id=report.report_id, at=asked.at)]


def forgetting(days: int) -> Handler:
    """Forgets who reported, and who followed, what has been over for ``days``: some at each tick."""

    def forget_old(tick: Tick, session: Session) -> Sequence[Message]:
        before, reason = tick.at - timedelta(days=days), f"{days} days after the end of the report"
        over = identity.long_over(session, before, limit=tick.limit)
        left = identity.followed_long_over(session, before, limit=tick.limit)
        asked = (TouchIdentity(report_id=id_, at=tick.at, actor=RETENTION, act=Act.ERASED, reason=reason) for id_ in over)
        gone = [said for follower_id in left for said in following.forget(session, follower_id, tick.at)]
        return [*gone, *(said for one in asked for said in note_access(one, session))]

    return forget_old


HANDLERS: Mapping[type, Handler] = {
    ReceiveReport: receive_report,
    AnnounceMedia: announce_media,
    TakeMedia: take_media,
    KeepMedia: keep_media,
    DropMedia: drop_media,
    ScreenMedia: screen_media,
    AddComment: add_comment,
    AskToFollow: ask_to_follow,
    ConfirmFollower: confirm_follower,
    ForgetFollower: forget_follower,
    FollowerDeclined: forget_follower,
    reporter.WithdrawReport: withdraw_report,
    reporter.RateAnswer: rate_answer,
    reporter.ObjectToAnswer: object_to_answer,
    **{kind: note for kind in SHOWN if kind not in FACTS["intake"]},
    **dict.fromkeys((ClockWarned, ClockBreached, ClockEscalated), note_lateness),
    CaseResolved: note_answer,
    AuditRoot: witness_root,
    TouchIdentity: note_access,
}
