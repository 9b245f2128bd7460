"""Tables of notify, their mapping to the domain, and what is looked up in them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    Computed,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    delete,
    select,
    update,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, registry

from services.notify.domain.audience import Pace, Reader
from services.notify.domain.contacts import SealedContact
from services.notify.domain.endpoints import Endpoint
from services.notify.domain.followers import Follower
from services.notify.domain.notices import Notice, State
from services.notify.domain.telling import Subject
from services.notify.domain.webhooks import Webhook
from shared import province
from shared.errors import NotYet
from shared.messages import Message
from shared.prepared import Prepared, among
from shared.rows import Rows, append, write
from shared.tables import Words, moment

metadata = MetaData()
provinces = province.table(metadata)


subjects = Table(
    "subjects",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    Column("tracking_code", Text, nullable=False, index=True),
    Column("portal", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("reachable", Boolean, nullable=False),
    moment("received_at"),
    Column("agency", Text, nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("told", ARRAY(Text), nullable=False),
)

contacts = Table(
    "contacts",
    metadata,
    Column("report_id", Uuid, primary_key=True),
    Column("sealed", Text, nullable=False),
    moment("at"),
    Column("person", Text, nullable=False),
)

followers = Table(
    "followers",
    metadata,
    Column("follower_id", Uuid, primary_key=True),
    Column("report_id", Uuid, nullable=False, index=True),
    Column("sealed", Text, nullable=False),
    Column("language", Text, nullable=False),
    moment("at"),
    Column("person", Text, nullable=False),
    moment("confirmed_at", nullable=True),
)
Index("followers_unconfirmed", followers.c.at, postgresql_where=followers.c.confirmed_at.is_(None))

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("portal", Text, nullable=False),
    Column("agency", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    moment("created_at"),
    moment("old_until", nullable=True),
    UniqueConstraint("portal", "agency", "url"),
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("name", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    moment("failing_since", nullable=True),
    moment("shut_until", nullable=True),
)

notices = Table(
    "notices",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("report_id", Uuid, nullable=False, index=True),
    Column("about", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("html", Text),  # written by the release before; goes with the next (docs/deployment.md)
    Column("webhook_id", Uuid),
    Column("follower_id", Uuid),
    Column("reader", Words(Reader), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("pace", Words(Pace), nullable=False),
    Column("urgent", Boolean, nullable=False),
    Column("news", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("parts", JSONB, nullable=False),
    Column("gathered_in", Uuid),
    moment("let_go_at", nullable=True),
    Column("state", Words(State), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    moment("created_at"),
    moment("due_at"),
    moment("sent_at", nullable=True),
    moment("claimed_until", nullable=True),
    Column("tried", ARRAY(Text), nullable=False, server_default="{}"),
    Column("endpoint", Text, Computed("COALESCE(webhook_id::text, channel)", persisted=True)),
)
Index("notices_due", notices.c.endpoint, notices.c.due_at, postgresql_where=notices.c.state == State.PENDING)
Index("notices_held", notices.c.due_at, postgresql_where=notices.c.state == State.HELD)
Index("notices_told", notices.c.recipient, notices.c.let_go_at, postgresql_where=notices.c.let_go_at.is_not(None))
NOT_OUT = notices.c.state.in_((State.HELD, State.PENDING, State.FAILED))
Index("notices_not_out", notices.c.state, notices.c.channel, postgresql_where=NOT_OUT)

_mapper = registry()
_mapper.map_imperatively(Webhook, webhooks)
_mapper.map_imperatively(Endpoint, endpoints)
_mapper.map_imperatively(Notice, notices, exclude_properties=["endpoint", "html"])
_OF_NOTICE = tuple(f"{column.name}" for column in notices.columns if column.name not in {"endpoint", "html"})
FORGOTTEN = "the reporter was forgotten"
_WEBHOOKS = "webhooks"  # in session.info: asked once a transaction
_FOLLOWERS = "followers"  # the same: those of the reports of the batch, by report


_subjects, _contacts, _followers = Rows(Subject, subjects), Rows(SealedContact, contacts), Rows(Follower, followers)
_followers_of = Prepared(select(*_followers.columns).where(among(followers.c.report_id, "ids")).order_by(followers.c.follower_id))
_active_webhooks = Prepared(select(webhooks).where(webhooks.c.active))
add_subject, known_subject = _subjects.add, _subjects.get


def preload(messages: Sequence[Message], session: Session) -> None:
    """The subjects of a batch and their contacts, each locked in one order, with their followers."""
    known: dict[UUID, list[Follower]] = {message.report_id: [] for message in messages}
    _subjects.load(session, known)
    _contacts.load(session, known)
    for follower in _followers.found(session, _followers_of.rows(session, ids=list(map(str, known)))):
        known[follower.report_id].append(follower)
    session.info[_FOLLOWERS] = known


def subject_of(session: Session, report_id: UUID) -> Subject:
    """Raises :class:`NotYet`: the report itself is still on its way."""
    subject = known_subject(session, report_id)
    if subject is None:
        raise NotYet(f"report {report_id} has not been received here yet")
    return subject


def keep_contact(session: Session, contact: SealedContact) -> None:
    """The newest word on how to reach the reporter."""
    before = _contacts.get(session, contact.report_id)
    if before is None:
        _contacts.add(session, contact)
    elif before.at < contact.at:
        before.sealed, before.person, before.at = contact.sealed, contact.person, contact.at


def person_of(session: Session, report_id: UUID) -> str:
    """The keyed hash of the reporter's contact; "" when there is none, or it has not come yet."""
    contact = _contacts.get(session, report_id)
    return contact.person if contact else ""


def forget_reporter(session: Session, report_id: UUID) -> None:
    """What was written to the reporter goes; that something was written, and when, stays. What waits is not sent any more."""
    write(session)  # and what this batch wrote
    to_person = notices.c.webhook_id.is_(None) & notices.c.follower_id.is_(None) & (notices.c.address == "")
    letters = update(notices).where(notices.c.report_id == report_id, to_person)
    session.execute(letters.values(subject="", body="", html=None, news="", recipient="", last_error=""))
    session.execute(letters.where(notices.c.state.in_((State.HELD, State.PENDING))).values(state=State.FAILED, last_error=FORGOTTEN))


def followers_of(session: Session, report_id: UUID) -> list[Follower]:
    """Of a report of the batch, those who have not confirmed included. The list is the batch's own: what joins or leaves, does so in it."""
    known: dict[UUID, list[Follower]] = session.info[_FOLLOWERS]
    return known[report_id]


def follower_of(session: Session, report_id: UUID, follower_id: UUID) -> Follower | None:
    """By id."""
    return next((follower for follower in followers_of(session, report_id) if follower.follower_id == follower_id), None)


def add_follower(session: Session, follower: Follower) -> None:
    """Not confirmed yet."""
    _followers.add(session, follower)
    followers_of(session, follower.report_id).append(follower)


def forget_follower(session: Session, follower: Follower) -> None:
    """What is still to be sent to them finds nobody, and nothing tells that two letters were to the same person."""
    write(session)  # who came in this batch is in the database, too, and can be deleted there
    session.execute(delete(followers).where(followers.c.follower_id == follower.follower_id))
    _forget_recipients(session, [follower.follower_id])
    followers_of(session, follower.report_id).remove(follower)


def forget_unconfirmed(session: Session, *, before: datetime) -> None:
    """Who did not use the link in the letter by then does not want to follow."""
    gone = delete(followers).where(followers.c.confirmed_at.is_(None), followers.c.at < before).returning(followers.c.follower_id)
    if ids := session.scalars(gone).all():
        _forget_recipients(session, ids)


def _forget_recipients(session: Session, follower_ids: Sequence[UUID]) -> None:
    theirs = update(notices).where(notices.c.follower_id.in_(follower_ids))
    session.execute(theirs.where(notices.c.state == State.HELD).values(state=State.UNWANTED))
    session.execute(theirs.values(recipient=""))


def webhooks_of(session: Session, portal: str) -> list[Webhook]:
    """Where the portal hears the news now."""
    if _WEBHOOKS not in session.info:
        rows = _active_webhooks.rows(session)
        session.info[_WEBHOOKS] = [Webhook(**dict(zip(webhooks.columns.keys(), row, strict=True))) for row in rows]
    return [webhook for webhook in session.info[_WEBHOOKS] if webhook.portal == portal]


def is_registered(session: Session, portal: str, url: str) -> bool:
    """Whether that portal hears the news at that address already."""
    return session.scalar(select(webhooks.c.id).where(webhooks.c.portal == portal, webhooks.c.url == url)) is not None


def all_webhooks(session: Session) -> list[Webhook]:
    """By owner and age, without those that were removed."""
    kept = select(Webhook).where(webhooks.c.sealed != "")
    return list(session.scalars(kept.order_by(webhooks.c.portal, webhooks.c.agency, webhooks.c.created_at, webhooks.c.id)))


def add_notices(session: Session, added: Iterable[Notice]) -> None:
    """New ones, which nobody asks for in this transaction; all of a batch are written together."""
    append(session, notices, *({name: getattr(notice, name) for name in _OF_NOTICE} for notice in added))


def notices_about(session: Session, report_id: UUID) -> list[Notice]:
    """Everything that was or will be told about a report, oldest first."""
    return list(session.scalars(select(Notice).where(notices.c.report_id == report_id).order_by(notices.c.created_at, notices.c.id)))


def notices_of(session: Session, ids: Iterable[UUID]) -> list[Notice]:
    """By id."""
    return list(session.scalars(select(Notice).where(notices.c.id.in_(set(ids)))))


def sealed_contact(session: Session, report_id: UUID) -> str | None:
    """As intake sealed it."""
    return session.scalar(select(contacts.c.sealed).where(contacts.c.report_id == report_id))
