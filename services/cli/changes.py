"""What loading a province's files would change, entry by entry; nothing is changed by looking."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from services.cli.system import Say, check_rules, room
from services.routing.store import rulesets
from shared import province
from shared.province import NoProvince, Province

PARTS = ("groups", "categories", "redirects", "agencies", "areas", "rules")
SHOWN = 10  # codes named of one kind of change


def preview(url: str, of: Province, at: datetime, say: Say) -> None:
    """Say it. Raises :class:`CannotStart` when the rules that would be in force then have defects."""
    with room(url, "routing") as rooms, rooms() as session:
        before = _in_force(session)
        if before is None or before.digest != of.digest:
            check_rules(rulesets.with_rules_to_be(session, of), at, say)
    for line in _told(before, of):
        say(line)
    say("Nothing was changed: this was a dry run.")


def _in_force(session: Session) -> Province | None:
    try:
        return province.current(session)
    except NoProvince:
        return None


def _told(before: Province | None, of: Province) -> Iterator[str]:
    if before is None:
        yield "Nothing is loaded yet: everything would be new."
    elif before.digest == of.digest:
        yield "The same is in force already."
    else:
        yield from differences(before.model_dump(mode="json"), of.model_dump(mode="json"))


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """A line for each part that differs: which codes are new, changed and gone; of the card and the policy, which fields."""
    for part in PARTS:
        old, new = ({entry["code"]: entry for entry in of[part]} for of in (before, after))
        kinds = {
            "new": [code for code in new if code not in old],
            "changed": [code for code in new if code in old and new[code] != old[code]],
            "gone": [code for code in old if code not in new],
        }
        said = "; ".join(f"{len(codes)} {kind} ({_few(codes)})" for kind, codes in kinds.items() if codes)
        if said:
            yield f"{part}: {said}"
    yield from _of_fields("policy", before["policy"], after["policy"])
    yield from _of_fields(
        "province", *({name: value for name, value in of.items() if name not in {*PARTS, "policy"}} for of in (before, after))
    )


def _of_fields(part: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if changed:
        yield f"{part}: changed in {_few(changed)}"


def _few(codes: list[str]) -> str:
    return ", ".join(codes[:SHOWN]) + (", …" if len(codes) > SHOWN else "")
