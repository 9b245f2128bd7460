"""New versions of the rules, and which of them is in force."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from services.routing.api.learned import learned
from services.routing.api.rules import RulesetRow, Version, rows
from services.routing.api.trying import DefectView, defect_view
from services.routing.domain.coverage import defects
from services.routing.domain.lessons import with_accepted
from services.routing.domain.rulesets import ActivateRules, KeepRules, check_sound
from services.routing.store import rulesets
from shared import province
from shared.access import Principal
from shared.envelope import new_id
from shared.errors import NotFound
from shared.openapi import declared
from shared.province import Rule
from shared.texts import Text
from shared.web import Caller, Desk

Reason = Annotated[Text, Field(min_length=5)]
CHANGING = {404: "no_such_version nothing_before", 409: "defective", 412: "stale"}


class Draft(BaseModel):
    """A new version: ``rules`` whole, or those of ``based_on`` as they are (the version in force where it isn't given); ``accept`` adds
    proposals by their codes. It is not in force until it is activated, and may have defects until then."""

    model_config = ConfigDict(extra="forbid")
    based_on: Annotated[int, Field(ge=0, le=rulesets.LARGEST)] | None = None
    rules: Annotated[list[Rule], Field(max_length=20_000)] | None = None
    accept: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=100)] = []
    reason: Reason


class Ask(BaseModel):
    """``in_place_of``: the version you saw in force; 412 when it is another by now."""

    model_config = ConfigDict(extra="forbid")
    in_place_of: Annotated[int, Field(ge=0, le=rulesets.LARGEST)]
    reason: Reason


class Drafted(RulesetRow):
    """The new version, and what is wrong with it: anything but ``expired`` keeps it from being put in force."""

    defects: list[DefectView]


@dataclass(frozen=True)
class _Sound:
    version: int
    province_version: int


def routes(desk: Desk) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/v1", tags=["rules"])

    @router.post("/rules", responses=declared({404: "no_such_version no_such_proposal"}))
    async def draft(body: Draft, caller: Caller) -> Drafted:
        """Make a new version; the rules in force stay what they are."""
        made = await run_in_threadpool(_made, desk, body, caller)
        await desk.say(made)
        return await run_in_threadpool(_drafted, desk, made)

    @router.post("/rules/{version}/activation", responses=declared(CHANGING))
    async def activate(version: Version, body: Ask, caller: Caller) -> RulesetRow:
        """Put a version in force, at once and for all services of routing: a new one, or an old one again."""
        sound = await run_in_threadpool(_sound, desk, version)
        return await _activated(desk, sound, body, caller)

    @router.post("/rules:rollback", responses=declared(CHANGING))
    async def roll_back(body: Ask, caller: Caller) -> RulesetRow:
        """Put the version in force that was in force before the one that is. Asked twice, it is as it was."""
        sound = await run_in_threadpool(_sound, desk, None)
        return await _activated(desk, sound, body, caller)

    return router


def _made(desk: Desk, body: Draft, caller: Principal) -> KeepRules:
    with desk.sessions() as session:
        based_on = rulesets.in_force(session) if body.based_on is None else body.based_on
        base = rulesets.rules_of(session, based_on)
        accepted = _accepted(session, body.accept) if body.accept else []
    rules = with_accepted(base if body.rules is None else body.rules, accepted)
    _check_codes(rules)
    return KeepRules(report_id=new_id(), at=desk.clock(), rules=rules, based_on=based_on, actor=caller.actor, reason=body.reason)


def _accepted(session: Session, codes: Sequence[str]) -> list[Rule]:
    known = {one.rule.code: one.rule for one in learned(session)}
    for code in codes:
        if code not in known:
            raise NotFound(f"nothing is proposed by the code {code!r}: GET /v1/rules/proposals lists what is", code="no_such_proposal")
    return [known[code] for code in codes]


def _check_codes(rules: Sequence[Rule]) -> None:
    """Raises :class:`RequestValidationError`."""
    seen: set[str] = set()
    for place, rule in enumerate(rules):
        if rule.code in seen:
            raise RequestValidationError(
                [{"type": "rules", "loc": ("body", "rules", place, "code"), "msg": f"{rule.code} is the code of another rule, too"}]
            )
        seen.add(rule.code)


def _drafted(desk: Desk, made: KeepRules) -> Drafted:
    with desk.sessions() as session:
        version = rulesets.version_named(session, made.report_id)
        [row] = rows(session, [rulesets.ruleset_of(session, version)])
        of = rulesets.rulebook_of(session, version).province
    today = made.at.astimezone(ZoneInfo(of.time_zone)).date()
    return Drafted(**row.model_dump(), defects=[defect_view(defect) for defect in defects(of, today)])


def _sound(desk: Desk, version: int | None) -> _Sound:
    """Raises when ``version``, or the one in force before when it is None, isn't."""
    with desk.sessions() as session:
        wanted = rulesets.before_it(session) if version is None else rulesets.ruleset_of(session, version).version
        of, province_version = rulesets.rulebook_of(session, wanted).province, province.current_version(session)
    check_sound(wanted, defects(of, desk.clock().astimezone(ZoneInfo(of.time_zone)).date()))
    return _Sound(wanted, province_version)


async def _activated(desk: Desk, sound: _Sound, body: Ask, caller: Principal) -> RulesetRow:
    words = {"report_id": new_id(), "at": desk.clock(), "actor": caller.actor, "reason": body.reason, "seen": body.in_place_of}
    await desk.say(ActivateRules(version=sound.version, province_version=sound.province_version, **words))
    return await run_in_threadpool(_row_of, desk, sound.version)


def _row_of(desk: Desk, version: int) -> RulesetRow:
    with desk.sessions() as session:
        return rows(session, [rulesets.ruleset_of(session, version)])[0]
