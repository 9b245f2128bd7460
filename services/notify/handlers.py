"""What notify understands. Load, decide, keep; what it has to say comes when a notice was sent. ``HANDLERS`` is at the foot."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from services.notify import store
from services.notify.domain.asking import ChooseFacts, Leave, SendTest
from services.notify.domain.audience import HEARD
from services.notify.domain.contacts import SealedContact
from services.notify.domain.followers import UNCONFIRMED_LASTS, Follower
from services.notify.domain.notices import Notice
from services.notify.domain.telling import Subject
from services.notify.domain.webhooks import AddWebhook, RemoveWebhook, Replay, RotateSecret, SwitchOn, Webhook
from services.notify.store import reaching, sending, subscribing
from shared import province
from shared.errors import NotFound, NotYet, Refused
from shared.handling import Handler, envelope_of
from shared.messages import (
    TO_AGENCY,
    Fact,
    FollowerConfirmed,
    FollowerDeclined,
    FollowerLeft,
    FollowerReachable,
    Message,
    ReporterErased,
    ReporterReachable,
    ReportReceived,
    Tick,
    ToAgency,
)


def keep_contact(reachable: ReporterReachable, session: Session) -> Sequence[Message]:
    store.keep_contact(session, SealedContact.of(reachable))
    return []


def forget_reporter(erased: ReporterErased, session: Session) -> Sequence[Message]:
    """The newest word on how to reach the reporter is: not at all. So an older contact that comes late is not kept."""
    store.keep_contact(session, SealedContact(report_id=erased.report_id, sealed="", at=erased.at))
    store.forget_reporter(session, erased.report_id)
    subject = store.known_subject(session, erased.report_id)
    if subject:
        subject.reachable = False
    return []


def ask_follower(reachable: FollowerReachable, session: Session) -> Sequence[Message]:
    subject, follower = store.subject_of(session, reachable.report_id), Follower.of(reachable)
    store.add_follower(session, follower)
    store.add_notices(session, [subject.ask(reachable, follower, province.current(session))])
    return []


def confirm_follower(confirmed: FollowerConfirmed, session: Session) -> Sequence[Message]:
    follower = store.follower_of(session, confirmed.report_id, confirmed.follower_id)
    if follower is None:
        raise NotYet(f"nobody asked yet to follow report {confirmed.report_id} as {confirmed.follower_id}")
    follower.confirmed_at = confirmed.at
    return []


def forget_follower(left: FollowerLeft, session: Session) -> Sequence[Message]:
    """Who never confirmed may be forgotten already."""
    if follower := store.follower_of(session, left.report_id, left.follower_id):
        store.forget_follower(session, follower)
    return []


def forget_unconfirmed(tick: Tick, session: Session) -> Sequence[Message]:
    store.forget_unconfirmed(session, before=tick.at - UNCONFIRMED_LASTS)
    return []


def begin_telling(received: ReportReceived, session: Session) -> Sequence[Message]:
    subject = store.known_subject(session, received.report_id) or store.add_subject(session, Subject.of(received))
    return _tell(subject, received, session)


def tell(fact: Fact, session: Session) -> Sequence[Message]:
    return _tell(store.subject_of(session, fact.report_id), fact, session)


def pass_on(work: ToAgency, session: Session) -> Sequence[Message]:
    """To an agency that is called instead of reading its queue. What is sent again has the id it had, and is there already."""
    if not store.notices_of(session, {envelope_of(session).id}):
        store.add_notices(session, [Notice.work(envelope_of(session), work.agency)])
    return []


def add_webhook(asked: AddWebhook, session: Session) -> Sequence[Message]:
    """An agency's always has the same id, also when it was removed once."""
    if asked.portal and store.is_registered(session, asked.portal, asked.url):
        raise Refused("this portal hears the news at that address already", code="webhook_exists")
    given = asked.model_dump(include={"portal", "agency", "url", "sealed"})
    session.merge(Webhook(id=asked.report_id, created_at=asked.at, **given))
    if asked.sealed_contact:
        store.keep_contact(session, SealedContact(report_id=asked.report_id, sealed=asked.sealed_contact, at=asked.at))
    return []


def rotate_secret(asked: RotateSecret, session: Session) -> Sequence[Message]:
    _webhook(session, asked.report_id).rotate(asked)
    return []


def switch_on(asked: SwitchOn, session: Session) -> Sequence[Message]:
    """It starts anew: what it failed at before is forgotten."""
    webhook = _webhook(session, asked.report_id)
    webhook.active = True
    for place in sending.locked_places(session, [str(webhook.id)]).values():
        place.worked()
    return []


def remove_webhook(asked: RemoveWebhook, session: Session) -> Sequence[Message]:
    """That something was sent there, and when, stays."""
    webhook = _webhook(session, asked.report_id)
    sending.switch_off(session, webhook)
    webhook.remove()
    store.keep_contact(session, SealedContact(report_id=webhook.id, sealed="", at=asked.at))
    store.forget_reporter(session, webhook.id)
    return []


def replay(asked: Replay, session: Session) -> Sequence[Message]:
    sending.replay(session, sending.to_replay(asked), asked.at)
    return []


def choose_facts(asked: ChooseFacts, session: Session) -> Sequence[Message]:
    if asked.facts is None:
        subscribing.unsubscribe(session, asked.subscriber)
    else:
        subscribing.subscribe(session, asked.subscriber, asked.facts, asked.at)
    return []


def leave(asked: Leave, session: Session) -> Sequence[Message]:
    """Reporters are written to no more; who follows follows no more, and only intake can see to that."""
    everybody = asked.everywhere or asked.undo
    person = (asked.person or reaching.person_behind(session, asked.name)) if everybody else ""
    for name in {asked.name, person} - {""}:
        if asked.undo:
            reaching.end_silence(session, name)
        else:
            reaching.silence(session, name, asked.at)
    ended = [] if asked.undo else reaching.followed_by(session, asked.name, person)
    return [FollowerDeclined(report_id=report_id, at=asked.at, follower_id=follower_id) for follower_id, report_id in ended]


def send_test(asked: SendTest, session: Session) -> Sequence[Message]:
    """At once, whatever the hour."""
    if asked.webhook_id:
        _webhook(session, asked.webhook_id)
    store.add_notices(session, [Notice.test(asked)])
    return []


def _webhook(session: Session, webhook_id: UUID) -> Webhook:
    webhook = sending.locked_webhook(session, webhook_id)
    if webhook is None or webhook.is_removed:
        raise NotFound("there is no webhook of that id")
    return webhook


def _tell(subject: Subject, fact: Fact, session: Session) -> Sequence[Message]:
    followers, person = store.followers_of(session, subject.report_id), store.person_of(session, subject.report_id)
    webhooks, chosen = store.webhooks_of(session, subject.portal), subscribing.all_chosen(session)
    store.add_notices(session, subject.hear(fact, webhooks, province.current(session), followers, person=person, chosen=chosen))
    return []


HANDLERS: Mapping[type, Handler] = {
    ReporterReachable: keep_contact,
    ReporterErased: forget_reporter,
    FollowerReachable: ask_follower,
    FollowerConfirmed: confirm_follower,
    FollowerLeft: forget_follower,
    **dict.fromkeys(HEARD, tell),
    **dict.fromkeys(TO_AGENCY, pass_on),
    ReportReceived: begin_telling,
    AddWebhook: add_webhook,
    RotateSecret: rotate_secret,
    SwitchOn: switch_on,
    RemoveWebhook: remove_webhook,
    Replay: replay,
    ChooseFacts: choose_facts,
    Leave: leave,
    SendTest: send_test,
    Tick: forget_unconfirmed,
}
