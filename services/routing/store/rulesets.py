"""Versions of the rules in the database, and the rulebook that each makes with the province."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Identity, Integer, Row, Select, Table, Text, Uuid, insert, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from services.routing.domain.rules import Rulebook
from services.routing.domain.rulesets import (
    LOADED,
    WITH_PROVINCE,
    ActivateRules,
    Activation,
    KeepRules,
    NotInForce,
    Ruleset,
    UnknownVersion,
    digest_of,
)
from services.routing.store.tables import metadata
from shared import province
from shared.database import APPEND_ONLY
from shared.prepared import Prepared
from shared.province import Province, Rule
from shared.tables import moment

LARGEST = 2**31 - 1
KEPT = 4  # rulebooks a process has in memory

rulesets = Table(
    "rulesets",
    metadata,
    Column("version", Integer, Identity(), primary_key=True),
    Column("name", Uuid, nullable=False, unique=True),
    Column("based_on", Integer, nullable=False),
    Column("rules", JSONB, nullable=False),
    Column("digest", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    moment("at"),
    comment=APPEND_ONLY,
)
activations = Table(
    "activations",
    metadata,
    Column("number", Integer, Identity(), primary_key=True),
    Column("version", Integer, ForeignKey("rulesets.version"), nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    moment("at"),
    comment=APPEND_ONLY,
)

_in_force = Prepared(
    select(rulesets.c.version, rulesets.c.digest)
    .join(activations, activations.c.version == rulesets.c.version)
    .order_by(activations.c.number.desc())
    .limit(1)
)
_rulebooks: dict[tuple[int, str], tuple[Province, Rulebook]] = {}  # by version and digest: databases may share a number


def rulebook(session: Session) -> Rulebook:
    """The rules in force, indexed once a process; one and the same through the whole life of ``session``."""
    known: Rulebook | None = session.info.get("rulebook")
    if known is None:
        version, digest = _in_force.first(session) or (WITH_PROVINCE, "")
        known = session.info["rulebook"] = _made(session, version, digest)
        session.info["rules_version"] = version
    return known


def rules_version(session: Session) -> int:
    """The version that :func:`rulebook` gives."""
    rulebook(session)
    return int(session.info["rules_version"])


def rulebook_of(session: Session, version: int) -> Rulebook:
    """The rules of ``version`` with the province as it is now. Raises :class:`UnknownVersion`."""
    if version == WITH_PROVINCE:
        return _made(session, version, "")
    found = _row(session, version)
    return _made(session, version, found.digest)


def ruleset_of(session: Session, version: int) -> Ruleset:
    """Raises :class:`UnknownVersion`."""
    return _ruleset(_row(session, version))


def rules_of(session: Session, version: int) -> tuple[Rule, ...]:
    """Also those that came with the province. Raises :class:`UnknownVersion`."""
    return province.current(session).rules if version == WITH_PROVINCE else ruleset_of(session, version).rules


def newest_rulesets(session: Session, *, before: int | None, limit: int) -> list[Ruleset]:
    """From the newest on; those before version ``before`` only."""
    statement: Select[Any] = select(rulesets).order_by(rulesets.c.version.desc()).limit(limit)
    return [_ruleset(row) for row in session.execute(statement.where(rulesets.c.version < before) if before else statement)]


def activations_of(session: Session, versions: Sequence[int]) -> list[Activation]:
    """When each of ``versions`` was put in force, in the order of time."""
    statement = select(activations).where(activations.c.version.in_(versions)).order_by(activations.c.number)
    return [Activation(**row._mapping) for row in session.execute(statement)]


def version_named(session: Session, name: UUID) -> int:
    """Raises :class:`UnknownVersion`."""
    found = session.scalar(select(rulesets.c.version).where(rulesets.c.name == name))
    if found is None:
        raise UnknownVersion("no rules were made by that name")
    return int(found)


def keep(session: Session, asked: KeepRules) -> None:
    """A new version; in force only once it is activated."""
    rules = [rule.model_dump(mode="json") for rule in asked.rules]
    row = {"name": asked.report_id, "based_on": asked.based_on, "rules": rules, "digest": digest_of(asked.rules)}
    session.execute(insert(rulesets).values(**row, actor=asked.actor, reason=asked.reason, at=asked.at))


def activate(session: Session, asked: ActivateRules) -> None:
    """One at a time: the last word is the one that was said last. Raises :class:`UnknownVersion` and :class:`NotInForce`."""
    _lock(session)
    _row(session, asked.version)
    check_seen(session, asked.seen)
    if province.current_version(session) != asked.province_version:
        raise NotInForce("the province's data changed meanwhile: ask again")
    session.execute(insert(activations).values(version=asked.version, actor=asked.actor, reason=asked.reason, at=asked.at))
    session.info.pop("rulebook", None)


def check_seen(session: Session, seen: int | None) -> None:
    """Raises :class:`NotInForce` unless ``seen`` is None or in force."""
    current = in_force(session)
    if seen not in {None, current}:
        raise NotInForce(f"version {current} is in force by now, not {seen}: look at it, then ask again")


def in_force(session: Session) -> int:
    """The version; as it is now, whatever the session saw before."""
    version, _ = _in_force.first(session) or (WITH_PROVINCE, "")
    return int(version)


def before_it(session: Session) -> int:
    """The version that was in force before the one that is. Raises :class:`UnknownVersion`."""
    current = in_force(session)
    last = select(activations.c.number).where(activations.c.version == current).order_by(activations.c.number.desc()).limit(1)
    earlier = select(activations.c.version).where(activations.c.number < last.scalar_subquery(), activations.c.version != current)
    found = session.scalar(earlier.order_by(activations.c.number.desc()).limit(1))
    if found is None:
        raise UnknownVersion("no other version was in force before, so there is nothing to roll back to", code="nothing_before")
    return int(found)


def with_rules_to_be(session: Session, of: Province) -> Province:
    """``of`` with the rules that would be in force once it is loaded: its own when its files changed, else those in force."""
    return of if _is_news(session, of) else of.model_copy(update={"rules": rules_of(session, in_force(session))})


def load(session: Session, of: Province, at: datetime, *, name: UUID) -> int:
    """Put the rules of ``of``, the province in force, in force too if its files changed since they were loaded; the version then."""
    _lock(session)
    if _is_news(session, of):
        words = {"at": at, "actor": LOADED, "reason": "loaded with the province", "report_id": name}
        keep(session, KeepRules(rules=of.rules, based_on=in_force(session), **words))
        version, province_version = version_named(session, name), province.current_version(session)
        activate(session, ActivateRules(version=version, seen=None, province_version=province_version, **words))
    return in_force(session)


def _is_news(session: Session, of: Province) -> bool:
    statement = select(rulesets.c.digest).where(rulesets.c.actor == LOADED).order_by(rulesets.c.version.desc()).limit(1)
    return session.scalar(statement) != digest_of(of.rules)


def _lock(session: Session) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('rules ' || current_schema()))"))


def _row(session: Session, version: int) -> Row[Any]:
    found = session.execute(select(rulesets).where(rulesets.c.version == min(version, LARGEST))).first()
    if found is None:
        raise UnknownVersion(f"no rules have the version {version}: GET /v1/rules lists them")
    return found


def _ruleset(row: Row[Any]) -> Ruleset:
    rules = tuple(Rule.model_validate(rule, extra="ignore") for rule in row.rules)
    return Ruleset(**{**row._mapping, "rules": rules})


def _made(session: Session, version: int, digest: str) -> Rulebook:
    current = province.current(session)
    known = _rulebooks.get((version, digest))
    if known is None or known[0] is not current:
        rules = rules_of(session, version)
        if len(_rulebooks) >= KEPT:
            _rulebooks.clear()
        known = (current, Rulebook(current.model_copy(update={"rules": rules})))
        _rulebooks[version, digest] = known
    return known[1]
