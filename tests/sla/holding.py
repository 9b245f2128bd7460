"""Cases in a database, as tests of many cases want them, and what is looked up there."""

from typing import Any

from services.sla import store
from services.sla.store import agencies
from shared.database import Sessions
from tests.sla.ways import go


def a_case(rooms: Sessions, way: str) -> Any:
    """A new one, brought along ``way``."""
    with rooms.begin() as session:
        return go(session, way)


def case_of(rooms: Sessions, case: Any) -> Any:
    """The case of a report, or a case as it is now."""
    with rooms() as session:
        return store.asked_case(session, case.report_id)


def metric(rooms: Sessions, name: str) -> dict[str, float]:
    """By agency."""
    with rooms() as session:
        samples = [sample for family in agencies.gauges(session) for sample in family.samples]
    return {sample.labels.get("agency", ""): sample.value for sample in samples if sample.name == name}
