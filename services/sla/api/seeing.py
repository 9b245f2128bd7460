"""Which cases a caller may see."""

from services.sla.domain.case import Case
from shared.access import Principal, Role
from shared.errors import NotFound


def visible(case: Case, caller: Principal) -> Case:
    """``case``, unless it is none of the caller's business: an agency sees what it holds or supports. Raises :class:`NotFound`."""
    if caller.role == Role.AGENCY and caller.agency not in {case.agency, *case.supporting}:
        raise NotFound("no case by that report id is known here")
    return case
