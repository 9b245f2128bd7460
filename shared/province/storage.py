"""The province in a service's database: every version that was ever loaded, the latest in force."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, DateTime, Identity, Integer, MetaData, Table, Text, func, insert, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from shared.prepared import Prepared
from shared.province.data import Province
from shared.province.policy import Policy


class NoProvince(LookupError):  # noqa: N818 - a state of affairs
    """This database holds no province (of that version)."""


def table(metadata: MetaData) -> Table:
    """Without a schema: search_path decides whose it is."""
    return Table(
        "province",
        metadata,
        Column("version", Integer, Identity(), primary_key=True),
        Column("digest", Text, nullable=False),
        Column("loaded_at", DateTime(timezone=True), nullable=False),
        Column("body", JSONB, nullable=False),
    )


_province = table(MetaData())
_parsed: dict[str, Province] = {}  # by digest: versions of different databases may share a number, never a digest


def store(session: Session, province: Province, at: datetime) -> int:
    """Make ``province`` the one in force and return its version, which is a new one only when something changed."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('province ' || current_schema()))"))
    version, digest = _latest.first(session) or (0, "")
    if digest == province.digest:
        return int(version)
    row = {"digest": province.digest, "loaded_at": at, "body": province.model_dump(mode="json")}
    version = session.execute(insert(_province).values(row).returning(_province.c.version)).scalar_one()
    session.info.pop("province", None)
    return int(version)


def current(session: Session) -> Province:
    """The province in force; one and the same through the whole life of ``session``. Raises :class:`NoProvince`."""
    known: Province | None = session.info.get("province")
    if known is None:
        latest = _latest.first(session)
        if latest is None:
            raise NoProvince("no province is loaded in this database: run `hoiam load`")
        version, digest = latest
        known = session.info["province"] = _province_of(session, version, digest)
        session.info["province_version"] = version
    return known


def current_version(session: Session) -> int:
    """The version that :func:`current` gives."""
    current(session)
    return int(session.info["province_version"])


def of_version(session: Session, version: int) -> Province:
    """The province as it was loaded under ``version``. Raises :class:`NoProvince`."""
    known: dict[int, Province] = session.info.setdefault("province_versions", {})
    if version not in known:
        digest = session.execute(select(_province.c.digest).where(_province.c.version == version)).scalar()
        if digest is None:
            raise NoProvince(f"version {version} of the province was never loaded in this database")
        known[version] = _province_of(session, version, digest)
    return known[version]


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """The policy of a version, in force from ``since`` to ``until`` (None: it still is)."""

    version: int
    since: datetime
    until: datetime | None
    policy: Policy


def loaded_versions(session: Session, *, before: int | None = None, limit: int = 50) -> list[Loaded]:
    """From the newest on; those before version ``before`` only."""
    until = func.lead(_province.c.loaded_at).over(order_by=_province.c.version)
    columns = (_province.c.version, _province.c.loaded_at.label("since"), until.label("until"), _province.c.body["policy"].label("policy"))
    versions = select(*columns).subquery()
    chosen = select(versions).order_by(versions.c.version.desc()).limit(limit)
    return [_loaded(row._mapping) for row in session.execute(chosen.where(versions.c.version < before) if before else chosen)]


def _loaded(row: Mapping[Any, Any]) -> Loaded:
    return Loaded(**{**row, "policy": Policy.model_validate(row["policy"], extra="ignore")})


_latest = Prepared(select(_province.c.version, _province.c.digest).order_by(_province.c.version.desc()).limit(1))


def _province_of(session: Session, version: int, digest: str) -> Province:
    """Parsed once a process. What a newer release added is read over, so that old and new processes can run side by side."""
    if digest not in _parsed:
        body = session.execute(select(_province.c.body).where(_province.c.version == version)).scalar_one()
        _parsed[digest] = Province.model_validate(body, extra="ignore")
    return _parsed[digest]
