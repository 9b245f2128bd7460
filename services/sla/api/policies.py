"""The province's rules about time: which there were, and what others would change before `hoiam load` puts them in force."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Path, Query
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy.orm import Session

from services.sla import store
from services.sla.domain import policy_trial
from services.sla.domain.calendar import calendar_of
from services.sla.domain.clocks import Timekeeper
from services.sla.store import worklists
from shared.errors import NotFound
from shared.province import Loaded, Policy, Province, loaded_versions, misfits
from shared.web import Caller, Desk

Version = Annotated[int, Path(ge=1, le=2**31 - 1)]
SHOWN = 50  # cases named of those whose outcome would be another


class ChangeView(BaseModel):
    """``place`` in the policy, as its keys lead there; null: it was not there before, or is not afterwards."""

    model_config = ConfigDict(from_attributes=True)
    place: str
    before: Any
    after: Any


class PolicyRow(BaseModel):
    """``since`` when it came into force, ``until`` when the next did (null: it is in force). ``changes`` against the version before; none
    where something else of the province's data changed. A case keeps the version it was opened under."""

    version: int
    since: AwareDatetime
    until: AwareDatetime | None
    changes: list[ChangeView]


class PolicyPage(BaseModel):
    """From the newest on. ``next`` goes into ``before`` of the next page; null on the last."""

    policies: list[PolicyRow]
    next: int | None


class PolicyDetail(PolicyRow):
    policy: Policy


class Draft(BaseModel):
    """A whole ``policy`` as in the province's policy.yaml, or a ``change`` of the one in force (RFC 7396: what is given replaces, null
    removes, lists are replaced whole). It is tried on the newest ``closed`` cases."""

    model_config = ConfigDict(extra="forbid")
    policy: dict[str, Any] | None = None
    change: dict[str, Any] | None = None
    closed: int = Field(500, ge=0, le=2000)

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.policy is None) == (self.change is None):
            raise ValueError("send either policy (all of it) or change (what differs from the one in force)")
        return self


class DifferenceView(BaseModel):
    """A new case whose ``clock`` begins ``at`` would be due ``after`` instead of ``before``. ``moment``: morning, night, before_weekend,
    before_longest_holiday (Tết). ``kind``: a class, or normal, urgent, unclear."""

    model_config = ConfigDict(from_attributes=True)
    clock: str
    kind: str
    moment: str
    at: AwareDatetime
    before: AwareDatetime | None
    after: AwareDatetime | None


class OpenCases(BaseModel):
    """They keep their clocks: ``by_version`` says under which version of the policy how many were opened."""

    untouched: int
    by_version: dict[int, int]


class ClosedCases(BaseModel):
    """The newest closed cases under the draft. ``left_out``: their deadline had other causes than class and waiting (an extension, a
    re-opening), or their class is gone. Of what would be late or on time instead, the first cases are named."""

    looked_at: int
    left_out: int
    on_time_before: int
    on_time_after: int
    would_be_late: int
    would_be_on_time: int
    late_cases: list[UUID]
    on_time_cases: list[UUID]


class Trial(BaseModel):
    """What would be different, had the draft come into force ``at``."""

    at: AwareDatetime
    compared_with: int
    changes: list[ChangeView]
    new_cases: list[DifferenceView]
    open_cases: OpenCases
    closed_cases: ClosedCases


def routes(desk: Desk) -> APIRouter:
    """All of it."""
    router = APIRouter(prefix="/v1", tags=["policies"])

    @router.get("/policies")
    def policies(
        before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None, limit: Annotated[int, Query(ge=1, le=100)] = 20
    ) -> PolicyPage:
        """Every policy there was, from the newest on, with what it changed."""
        with desk.sessions() as session:
            found = loaded_versions(session, before=before, limit=limit + 1)
        rows = [_row(one, last) for one, last in _with_the_one_before(found)][:limit]
        return PolicyPage(policies=rows, next=rows[-1].version if len(found) > limit else None)

    @router.get("/policies/{version}")
    def policy(version: Version) -> PolicyDetail:
        """One of them, whole."""
        with desk.sessions() as session:
            found = loaded_versions(session, before=version + 1, limit=2)
        if not found or found[0].version != version:
            raise NotFound(f"no policy has the version {version}: GET /v1/policies lists them", code="no_such_policy")
        one, last = next(iter(_with_the_one_before(found)))
        return PolicyDetail(**_row(one, last).model_dump(), policy=one.policy)

    @router.post("/policies:dry-run")
    def dry_run(draft: Draft, _caller: Caller) -> Trial:
        """What a policy would change: deadlines of new cases, none of open ones, and how those closed before would have fared."""
        at = desk.clock()
        with desk.sessions() as session:
            ours = store.timekeeper(session)
            theirs = _keeper(_drafted(draft, ours.province), ours.province)
            new_cases = _differences(ours, theirs, at)
            replay = policy_trial.replayed(
                worklists.newest_closed(session, draft.closed), lambda case: store.timekeeper(session, case), theirs
            )
            return Trial(
                at=at,
                compared_with=ours.version,
                changes=_changes(ours.province.policy, theirs.province.policy),
                new_cases=new_cases,
                open_cases=_untouched(session),
                closed_cases=_closed(replay),
            )

    return router


def _with_the_one_before(found: list[Loaded]) -> Iterable[tuple[Loaded, Loaded | None]]:
    return [*pairwise(found), (found[-1], None)] if found else []


def _row(one: Loaded, last: Loaded | None) -> PolicyRow:
    changes = _changes(last.policy, one.policy) if last else []
    return PolicyRow(version=one.version, since=one.since, until=one.until, changes=changes)


def _changes(before: Policy, after: Policy) -> list[ChangeView]:
    return [ChangeView.model_validate(change) for change in policy_trial.policy_changes(before, after)]


def _drafted(draft: Draft, province: Province) -> Policy:
    """Raises :class:`RequestValidationError` naming each place."""
    field = "policy" if draft.policy is not None else "change"
    whole = draft.policy if draft.policy is not None else policy_trial.patched(province.policy.model_dump(mode="json"), draft.change)
    try:
        policy = Policy.model_validate(whole)
    except ValidationError as error:
        raise RequestValidationError([_at(field, one["loc"], one["msg"]) for one in error.errors(include_input=False)]) from None
    if found := misfits(province, policy):
        raise RequestValidationError([_at(field, *_placed(problem)) for problem in found])
    return policy


def _placed(problem: str) -> tuple[tuple[str, ...], str]:
    """Of another file (``rules.yaml: den-duong: unknown …``) or of the policy itself."""
    *place, what = problem.removeprefix("policy.yaml: ").split(": ")
    return tuple(place), what


def _at(field: str, place: tuple[Any, ...], message: str) -> Mapping[str, Any]:
    return {"type": "policy", "loc": ("body", field, *place), "msg": message}


def _keeper(policy: Policy, province: Province) -> Timekeeper:
    drafted = province.model_copy(update={"policy": policy})
    try:
        return Timekeeper(version=0, province=drafted, calendar=calendar_of(drafted))
    except NotImplementedError as unknown:
        raise RequestValidationError([_at("policy", ("holidays", "country"), str(unknown))]) from None


def _differences(ours: Timekeeper, theirs: Timekeeper, at: AwareDatetime) -> list[DifferenceView]:
    moments = policy_trial.typical_moments(ours.calendar, at)
    if places := policy_trial.uncountable(theirs, moments):
        raise RequestValidationError([_at("policy", place, "is longer than the calendar reaches") for place in places])
    return [DifferenceView.model_validate(one) for one in policy_trial.differences(ours, theirs, moments)]


def _untouched(session: Session) -> OpenCases:
    by_version = worklists.open_by_policy(session)
    return OpenCases(untouched=sum(by_version.values()), by_version=by_version)


def _closed(replay: policy_trial.Replay) -> ClosedCases:
    return ClosedCases(
        looked_at=replay.looked_at,
        left_out=replay.left_out,
        on_time_before=replay.on_time_before,
        on_time_after=replay.on_time_after,
        would_be_late=len(replay.now_late),
        would_be_on_time=len(replay.now_on_time),
        late_cases=replay.now_late[:SHOWN],
        on_time_cases=replay.now_on_time[:SHOWN],
    )
