"""Which cases a caller may see."""

from collections.abc import Callable
from dataclasses import replace

from fastapi import Request

from services.sla.domain.case import Case
from services.sla.store import agencies
from shared.access import Principal, Role
from shared.errors import NotFound
from shared.web import Desk


def visible(case: Case, caller: Principal) -> Case:
    """``case``, unless it is none of the caller's business: an agency sees what it holds or supports. Raises :class:`NotFound`."""
    if caller.role == Role.AGENCY and caller.agency not in {case.agency, *case.supporting}:
        raise NotFound("no case by that report id is known here")
    return case


def in_name_of_today(desk: Desk) -> Callable[[Request], None]:
    """A dependency: a token of an agency that was merged is one of the agency that holds its duties now, whatever it asks."""

    def succeed(request: Request) -> None:
        caller: Principal = request.state.principal  # not by `Caller`, which would keep the answer of before
        if caller.role != Role.AGENCY:
            return
        with desk.sessions() as session:
            request.state.principal = replace(caller, agency=agencies.agency_of_today(session, caller.agency, desk.clock()))

    return succeed
