"""What suggestions are made of: learned anew every hour, from the newest decisions, once a process."""

from datetime import datetime

from sqlalchemy.orm import Session

from services.routing.domain.suggesting import Suggester
from services.routing.store import lessons
from shared import province
from shared.province import Province

_learned: dict[str, tuple[Province, str, Suggester]] = {}  # one: by "newest", so that threads replace it as a whole


def suggester(session: Session, at: datetime) -> Suggester:
    """As it was learned within the hour of ``at``."""
    current, hour = province.current(session), f"{session.get_bind().url}{at:%Y-%m-%d %H}"  # type: ignore[union-attr]  # it is an engine
    known = _learned.get("newest")
    if known is None or known[0] is not current or known[1] != hour:
        known = _learned["newest"] = (current, hour, Suggester(current, lessons.examples(session)))
    return known[2]
