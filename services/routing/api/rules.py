"""The rules: every version there was. No version is ever changed."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy.orm import Session

from services.routing.domain import rulesets as domain
from services.routing.domain.rulesets import Activation, Ruleset
from services.routing.store import rulesets
from shared.openapi import declared
from shared.province import Rule
from shared.web import Desk

Version = Annotated[int, Path(ge=0, le=rulesets.LARGEST)]
UNKNOWN = {404: "no_such_version"}


class ActivationView(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    actor: str
    reason: str
    at: AwareDatetime


class RulesetRow(BaseModel):
    """One version: who made it of which other, when and why, and each time it was put in force."""

    version: int
    based_on: int
    actor: str
    reason: str
    at: AwareDatetime
    rules: int
    in_force: bool
    activations: list[ActivationView]


class RulesetPage(BaseModel):
    """From the newest on. ``in_force`` 0: the rules that came with the province. ``next`` goes into ``before``; null on the last page."""

    in_force: int
    versions: list[RulesetRow]
    next: int | None


class RulesView(BaseModel):
    version: int
    rules: list[Rule]


class ChangeView(BaseModel):
    """``kind``: added, removed, changed (a ``field``), moved (its place among the rules)."""

    model_config = ConfigDict(from_attributes=True)
    rule: str
    kind: str
    field: str
    before: Any
    after: Any


class Changes(BaseModel):
    version: int
    since: int
    changes: list[ChangeView]


def routes(desk: Desk) -> APIRouter:
    """All of them."""
    router = APIRouter(prefix="/v1", tags=["rules"])

    @router.get("/rules")
    def versions(
        before: Annotated[int | None, Query(ge=1, le=rulesets.LARGEST)] = None, limit: Annotated[int, Query(ge=1, le=100)] = 20
    ) -> RulesetPage:
        """Every version there was, from the newest on, with who made it, put it in force, and why."""
        with desk.sessions() as session:
            found = rulesets.newest_rulesets(session, before=before, limit=limit + 1)
            page = rows(session, found[:limit])
            return RulesetPage(in_force=rulesets.in_force(session), versions=page, next=page[-1].version if len(found) > limit else None)

    @router.get("/rules/{version}", responses=declared(UNKNOWN))
    def rules(version: Version) -> RulesView:
        """One version, whole: what to edit and send back as a new one."""
        with desk.sessions() as session:
            return RulesView(version=version, rules=list(rulesets.rules_of(session, version)))

    @router.get("/rules/{version}/changes", responses=declared(UNKNOWN))
    def changes(version: Version, since: Annotated[int | None, Query(ge=0, le=rulesets.LARGEST)] = None) -> Changes:
        """What is different from version `since`; from the one it was made of, when not given."""
        with desk.sessions() as session:
            base = since if since is not None else rulesets.ruleset_of(session, version).based_on
            found = domain.changes(rulesets.rules_of(session, base), rulesets.rules_of(session, version))
        return Changes(version=version, since=base, changes=[ChangeView.model_validate(change) for change in found])

    return router


def rows(session: Session, found: Sequence[Ruleset]) -> list[RulesetRow]:
    """With when each was put in force."""
    current, put = rulesets.in_force(session), rulesets.activations_of(session, [one.version for one in found])
    return [_row(one, [each for each in put if each.version == one.version], in_force=one.version == current) for one in found]


def _row(one: Ruleset, put: list[Activation], *, in_force: bool) -> RulesetRow:
    return RulesetRow(
        version=one.version,
        based_on=one.based_on,
        actor=one.actor,
        reason=one.reason,
        at=one.at,
        rules=len(one.rules),
        in_force=in_force,
        activations=[ActivationView.model_validate(each) for each in put],
    )
