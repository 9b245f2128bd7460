"""Ways to every state of a case, gone with the real handlers, and any request or fact about a case as it is now."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.sla import store
from services.sla.domain.case import Case
from services.sla.domain.lifecycle import OPEN, State
from services.sla.handlers import HANDLERS
from shared import messages as say
from shared.messages import Message, Request
from shared.rows import write
from tests.builders import MONDAY, asked, received, routed
from tests.sla.cases import ANSWER, CENTRE

REASON, UNCLEAR = "Không thuộc địa bàn quản lý", "Chưa rõ trách nhiệm"
FRESH = frozenset({State.RECEIVED})
DEADLINE = frozenset(OPEN) - FRESH  # and received again, after a return

# In which states each may happen: written down once more, so that a slip in the table of the lifecycle shows.
ALLOWED: Mapping[type[Message], frozenset[State]] = {
    say.AcceptCase: frozenset({State.ROUTED}),
    say.ReturnCase: frozenset({State.ROUTED, State.IN_PROGRESS}),
    say.AskReporter: frozenset({State.IN_PROGRESS}),
    say.AnswerReporter: frozenset(),  # only a message of the reporter makes it possible, then in any state
    say.RequestExtension: DEADLINE,
    say.SubmitResult: frozenset({State.ROUTED, State.IN_PROGRESS}),  # from routed it takes the case up as well
    say.ReportProgress: frozenset(OPEN),
    say.RouteReport: frozenset({State.RECEIVED, State.ROUTED, State.IN_PROGRESS}),
    say.RehomeCase: frozenset(OPEN) - FRESH,
    say.RefuseReport: frozenset({State.RECEIVED, State.ROUTED}),
    say.ApproveResult: frozenset({State.SUBMITTED}),
    say.SendBackResult: frozenset({State.SUBMITTED}),
    say.ExtendCase: DEADLINE,
    say.ReopenCase: frozenset({State.RESOLVED, State.CLOSED}),
    say.CancelCase: frozenset(OPEN),
    say.MergeCase: frozenset(OPEN),
    say.UnmergeCase: frozenset({State.MERGED}),
    say.ReportReceived: frozenset(),  # it is open already
    say.ReportRouted: frozenset({State.RECEIVED, State.ROUTED, State.IN_PROGRESS}),
    say.ReportUnrouted: FRESH,
    say.ReportCommented: frozenset(State),
    say.ReportWithdrawn: frozenset(OPEN),
    say.ReportRated: frozenset({State.RESOLVED, State.CLOSED}),
    say.ReportObjected: frozenset({State.RESOLVED}),
}
OF_AGENCIES = say.AGENCY_REQUESTS
REQUESTS = tuple(kind for kind in ALLOWED if issubclass(kind, Request))
FACTS = tuple(kind for kind in ALLOWED if kind not in REQUESTS)


def may(kind: type[Message], case: Case) -> bool:
    """Whether ``kind`` may happen to ``case`` now."""
    if ALLOWED[kind] == DEADLINE and kind is not say.RehomeCase:  # which asks for a holder, not for a deadline
        return case.state in OPEN and case.due_at is not None
    if kind is say.AnswerReporter:
        return any(clock.comment_id and clock.running for clock in case.clocks)
    if kind is say.ReportUnrouted and case.explanation == UNCLEAR:
        return False  # the centre knows
    return case.state in ALLOWED[kind]


def about(kind: type[Message], case: Case, at: datetime | None = None, **fields: Any) -> Message:
    """Such a message about ``case``, by who holds it or by the centre, complete and without a fault of its own."""
    at = at or MONDAY + case.version * timedelta(minutes=1)
    words = (WORDS[kind](case) if kind in WORDS else {}) | fields
    if issubclass(kind, Request):
        usual = f"agency:{case.agency}" if kind in OF_AGENCIES else CENTRE
        return asked(kind, case.report_id, at=at, **{"by": usual} | words)  # type: ignore[no-any-return]
    return kind(report_id=case.report_id, at=at, **words)


def _more_time(case: Case) -> dict[str, Any]:
    return {"until": (case.due_at or MONDAY) + timedelta(minutes=1), "reason": "Chờ vật tư thay thế"}


def _routing(case: Case) -> dict[str, Any]:
    usual = routed(received(urgent=case.urgent), hop=case.hop + 1, urgent=case.urgent, sla_class="U4" if case.urgent else "S3")
    return usual.model_dump(exclude={"report_id", "at"})


def _again(case: Case) -> dict[str, Any]:
    return received(tracking_code=case.tracking_code).model_dump(exclude={"report_id", "at"})


WORDS: Mapping[type[Message], Callable[[Case], dict[str, Any]]] = {
    say.ReturnCase: lambda case: {"reason": REASON, "proposed_agency": "hl" if case.agency == "sxd" else "sxd"},
    say.AskReporter: lambda _: {"question": "Trước số nhà nào?"},
    say.AnswerReporter: lambda case: {"comment_id": waiting_comment(case), "answer": "Đang xử lý trong ngày."},
    say.RequestExtension: _more_time,
    say.SubmitResult: lambda _: dict(ANSWER),
    say.ReportProgress: lambda _: {"text": "Đã đặt mua vật tư", "expected_on": date(2027, 6, 1)},
    say.RouteReport: lambda case: {"agency": "hl" if case.agency == "sxd" else "sxd", "reason": "Thuộc thẩm quyền"},
    say.RehomeCase: lambda case: {"before": case.agency, "agency": "cat", "reason": "Sáp nhập đơn vị"},
    say.RefuseReport: lambda _: {"reason_code": "out_of_scope", "reason": REASON, "redirect": "Công an tỉnh"},
    say.SendBackResult: lambda _: {"reason": "Ảnh chưa rõ kết quả"},
    say.ExtendCase: _more_time,
    say.ReopenCase: lambda _: {"reason": "Kiểm tra lại vẫn hỏng"},
    say.CancelCase: lambda _: {"reason": "Không cần nữa"},
    say.MergeCase: lambda case: {"leader_id": leader_of(case)},
    say.UnmergeCase: lambda _: {"reason": "Khác vị trí"},
    say.ReportReceived: _again,
    say.ReportRouted: _routing,
    say.ReportUnrouted: lambda case: {"explanation": UNCLEAR, "hop": case.hop + 1},
    say.ReportCommented: lambda _: {"comment_id": uuid4(), "text": "Vẫn còn hỏng"},
    say.ReportRated: lambda _: {"rating": 4},
    say.ReportObjected: lambda _: {"reason": "Đèn vẫn tắt"},
}


def leader_of(case: Case) -> UUID:
    """The report opened beside ``case`` by :func:`go`, for it to follow."""
    return uuid5(case.report_id, "leader")


def waiting_comment(case: Case) -> UUID:
    """A message of the reporter that waits for its answer, or one nobody wrote."""
    return next((clock.comment_id for clock in case.clocks if clock.comment_id and clock.running), uuid4())


IN_PROGRESS = (say.ReportRouted, say.AcceptCase)
SUBMITTED = (*IN_PROGRESS, say.SubmitResult)
RESOLVED = (*SUBMITTED, say.ApproveResult)
WAYS: Mapping[str, tuple[State, tuple[type[Message], ...]]] = {
    "received": (State.RECEIVED, ()),
    "in triage": (State.RECEIVED, (say.ReportUnrouted,)),
    "returned": (State.RECEIVED, (*IN_PROGRESS, say.ReturnCase)),
    "separated": (State.RECEIVED, (*IN_PROGRESS, say.MergeCase, say.UnmergeCase)),
    "routed": (State.ROUTED, (say.ReportRouted,)),
    "transferred": (State.ROUTED, (*IN_PROGRESS, say.RouteReport)),
    "in progress": (State.IN_PROGRESS, IN_PROGRESS),
    "answered by the reporter": (State.IN_PROGRESS, (*IN_PROGRESS, say.AskReporter, say.ReportCommented)),
    "sent back": (State.IN_PROGRESS, (*SUBMITTED, say.SendBackResult)),
    "objected": (State.IN_PROGRESS, (*RESOLVED, say.ReportObjected)),
    "re-opened": (State.IN_PROGRESS, (*RESOLVED, say.ReportRated, say.ReopenCase)),
    "waiting": (State.WAITING, (*IN_PROGRESS, say.AskReporter)),
    "submitted": (State.SUBMITTED, SUBMITTED),
    "submitted at once": (State.SUBMITTED, (say.ReportRouted, say.SubmitResult)),
    "resolved": (State.RESOLVED, RESOLVED),
    "closed": (State.CLOSED, (*RESOLVED, say.ReportRated)),
    "refused": (State.REFUSED, (say.ReportRouted, say.RefuseReport)),
    "refused unrouted": (State.REFUSED, (say.RefuseReport,)),
    "cancelled": (State.CANCELLED, (*IN_PROGRESS, say.CancelCase)),
    "withdrawn unrouted": (State.CANCELLED, (say.ReportWithdrawn,)),
    "merged": (State.MERGED, (*IN_PROGRESS, say.MergeCase)),
    "merged unrouted": (State.MERGED, (say.MergeCase,)),
}


def go(session: Session, way: str, *more: type[Message]) -> Case:
    """A new case (and one beside it, to follow), brought along ``way`` and ``more`` in one transaction."""
    report_id = uuid4()
    _opened(session, uuid5(report_id, "leader"))
    case = _opened(session, report_id)
    for kind in (*WAYS[way][1], *more):
        handle(session, about(kind, case))
    write(session)
    return case


def _opened(session: Session, report_id: UUID) -> Case:
    report = received(report_id=report_id)
    store.preload([report], session)
    handle(session, report)
    return store.case_of(session, report_id)


def handle(session: Session, message: Message) -> list[Message]:
    """What sla says to it."""
    return list(HANDLERS[type(message)](message, session))


def in_memory(case: Case) -> str:
    """Everything the object knows, its clocks and its new history included."""
    known = {name: value for name, value in vars(case).items() if name not in {"clocks", "moves"}}
    clocks = [dict(vars(clock)) for clock in case.clocks]
    return repr((sorted(known.items()), [sorted(clock.items()) for clock in clocks], [move.hash for move in case.moves]))


def in_database(session: Session, *report_ids: UUID) -> list[str]:
    """Every row about these reports."""
    tables = ("cases ORDER BY report_id", "clocks ORDER BY id", "history ORDER BY report_id, seq")
    rows = (table.replace(" ORDER", " AS t WHERE report_id = ANY(:ids) ORDER") for table in tables)
    return [str(row) for table in rows for row in session.scalars(text(f"SELECT t::text FROM {table}"), {"ids": list(report_ids)})]
