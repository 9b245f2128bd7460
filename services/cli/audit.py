"""`hoiam audit verify`: every row of every case's history, walked through from the first to the last; then every daily root."""

from collections.abc import Callable, Mapping
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.cli.system import room
from services.sla.domain.audit import breaks
from services.sla.domain.history import GENESIS
from services.sla.domain.roots import differing, first_fault
from services.sla.store import audit, roots

EVERY = 10_000  # cases between two words of progress
Say = Callable[[str], None]
Elsewhere = Mapping[str, Mapping[date, str]]  # where roots were kept, and which


def verify(url: str, say: Say, elsewhere: Elsewhere | None = None) -> bool:
    """Whether every history is as it was written; names the first row of each case that is not, and the first root that is not
    what it was made of or not what was kept ``elsewhere``. One snapshot, so it may run beside work."""
    with room(url, "sla") as rooms, rooms() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        session.execute(text("SET LOCAL statement_timeout = 0"))  # a large history takes longer to sort than a service may wait
        whole = _histories(session, say)
        return _roots(session, say, elsewhere or {}) and whole


def _histories(session: Session, say: Say) -> bool:
    checked = broken = 0
    total = audit.count_cases(session)
    for found in breaks(audit.rows(session), audit.ends(session)):
        checked += 1
        if found:
            broken += 1
            say(str(found))
        if checked % EVERY == 0:
            say(f"{checked} of {total} cases")
    say(f"{checked} cases, {broken} broken")
    return not broken


def _roots(session: Session, say: Say, elsewhere: Elsewhere) -> bool:
    strays = wrong = 0
    for report_id, seq, day in roots.strays(session):
        strays += 1
        say(f"report {report_id}: row {seq} is not the one that went into the root of {day}")
    here, previous = dict[date, str](), GENESIS
    for root in list(roots.all_roots(session)):
        fault = first_fault(root, previous=previous, ends=roots.ends_of(session, root.day))
        if fault and not wrong:
            say(f"root of {root.day} {fault}")
        wrong += bool(fault)
        here[root.day] = previous = root.root
    strange = [(where, *found) for where, kept in elsewhere.items() if (found := differing(here, kept))]
    for where, day, words in strange:
        say(f"root of {day} {words}: {where} has {elsewhere[where][day]}")
    if here or strange:
        say(f"{len(here)} roots, {wrong} broken; {strays} cases differ from them" + _compared(elsewhere, len(strange)))
    return not (strays or wrong or strange)


def _compared(elsewhere: Elsewhere, strange: int) -> str:
    return f"; compared with {', '.join(elsewhere)}: {len(elsewhere) - strange} of {len(elsewhere)} agree" if elsewhere else ""
