"""What notify understands. Load, decide, keep; what it has to say comes when a notice was sent. ``HANDLERS`` is at the foot."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from services.notify import store
from services.notify.domain.contacts import SealedContact
from services.notify.domain.telling import STATUS, Subject
from services.notify.domain.webhooks import AddWebhook, Webhook
from shared import province
from shared.errors import Refused
from shared.handling import Handler
from shared.messages import Fact, Message, ReporterErased, ReporterReachable, ReportReceived


def keep_contact(reachable: ReporterReachable, session: Session) -> Sequence[Message]:
    store.keep_contact(session, SealedContact(report_id=reachable.report_id, sealed=reachable.sealed, at=reachable.at))
    return []


def forget_reporter(erased: ReporterErased, session: Session) -> Sequence[Message]:
    """The newest word on how to reach the reporter is: not at all. So an older contact that comes late is not kept."""
    store.keep_contact(session, SealedContact(report_id=erased.report_id, sealed="", at=erased.at))
    store.forget_reporter(session, erased.report_id)
    subject = store.known_subject(session, erased.report_id)
    if subject:
        subject.reachable = False
    return []


def begin_telling(received: ReportReceived, session: Session) -> Sequence[Message]:
    subject = store.known_subject(session, received.report_id) or store.add_subject(session, Subject.of(received))
    return _tell(subject, received, session)


def tell(fact: Fact, session: Session) -> Sequence[Message]:
    return _tell(store.subject_of(session, fact.report_id), fact, session)


def add_webhook(asked: AddWebhook, session: Session) -> Sequence[Message]:
    if store.is_registered(session, asked.portal, asked.url):
        raise Refused("this portal hears the news at that address already", code="webhook_exists")
    session.add(Webhook(id=asked.report_id, portal=asked.portal, url=asked.url, sealed=asked.sealed, created_at=asked.at))
    return []


def _tell(subject: Subject, fact: Fact, session: Session) -> Sequence[Message]:
    session.add_all(subject.hear(fact, store.webhooks_of(session, subject.portal), province.current(session)))
    return []


HANDLERS: Mapping[type, Handler] = {
    ReporterReachable: keep_contact,
    ReporterErased: forget_reporter,
    **dict.fromkeys(STATUS, tell),
    ReportReceived: begin_telling,
    AddWebhook: add_webhook,
}
