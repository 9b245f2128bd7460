"""Who holds a case: routing, routing by hand, returns and the end of passing around."""

from datetime import datetime

from services.sla.domain import dispatch
from services.sla.domain.case import Case
from services.sla.domain.clocks import Timekeeper
from services.sla.domain.lifecycle import State
from shared import messages as say
from shared.errors import NotFound, Refused
from shared.messages import Message
from shared.province import Emergency


def route(case: Case, routed: say.ReportRouted, keeper: Timekeeper, *, actor: str, at: datetime, category: str = "") -> list[Message]:
    """The case gets a (new) holder, whose clocks start ``at`` the moment it is told.

    From work in hand it is a transfer: custody moves, the reporter's deadline stays. Another class never lengthens it.
    """
    before = case.agency if case.state != State.RECEIVED else ""
    emergency = keeper.emergency(category=category or case.category, area=case.area, urgent=routed.urgent, at=case.received_at)
    due_at = _deadline(case, routed, keeper, emergency)
    data = {"rule": routed.rule, "hop": routed.hop, "sla_class": routed.sla_class, "due_at": due_at.isoformat()}
    case.move("route", actor=actor, at=at, agency=routed.agency, category=category or case.category, **data)
    case.agency, case.hop, case.explanation, case.category = routed.agency, routed.hop, routed.explanation, category or case.category
    case.sla_class, case.urgent, case.supporting = routed.sla_class, routed.urgent, list(routed.supporting)
    if emergency and not case.promised_at:
        case.emergency = emergency.order
        case.record("emergency", actor="policy", at=at, order=emergency.order)
    case.promised_at = case.promised_at or due_at
    case.stop(at, "route", "take_up")
    case.move_deadline(due_at, keeper)
    case.resume_clock(keeper, at)
    allowance = keeper.allowance("take_up", urgent=case.urgent)
    take_up = case.start_until("take_up", keeper.due(allowance, at, agency=case.agency), keeper, at)
    about = {"urgent": case.urgent, "rule": routed.rule, "category": case.category}
    assigned = say.CaseAssigned(**case.head(at), due_at=due_at, hop=case.hop, **about)
    moved_away = [dispatch.transfer(case, at, before=before)] if before not in {"", case.agency} else []
    return [assigned, *moved_away, dispatch.assignment(case, at, keeper, take_up_by=take_up.due_at)]


def _deadline(case: Case, routed: say.ReportRouted, keeper: Timekeeper, emergency: Emergency | None) -> datetime:
    """What the class gives, counted from receipt; never later than what the reporter was promised before."""
    due_at = keeper.due(keeper.resolution(routed.sla_class, emergency), case.received_at)
    return min(due_at, case.due_at) if case.due_at else due_at


def route_by_hand(case: Case, request: say.RouteReport, keeper: Timekeeper) -> list[Message]:
    """The operations centre names the agency, with its reason."""
    case.check_fresh(request)
    if request.agency not in keeper.agencies:
        raise NotFound(f"no agency has the code {request.agency!r}", code="no_such_agency")
    if request.category and request.category not in keeper.province.categories:
        raise NotFound(f"no category has the code {request.category!r}", code="no_such_category")
    if request.sla_class and request.sla_class not in keeper.province.policy.classes:
        raise NotFound(f"the policy has no class {request.sla_class!r}", code="no_such_class")
    routed = dispatch.by_hand(case, request, keeper)
    return route(case, routed, keeper, actor=request.actor, at=request.at, category=request.category)


def rehome(case: Case, request: say.RehomeCase, keeper: Timekeeper) -> list[Message]:
    """The successor of its agency goes on where that one stood: state, deadline and clocks stay as they are."""
    if case.agency != request.before:
        return []  # done before, or it went elsewhere meanwhile
    case.moved_by("rehome", request, agency=request.agency, before=request.before, reason=request.reason)
    case.agency, case.explanation = request.agency, request.reason
    case.supporting = [agency for agency in case.supporting if agency != request.agency]
    rehomed = say.CaseRehomed(**case.head(request.at), before=request.before, reason=request.reason)
    return [rehomed, dispatch.transfer(case, request.at, before=request.before), dispatch.again(case, request.at, keeper)]


def wait_for_triage(case: Case, at: datetime, keeper: Timekeeper, *, explanation: str) -> list[Message]:
    """Nobody could be named: the operations centre has the longer time of unclear competence to route it."""
    case.explanation = explanation
    case.record("triage", actor="routing", at=at, explanation=explanation)
    case.stop(at, "route")
    case.start("route", keeper.allowance("route", unclear=True), keeper, at)
    return []


def give_back(case: Case, request: say.ReturnCase, keeper: Timekeeper) -> list[Message]:
    """Not ours: with a reason and who else. The centre holds it until it is routed again; no clock of the reporter's is reset.

    Once the centre itself had to decide (the bounce limit), its word is final: who still disagrees takes it to the arbiter, outside.
    """
    case.check_holder(request)
    _check_return(case, request, keeper)
    returned = say.CaseReturned(
        **case.moved_by("return", request, reason=request.reason, proposed=request.proposed_agency),
        reason=request.reason,
        proposed_agency=request.proposed_agency,
        hop=case.hop,
    )
    case.bounces += 1
    case.stop(request.at, "take_up", "progress")
    case.agency = keeper.province.centre
    case.start("route", keeper.allowance("route", unclear=True), keeper, request.at)
    return [returned]


def _check_return(case: Case, request: say.ReturnCase, keeper: Timekeeper) -> None:
    arbiter = keeper.province.agencies[keeper.province.arbiter].name.vi
    if case.bounces >= keeper.province.policy.bounces:
        raise Refused(f"the operations centre settled who is responsible; only {arbiter} can change that", code="settled")
    if request.proposed_agency and request.proposed_agency not in keeper.agencies:
        raise NotFound(f"no agency has the code {request.proposed_agency!r}", code="no_such_agency")
    if request.proposed_agency == case.agency:
        raise Refused("propose another agency than your own", code="proposes_itself")
