"""Which facts a portal or an agency wants to hear; who has said nothing hears everything the table has for it."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ARRAY, Column, Table, Text, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.notify.store import metadata
from shared.prepared import Prepared
from shared.tables import moment

# ``subscriber``: ``portal:<name>`` or ``agency:<code>``; ``facts`` are keys of the table
subscriptions = Table(
    "subscriptions", metadata, Column("subscriber", Text, primary_key=True), Column("facts", ARRAY(Text), nullable=False), moment("at")
)
_chosen = Prepared(select(subscriptions.c.subscriber, subscriptions.c.facts))
_KNOWN = "subscriptions"  # in session.info: asked once a transaction


def subscribe(session: Session, subscriber: str, facts: Iterable[str], at: datetime) -> None:
    """From now on these and no others."""
    chosen = {"facts": list(facts), "at": at}
    statement = insert(subscriptions).values(subscriber=subscriber, **chosen)
    session.execute(statement.on_conflict_do_update(index_elements=["subscriber"], set_=chosen))


def unsubscribe(session: Session, subscriber: str) -> None:
    """Everything again."""
    session.execute(delete(subscriptions).where(subscriptions.c.subscriber == subscriber))


def chosen_facts(session: Session, subscriber: str) -> list[str] | None:
    """None: nothing was chosen, so all."""
    return session.scalar(select(subscriptions.c.facts).where(subscriptions.c.subscriber == subscriber))


def all_chosen(session: Session) -> dict[str, frozenset[str]]:
    """By subscriber. There are as many as portals and agencies that chose."""
    if _KNOWN not in session.info:
        session.info[_KNOWN] = {subscriber: frozenset(facts) for subscriber, facts in _chosen.rows(session)}
    known: dict[str, frozenset[str]] = session.info[_KNOWN]
    return known
