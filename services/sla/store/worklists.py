"""Work lists: a page of one costs the same however many cases there are.

A list is the merge of one short list a state (its parts), each read from the beginning of an index that has its order. A page goes on
behind the last row of the page before it (keyset), so cases that move meanwhile neither hide others nor show them twice.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, cast, false, func, literal, null, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from services.sla.domain.case import Case
from services.sla.domain.lifecycle import OPEN, State
from services.sla.domain.worklists import BY_DEADLINE, MAYBE_UNDATED, OF_THE_CENTRE, STATES, View, Wanted
from services.sla.store import cases, cases_where, has_support

Condition = ColumnElement[bool]
COUNTED = tuple(view for view in View if view != View.ALL)


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where a page ends: what its last case is due (None: it has no deadline yet, or the order is that of reports), and its report."""

    due_at: datetime | None
    report_id: UUID


class Part(NamedTuple):
    """Of a view: what holds for its cases, and whether some may have no deadline yet."""

    conditions: Sequence[Condition]
    may_be_undated: bool = False


@dataclass(frozen=True, kw_only=True)
class Scope:
    """As of when, until when something is due soon, and which agency's own list is asked for: ``centre`` when none is named."""

    at: datetime
    soon: datetime
    centre: str


def page(session: Session, wanted: Wanted, scope: Scope, *, after: Position | None, limit: int) -> tuple[list[Case], Position | None]:
    """The next ``limit`` cases behind ``after``, and where to go on; None on the last page."""
    rows = session.execute(_ordered(wanted, scope, after, limit + 1)).all()
    ids = [row.report_id for row in rows[:limit]]
    here = sorted(cases_where(session, cases.c.report_id.in_(ids)), key=lambda case: ids.index(case.report_id))
    last = rows[limit - 1] if len(rows) > limit else None
    return here, Position(due_at=last.due_at, report_id=last.report_id) if last else None


def counts(session: Session, agency: str, scope: Scope) -> dict[View, int]:
    """How many cases are in each view, in one statement. It costs as much as there are open cases in it."""
    views = [view for view in COUNTED if agency or view != View.SUPPORTING]
    numbers = [_count(Wanted(view=view, agency=agency), scope).label(view) for view in views]
    return dict(zip(views, session.execute(select(*numbers)).one(), strict=True))


def _count(wanted: Wanted, scope: Scope) -> ColumnElement[int]:
    parts = [select(func.count()).where(*part.conditions).scalar_subquery() for part in _parts(wanted, scope)]
    return sum(parts[1:], start=parts[0])


def _ordered(wanted: Wanted, scope: Scope, after: Position | None, limit: int) -> Select[Any]:
    """The keys of the page: report ids and what they are due. What has no deadline yet comes last, in short lists of its own."""
    parts = _parts(wanted, scope)
    if wanted.by_report:
        lists = [_by_report(part.conditions, after, limit) for part in parts]
    else:
        lists = [_by_due(part, _due(wanted), after, limit) for part in parts]
        lists += [_undated(part.conditions, after, limit) for part in parts if part.may_be_undated]
    merged = union_all(*lists).subquery() if len(lists) > 1 else lists[0].subquery()
    return select(merged).order_by(merged.c.due_at, merged.c.report_id).limit(limit)


def _due(wanted: Wanted) -> ColumnElement[datetime]:
    return cases.c.answer_by if wanted.view == View.TO_ANSWER else cases.c.due_at


def _by_report(conditions: Sequence[Condition], after: Position | None, limit: int) -> Select[Any]:
    keys = select(cases.c.report_id, null().label("due_at")).where(*conditions)
    return (keys.where(cases.c.report_id > after.report_id) if after else keys).order_by(cases.c.report_id).limit(limit)


def _by_due(part: Part, due: ColumnElement[datetime], after: Position | None, limit: int) -> Select[Any]:
    """Empty when the page before ended among those without a deadline."""
    keys = select(cases.c.report_id, due.label("due_at")).where(*part.conditions, *((due.is_not(None),) if part.may_be_undated else ()))
    if after:
        keys = keys.where(tuple_(due, cases.c.report_id) > (after.due_at, after.report_id) if after.due_at else false())
    return keys.order_by(due, cases.c.report_id).limit(limit)


def _undated(conditions: Sequence[Condition], after: Position | None, limit: int) -> Select[Any]:
    keys = select(cases.c.report_id, cases.c.due_at.label("due_at")).where(cases.c.due_at.is_(None), *conditions)
    behind = keys.where(cases.c.report_id > after.report_id) if after and after.due_at is None else keys
    return behind.order_by(cases.c.due_at, cases.c.report_id).limit(limit)


def _parts(wanted: Wanted, scope: Scope) -> list[Part]:
    """No case is in two."""
    filters = list(_filters(wanted))
    if wanted.view == View.TO_ANSWER:
        return [Part([cases.c.answer_by.is_not(None), *_held_by(wanted.agency), *filters])]
    if wanted.view == View.SUPPORTING:
        helps = cases.c.supporting.contains(cast(literal(json.dumps([wanted.agency])), JSONB))
        return [Part([helps, has_support, cases.c.state.in_([str(state) for state in OPEN]), *filters])]
    if wanted.view == View.MINE and not wanted.agency:
        return [Part([*part.conditions, *filters], part.may_be_undated) for part in _of_the_centre(scope)]
    parts = [_in_state(state, *_held_by(wanted.agency), *_in_view(wanted, state, scope), *filters) for state in _states(wanted)]
    return parts if wanted.view not in BY_DEADLINE else [Part(part.conditions) for part in parts]


def _in_state(state: State, *conditions: Condition) -> Part:
    return Part([cases.c.state == state, *conditions], state in MAYBE_UNDATED)


def _of_the_centre(scope: Scope) -> Iterable[Part]:
    """What waits for its decision whoever holds it, and what was routed to it as to any agency."""
    yield from (_in_state(state) for state in OF_THE_CENTRE)
    yield from (_in_state(state, cases.c.agency == scope.centre) for state in (State.ROUTED, State.IN_PROGRESS))


def _states(wanted: Wanted) -> Sequence[State]:
    return [wanted.state] if wanted.state in STATES[wanted.view] else STATES[wanted.view]


def _in_view(wanted: Wanted, state: State, scope: Scope) -> Iterable[Condition]:
    if wanted.view == View.DUE_SOON:
        yield from (cases.c.due_at >= scope.at, cases.c.due_at < scope.soon)
    if wanted.view == View.OVERDUE:
        yield cases.c.due_at < scope.at
        if state == State.WAITING:
            yield cases.c.due_at < cases.c.paused_at


def _held_by(agency: str) -> Iterable[Condition]:
    return (cases.c.agency == agency,) if agency else ()


def _filters(wanted: Wanted) -> Iterable[Condition]:
    equal = {"state": wanted.state, "category": wanted.category, "area": wanted.area, "sla_class": wanted.sla_class}
    yield from (cases.c[name] == value for name, value in equal.items() if value)
    if wanted.urgent is not None:
        yield cases.c.urgent.is_(wanted.urgent)
    if wanted.emergency is not None:
        yield (cases.c.emergency != "") if wanted.emergency else (cases.c.emergency == "")
    yield from _between(cases.c.received_at, wanted.received_from, wanted.received_until)
    yield from _between(_due(wanted), wanted.due_from, wanted.due_until)


def _between(column: ColumnElement[datetime], since: datetime | None, until: datetime | None) -> Iterable[Condition]:
    yield from (column >= since,) if since else ()
    yield from (column < until,) if until else ()


def newest_closed(session: Session, limit: int) -> list[Case]:
    """The closed cases received last."""
    newest = select(cases.c.report_id).where(cases.c.state == State.CLOSED).order_by(cases.c.report_id.desc()).limit(limit)
    return cases_where(session, cases.c.report_id.in_(newest))


def open_by_policy(session: Session) -> dict[int, int]:
    """How many open cases were opened under which version of the policy."""
    is_open = cases.c.state.in_([str(state) for state in OPEN])
    rows = session.execute(select(cases.c.policy_version, func.count()).where(is_open).group_by(cases.c.policy_version))
    return {version: number for version, number in rows}
