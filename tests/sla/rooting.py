"""Cases that grow, and the daily roots over them."""

from datetime import date, timedelta

from sqlalchemy import text

from services.cli.audit import verify
from services.sla.handlers import make_root
from services.sla.store import roots
from shared.database import Sessions
from shared.handling import Handling
from shared.messages import AcceptCase, SubmitResult, Tick
from tests.builders import MONDAY, asked, envelope, received, routed

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SUNDAY_, MONDAY_ = date(2026, 11, 15), date(2026, 11, 16)
MIDNIGHT = MONDAY.replace(hour=0) + DAY  # after which Monday's root is made
ANSWER = {"outcome": "fixed", "answer": "Đã thay bóng đèn.", "evidence": ("media:anh-sau-khi-sua",)}


def a_case(handling: Handling):
    report = received()
    for message in (report, routed(report), asked(AcceptCase, report.report_id)):
        handling.together([envelope(message)])
    return report


def submit(handling: Handling, report) -> None:
    handling.together([envelope(asked(SubmitResult, report.report_id, **ANSWER))])


def make(handling: Handling, at=MIDNIGHT, most: int = 50) -> None:
    """As the loop does: step by step until there is nothing more to do."""
    for _ in range(most):
        with handling.sessions() as session:
            before = session.execute(text("SELECT (SELECT count(*) FROM leaves), (SELECT count(*) FROM roots)")).one()
        handling.run(lambda session: make_root(Tick(at=at), session))
        with handling.sessions() as session:
            if session.execute(text("SELECT (SELECT count(*) FROM leaves), (SELECT count(*) FROM roots)")).one() == before:
                return


def step(handling: Handling, at=MIDNIGHT, limit: int = 2) -> int:
    return handling.run(lambda session: roots.grow(session, at, limit=limit))


def made(rooms: Sessions) -> list[roots.Root]:
    with rooms() as session:
        return list(roots.all_roots(session))


def receipt(rooms: Sessions, report) -> roots.Receipt:
    with rooms() as session:
        return roots.receipt_of(session, report.report_id)


def verdict(url: str, **elsewhere) -> tuple[bool, list[str]]:
    lines: list[str] = []
    return verify(url, lines.append, elsewhere), lines
