"""Inbox, outbox, sent, held and dropped messages of one service: five tables in its own schema, written in its own transactions.

The inbox makes every effect happen once; the outbox makes a commit and its messages one thing; what was sent is kept for a while,
because a queue is in no backup; a message that can't be handled is held here, not in the broker, where it can be seen, retried and counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    CursorResult,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from shared.bus import AGENCIES, Letter
from shared.database import APPEND_ONLY
from shared.envelope import Envelope, letter
from shared.prepared import answer
from shared.rows import append

KEEP_INBOX = timedelta(days=60)  # must exceed every retry and replay, by hand too
KEEP_SENT = timedelta(days=2)  # longer than any message waits in a queue of ours: then it is in no restored database (decision 81)
KEEP_SENT_TO_AGENCIES = timedelta(days=14)  # which read their queues when they like, and not at Tết

metadata = MetaData()
inbox = Table(
    "inbox",
    metadata,
    Column("message_id", Uuid, primary_key=True),
    Column("received_at", DateTime(timezone=True), nullable=False, server_default=func.now(), index=True),
)
outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("exchange", Text, nullable=False),
    Column("routing_key", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("correlation_id", Text, nullable=False),
    Column("traceparent", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("posted_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("blocked_until", DateTime(timezone=True)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("reason", Text, nullable=False, server_default=""),
)
sent_letters = Table(
    "sent",
    metadata,
    Column("id", BigInteger, nullable=False),  # its id in the outbox: the order of speaking
    *(Column(name, Text, nullable=False) for name in ("exchange", "routing_key", "message_id", "type", "correlation_id", "traceparent")),
    Column("body", LargeBinary, nullable=False),
    Column("sent_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
_TO_AGENCIES = sent_letters.c.exchange == AGENCIES
_KEPT: Sequence[tuple[ColumnElement[bool], timedelta]] = ((~_TO_AGENCIES, KEEP_SENT), (_TO_AGENCIES, KEEP_SENT_TO_AGENCIES))
Index("sent_facts", sent_letters.c.sent_at, postgresql_where=~_TO_AGENCIES)
Index("sent_to_agencies", sent_letters.c.sent_at, postgresql_where=_TO_AGENCIES)
held = Table(
    "held",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("exchange", Text, nullable=False),
    Column("routing_key", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("code", Text, nullable=False),
    Column("reason", Text, nullable=False),
)
dropped = Table(
    "dropped",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    *(Column(name, Text, nullable=False) for name in ("message_id", "routing_key", "sender", "code", "person", "reason")),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("dropped_at", DateTime(timezone=True), nullable=False),
    comment=APPEND_ONLY,
)
Index("held_due", held.c.due_at, postgresql_where=held.c.due_at.is_not(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A message kept aside. ``due_at`` is its next try; None: parked, a person decides."""

    message_id: str
    exchange: str
    routing_key: str
    sender: str
    body: bytes
    received_at: datetime
    attempts: int
    due_at: datetime | None
    code: str
    reason: str


# One statement whatever the number; sorted, so that twins never wait for each other in a circle.
_RECEIVE = "INSERT INTO inbox (message_id) SELECT unnest(CAST(%(names)s AS uuid[])) ON CONFLICT DO NOTHING RETURNING message_id"


def receive(session: Session, names: Sequence[UUID]) -> set[UUID]:
    """Write ``names`` into the inbox; those not seen before. A twin writing the same name now is waited for."""
    return {name for (name,) in answer(session, _RECEIVE, {"names": [str(name) for name in sorted(set(names))]})}


def post(session: Session, envelopes: Sequence[Envelope]) -> None:
    """Queue ``envelopes`` for the relay, in this order."""
    if envelopes:
        append(session, outbox, *(_row(letter(envelope)) for envelope in envelopes))


def _row(sent: Letter) -> dict[str, Any]:
    return {name: getattr(sent, name) for name in Letter.__slots__}


_BODY = list(Letter.__slots__).index("body")
_WAITING = (
    f"SELECT id, {', '.join(Letter.__slots__)} FROM outbox"  # noqa: S608 - our own names
    " WHERE (blocked_until IS NULL OR blocked_until <= now()) AND exchange || '/' || routing_key <> ALL (%(leaving)s)"
    " ORDER BY id LIMIT %(limit)s"
)


def waiting(session: Session, *, limit: int, leaving: Sequence[str] = ()) -> list[tuple[int, Letter]]:
    """The oldest letters that no blocked destination holds back, with their outbox ids; ``leaving`` out these destinations."""
    rows = answer(session, _WAITING, {"limit": limit, "leaving": list(leaving)})
    return [(id_, Letter(**dict(zip(Letter.__slots__, values, strict=True)) | {"body": bytes(values[_BODY])})) for id_, *values in rows]


_SENT = """
    WITH gone AS (DELETE FROM outbox WHERE id = ANY(%(ids)s) RETURNING *)
    INSERT INTO sent (id, exchange, routing_key, message_id, type, correlation_id, traceparent, body)
    SELECT id, exchange, routing_key, message_id, type, correlation_id, traceparent, body FROM gone
"""
_AGAIN = text("""
    WITH again AS (DELETE FROM sent RETURNING *)
    INSERT INTO outbox (id, exchange, routing_key, message_id, type, correlation_id, traceparent, body) OVERRIDING SYSTEM VALUE
    SELECT id, exchange, routing_key, message_id, type, correlation_id, traceparent, body FROM again
""")


def sent(session: Session, ids: Sequence[int]) -> None:
    """Letters that are safe in a queue wait no longer; they are kept for :data:`KEEP_SENT`."""
    if ids:
        answer(session, _SENT, {"ids": list(ids)})


def send_again(session: Session) -> int:
    """Post everything that was sent and is still kept once more, in its old order and under its old names; how many letters.

    For a database that was restored, or put back in time: its queues are not those of that moment. Inboxes drop what was heard.
    """
    return cast(CursorResult[Any], session.execute(_AGAIN)).rowcount


def block(session: Session, refused: Letter, *, reason: str, seconds: float) -> None:
    """Hold back everything for the destination of ``refused``, so that order there is kept and nobody else waits."""
    there = (outbox.c.exchange == refused.exchange) & (outbox.c.routing_key == refused.routing_key)
    until = func.now() + timedelta(seconds=seconds)
    session.execute(update(outbox).where(there).values(blocked_until=until, attempts=outbox.c.attempts + 1, reason=reason[:500]))


def hold(session: Session, kept: Held) -> None:
    """Keep a message aside, or move its next try."""
    row = {name: getattr(kept, name) for name in Held.__slots__}
    statement = upsert(held).values(row)
    session.execute(statement.on_conflict_do_update(index_elements=["message_id"], set_={k: statement.excluded[k] for k in row}))


def due(session: Session, at: datetime, *, limit: int = 100) -> list[Held]:
    """Held messages whose next try has come, the longest waiting first."""
    statement = select(held).where(held.c.due_at <= at).order_by(held.c.due_at).limit(limit)
    return [Held(**row) for row in session.execute(statement).mappings()]


def claim(session: Session, message_id: str, at: datetime) -> bool:
    """Whether this held message is still due and ours for this transaction."""
    statement = select(held.c.message_id).where(held.c.message_id == message_id, held.c.due_at <= at)
    return session.scalar(statement.with_for_update(skip_locked=True)) is not None


def release(session: Session, message_id: str) -> None:
    """A held message was handled."""
    session.execute(delete(held).where(held.c.message_id == message_id))


def drop(session: Session, kept: Held, at: datetime, *, person: str, reason: str) -> None:
    """Forget a held message for good, but not that it was there, nor who dropped it and why; what was in it goes."""
    about = {name: getattr(kept, name) for name in ("message_id", "routing_key", "sender", "code", "received_at")}
    session.execute(insert(dropped).values(**about, person=person, reason=reason, dropped_at=at))
    release(session, kept.message_id)


def parked(session: Session, message_id: str | None = None) -> list[Held]:
    """Messages that wait for a person, oldest first."""
    statement = select(held).where(held.c.due_at.is_(None)).order_by(held.c.received_at)
    if message_id is not None:
        statement = statement.where(held.c.message_id == message_id)
    return [Held(**row) for row in session.execute(statement).mappings()]


def retry(session: Session, message_id: str, at: datetime) -> bool:
    """Give a parked message another round of tries; False when there is none by that id."""
    statement = update(held).where(held.c.message_id == message_id).values(due_at=at, attempts=0)
    return cast(CursorResult[Any], session.execute(statement)).rowcount > 0


def prune(session: Session, at: datetime, *, limit: int = 10_000) -> int:
    """Forget inbox names older than :data:`KEEP_INBOX`, at most ``limit`` of them, and letters kept long enough; how many went."""
    old = select(inbox.c.message_id).where(inbox.c.received_at < at - KEEP_INBOX).limit(limit)
    names = cast(CursorResult[Any], session.execute(delete(inbox).where(inbox.c.message_id.in_(old)))).rowcount
    return names + sum(_prune_sent(session, which, at - kept, limit) for which, kept in _KEPT)


def _prune_sent(session: Session, which: ColumnElement[bool], before: datetime, limit: int) -> int:
    row: ColumnElement[Any] = literal_column("ctid")  # there is no key: nobody asks for one letter
    old = select(row).select_from(sent_letters).where(which, sent_letters.c.sent_at < before).limit(limit)
    return cast(CursorResult[Any], session.execute(delete(sent_letters).where(row.in_(old)))).rowcount


def ages(session: Session) -> dict[str, float]:
    """Rows and oldest age in seconds of outbox and held messages, for the metrics."""
    query = text(
        "SELECT (SELECT count(*) FROM outbox) AS outbox_rows,"
        " (SELECT coalesce(extract(epoch FROM now() - min(posted_at)), 0) FROM outbox) AS outbox_age,"
        " (SELECT count(*) FROM held WHERE due_at IS NOT NULL) AS held_rows,"
        " (SELECT coalesce(extract(epoch FROM now() - min(received_at)), 0) FROM held WHERE due_at IS NOT NULL) AS held_age,"
        " (SELECT count(*) FROM held WHERE due_at IS NULL) AS parked_rows,"
        " (SELECT coalesce(extract(epoch FROM now() - min(received_at)), 0) FROM held WHERE due_at IS NULL) AS parked_age"
    )
    return {name: float(value) for name, value in session.execute(query).mappings().one().items()}
