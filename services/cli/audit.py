"""`hoiam audit verify`: every row of every case's history, walked through from the first to the last."""

from collections.abc import Callable

from services.cli.system import room
from services.sla.domain.audit import breaks
from services.sla.store import audit

EVERY = 10_000  # cases between two words of progress


def verify(url: str, say: Callable[[str], None]) -> bool:
    """Whether every history is as it was written; names the first row of each case that is not. One snapshot, so it may run beside work."""
    checked = broken = 0
    with room(url, "sla") as rooms, rooms() as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
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
