"""Versions of the rules: never changed, each made from another; and which of them was put in force when, by whom and why."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from services.routing.domain.coverage import Defect
from shared.errors import NotFound, Refused
from shared.messages import Message
from shared.province import Rule

WITH_PROVINCE = 0  # the version of the rules as they came with the province, where none was ever kept here
LOADED = "hoiam load"  # the actor of versions that come from files


class UnknownVersion(NotFound):
    code = "no_such_version"


class NotInForce(Refused):
    """Somebody else put another version in force since."""

    status = 412
    code = "stale"


class Defective(Refused):
    """Rules with defects are kept, and never put in force."""

    code = "defective"


class KeepRules(Message):
    """Asks for a new version of the rules. About no report: ``report_id`` names the version to be, and asked again it is made once."""

    topic: ClassVar[str] = "rules.keep"
    rules: tuple[Rule, ...]
    based_on: int
    actor: str
    reason: str


class ActivateRules(Message):
    """Asks for ``version`` to be put in force in the place of ``seen`` (None: of whatever is). It was found sound against
    ``province_version``. About no report: ``report_id`` is this asking's own."""

    topic: ClassVar[str] = "rules.activate"
    version: int
    seen: int | None
    province_version: int
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Ruleset:
    """``based_on`` is the version it was made from."""

    version: int
    name: UUID
    based_on: int
    rules: tuple[Rule, ...]
    digest: str
    actor: str
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Activation:
    """``version`` is in force from ``at`` until the next activation."""

    number: int
    version: int
    actor: str
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Change:
    """``kind`` is added, removed, changed (of ``field``) or moved: another place among the rules, which tells equals apart."""

    rule: str
    kind: str
    field: str = ""
    before: Any = None
    after: Any = None


def digest_of(rules: Sequence[Rule]) -> str:
    """SHA-256 of the canonical JSON."""
    plain = [rule.model_dump(mode="json") for rule in rules]
    return hashlib.sha256(json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def check_sound(version: int, found: Sequence[Defect]) -> None:
    """Raises :class:`Defective`."""
    found = [defect for defect in found if defect.forbids]
    if found:
        first = f"{found[0].rule}: {found[0].text}" if found[0].rule else found[0].text
        raise Defective(f"version {version} has {len(found)} defects, and can't be put in force until they are mended; the first: {first}")


def changes(before: Sequence[Rule], after: Sequence[Rule]) -> list[Change]:
    """What makes ``after`` of ``before``, rule by rule."""
    old, new = {rule.code: rule for rule in before}, {rule.code: rule for rule in after}
    removed = [Change(rule=code, kind="removed", before=rule.model_dump(mode="json")) for code, rule in old.items() if code not in new]
    added = [Change(rule=code, kind="added", after=rule.model_dump(mode="json")) for code, rule in new.items() if code not in old]
    changed = [change for code, rule in new.items() if code in old for change in _fields(old[code], rule)]
    return [*removed, *added, *changed, *_moved([code for code in old if code in new], [code for code in new if code in old])]


def _fields(old: Rule, new: Rule) -> Iterator[Change]:
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    for field in before:
        if before[field] != after[field]:
            yield Change(rule=new.code, kind="changed", field=field, before=before[field], after=after[field])


def _moved(old: list[str], new: list[str]) -> Iterator[Change]:
    """The rules that now stand before one they stood behind: by their neighbours, not by numbers that every insertion shifts."""
    behind = {code: set(old[:place]) for place, code in enumerate(old)}
    for place, code in enumerate(new):
        if any(after in behind[code] for after in new[place + 1 :]):
            yield Change(rule=code, kind="moved", before=old.index(code), after=place)
