"""What was sealed under an older key is sealed again under the first one: some rows a transaction, as often as there are any."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, select, update
from sqlalchemy.orm import Session

from shared.privacy import SealingKeys

Noted = Callable[[Session, UUID, str], None]  # row, and what it says


def _nothing(_session: Session, _row: UUID, _text: str) -> None:
    return None


def sealed_before(table: Table, keys: SealingKeys) -> ColumnElement[bool]:
    """The rows of ``table`` whose ``sealed`` was not sealed with the first of ``keys``; an empty one is nobody's."""
    return ~table.c.sealed.startswith(f"{keys.keys[0][0]}:", autoescape=True) & (table.c.sealed != "")


def reseal(session: Session, table: Table, keys: SealingKeys, *, limit: int, where: Any = None, noted: Noted = _nothing) -> int:
    """Seal up to ``limit`` rows of ``table`` again; how many. Rows that somebody works with are left for the next turn.

    Raises :class:`ValueError` for a row that none of ``keys`` opens.
    """
    row_id = next(iter(table.primary_key.columns))
    old = select(row_id, table.c.sealed).where(sealed_before(table, keys) if where is None else where)
    rows = session.execute(old.order_by(row_id).limit(limit).with_for_update(skip_locked=True)).all()
    for id_, sealed in rows:
        text = keys.open(sealed, about=str(id_))
        session.execute(update(table).where(row_id == id_).values(sealed=keys.seal(text, about=str(id_))))
        noted(session, id_, text)
    return len(rows)
