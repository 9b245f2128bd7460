"""Portals: their keys, what those are good for, how often, and from which web pages."""

import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ARRAY, Column, CursorResult, Float, Integer, Table, Text, func, insert, select, update
from sqlalchemy.orm import Session

from services.intake.store import metadata
from shared.access import Principal, Role, Scope, key_hash
from shared.limits import Rate
from shared.tables import moment

KEY_LASTS = timedelta(days=365)
USUAL_SCOPES = (Scope.REPORT, Scope.COMMENT, Scope.READ_OWN)
_SLUG = re.compile(r"[a-z0-9]{1,30}(-[a-z0-9]{1,30}){0,5}")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")

portals = Table(
    "portals",
    metadata,
    Column("key_hash", Text, primary_key=True),
    Column("code", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    moment("created_at"),
    moment("expires_at"),
    moment("withdrawn_at", nullable=True),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("origins", ARRAY(Text), nullable=False),
    Column("rate", Float),
    Column("burst", Integer),
)


def add_portal(
    session: Session,
    code: str,
    name: str,
    at: datetime,
    *,
    scopes: Iterable[Scope] = USUAL_SCOPES,
    origins: Iterable[str] = (),
    rate: Rate | None = None,
) -> str:
    """A fresh key, shown this once: only its hash is kept. A portal may hold several keys, so that they can be changed without a gap.

    ``origins`` are those of its web pages, ``rate`` is its own instead of the usual one. Raises :class:`ValueError` for a code that is
    not small letters, digits and single dashes, and for what is no origin.
    """
    strange = [origin for origin in origins if not _ORIGIN.fullmatch(origin)]
    if strange:
        raise ValueError(f"an origin is written like https://app.example.vn, not {strange[0]!r}")
    if not _SLUG.fullmatch(code):
        raise ValueError(f"the code of a portal is small letters, digits and single dashes, not {code!r}")
    key = f"ha_{code}_{secrets.token_urlsafe(32)}"
    row = {"key_hash": key_hash(key), "code": code, "name": name, "created_at": at, "expires_at": at + KEY_LASTS}
    row |= {"scopes": sorted(map(str, scopes)), "origins": sorted(origins)} | (
        {"rate": rate.per_second, "burst": rate.burst} if rate else {}
    )
    session.execute(insert(portals).values(row))
    return key


def withdraw_portal(session: Session, code: str, at: datetime, *, but: str = "") -> int:
    """End the keys of a portal, all or all ``but`` this one; how many ended."""
    live = (portals.c.code == code) & portals.c.withdrawn_at.is_(None) & (portals.c.key_hash != key_hash(but))
    return cast(CursorResult[Any], session.execute(update(portals).where(live).values(withdrawn_at=at))).rowcount


def portal_by_hash(session: Session, hashed: str, at: datetime, *, usual: Rate) -> Principal | None:
    """The portal that holds the key with this hash, unless the key has expired or was withdrawn. ``usual``: when it has no rate."""
    live = portals.c.withdrawn_at.is_(None) & (portals.c.expires_at > at)
    row = session.execute(select(portals).where(portals.c.key_hash == hashed, live)).one_or_none()
    if row is None:
        return None
    rate = usual if row.rate is None else Rate(row.rate, row.burst)
    return Principal(role=Role.PORTAL, name=row.code, scopes=frozenset(row.scopes), origins=frozenset(row.origins), rate=rate)


def origins(session: Session, at: datetime) -> frozenset[str]:
    """Of the web pages of all portals."""
    live = portals.c.withdrawn_at.is_(None) & (portals.c.expires_at > at)
    return frozenset(session.scalars(select(func.unnest(portals.c.origins)).where(live)))
