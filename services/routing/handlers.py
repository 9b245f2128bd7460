"""What routing understands. Load, decide, return; ``HANDLERS`` at the foot is the table of contents."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from services.routing import store
from services.routing.domain.lessons import BY_HAND
from services.routing.domain.placement import Placement
from services.routing.domain.rules import Decision, Unroutable
from services.routing.domain.rulesets import ActivateRules, KeepRules
from services.routing.store import rulesets
from shared.handling import Handler, moment
from shared.messages import (
    CaseAssigned,
    CaseCancelled,
    CaseMerged,
    CaseRefused,
    CaseRehomed,
    CaseResolved,
    CaseReturned,
    CaseUnmerged,
    Message,
    ReportReceived,
)


def route_report(received: ReportReceived, session: Session) -> Sequence[Message]:
    if store.known_placement(session, received.report_id):
        return []  # said twice under two names
    placement = store.add_placement(session, Placement.of(received))
    outcome = store.rulebook(session).decide(received, received.at)
    return _settle(session, placement, outcome, moment(session, received), hop=1)


def route_again(returned: CaseReturned, session: Session) -> Sequence[Message]:
    placement = store.placement_of(session, returned.report_id)
    placement.note_return(returned.hop)
    store.lesson_of(session, placement).returned(returned)
    if placement.is_late(returned.hop):
        return []
    outcome = placement.give_back(returned, store.rulebook(session))
    return _settle(session, placement, outcome, moment(session, returned), hop=returned.hop + 1)


def note_holder(assigned: CaseAssigned, session: Session) -> Sequence[Message]:
    placement = store.placement_of(session, assigned.report_id)
    if not placement.is_late(assigned.hop):
        placement.assigned(assigned)
    if assigned.rule == BY_HAND:
        store.lesson_of(session, placement).assigned_by_hand(assigned)
    return []


def note_answer(resolved: CaseResolved, session: Session) -> Sequence[Message]:
    placement = store.placement_of(session, resolved.report_id)
    store.lesson_of(session, placement).resolved(resolved)
    return []


def keep_rules(asked: KeepRules, session: Session) -> Sequence[Message]:
    rulesets.keep(session, asked)
    return []


def activate_rules(asked: ActivateRules, session: Session) -> Sequence[Message]:
    rulesets.activate(session, asked)
    return []


def note_successor(rehomed: CaseRehomed, session: Session) -> Sequence[Message]:
    store.placement_of(session, rehomed.report_id).rehomed(rehomed)
    return []


def triage_again(unmerged: CaseUnmerged, session: Session) -> Sequence[Message]:
    store.placement_of(session, unmerged.report_id).await_hand(unmerged.at)
    return []


def forget(ended: CaseRefused | CaseCancelled | CaseMerged, session: Session) -> Sequence[Message]:
    store.placement_of(session, ended.report_id).end()
    return []


def _settle(session: Session, placement: Placement, outcome: Decision | Unroutable, at: datetime, *, hop: int) -> Sequence[Message]:
    said = placement.place(outcome, at, hop=hop)
    store.log_decision(session, placement, outcome)
    return [said]


HANDLERS: Mapping[type, Handler] = {
    ReportReceived: route_report,
    CaseReturned: route_again,
    CaseAssigned: note_holder,
    CaseRehomed: note_successor,
    CaseRefused: forget,
    CaseCancelled: forget,
    CaseMerged: forget,
    CaseUnmerged: triage_again,
    CaseResolved: note_answer,
    # the operations centre
    KeepRules: keep_rules,
    ActivateRules: activate_rules,
}
