"""An agency ends, and another goes on with its work."""

from pydantic import Field

from shared.messages.kinds import CaseFact, Request
from shared.texts import Text


class RehomeCase(Request):
    """The duties of ``before`` went to ``agency``. Whoever else holds the case by then is left with it, so it is done once however often
    it is said. Said by `hoiam agency rehome` only, for many cases at once: it has no route, and no agency may say it."""

    topic = "rehome"
    before: str
    agency: str
    reason: Text = Field(min_length=5)


class CaseRehomed(CaseFact):
    """``agency`` has the duties of ``before`` and goes on with the case as it stands: neither state nor clocks change."""

    topic = "case.rehomed"
    before: str
    reason: str
