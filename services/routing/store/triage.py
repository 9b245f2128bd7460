"""Which of the reports that wait for a person are wanted."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, func

from services.routing.store.tables import reports


class Cause(StrEnum):
    """``bounced``: an agency gave it back."""

    UNROUTED = "unrouted"
    BOUNCED = "bounced"


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """What is left out is not asked about."""

    cause: Cause | None = None
    category: str = ""
    urgent: bool | None = None

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Read along the list, which is short: it holds what waits, not what ever waited."""
        if self.cause:
            returns = func.jsonb_array_length(reports.c.returns)
            yield returns > 0 if self.cause == Cause.BOUNCED else returns == 0
        if self.category:
            yield reports.c.snapshot["category"].astext == self.category
        if self.urgent is not None:
            yield reports.c.snapshot["urgent"].as_boolean() == self.urgent


EVERYTHING = Waiting()
