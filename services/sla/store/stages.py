"""How long the stages of cases took, for the metrics: counted once each, after the commit that ended them.

One histogram by agency and one by category, because their product would be a hundred thousand series.
"""

from collections.abc import Callable, Iterable

from prometheus_client import Histogram

from services.sla.domain.calendar import Calendar
from services.sla.domain.case import Case
from services.sla.domain.stages import Stage, ended

HOUR, DAY = 3600, 86_400
WORKING_DAY = 27_000  # of a usual calendar, 7.5 hours
ON_THE_WALL = (60, HOUR, DAY, 3 * DAY, 7 * DAY, 15 * DAY)  # few, because each is a series for each of a hundred agencies
AT_WORK = (60, HOUR, WORKING_DAY / 2, WORKING_DAY, 3 * WORKING_DAY, 5 * WORKING_DAY, 10 * WORKING_DAY)

SECONDS = Histogram(
    "hoiam_stage_seconds", "Time a stage of a case took, nights and holidays included", ["stage", "agency"], buckets=ON_THE_WALL
)
WORKING = Histogram("hoiam_stage_working_seconds", "Working time a stage of a case took, by agency", ["stage", "agency"], buckets=AT_WORK)
BY_CATEGORY = Histogram(
    "hoiam_category_stage_working_seconds", "Working time a stage of a case took, by category", ["stage", "category"], buckets=AT_WORK
)


def observer(moved: Iterable[tuple[Case, Calendar]]) -> Callable[[], None]:
    """What counts the stages that these cases' moves ended."""
    found = [(stage, calendar) for case, calendar in moved for stage in ended(case)]

    def observe() -> None:
        for stage, calendar in found:
            _observe(stage, calendar)

    return observe


def _observe(stage: Stage, calendar: Calendar) -> None:
    working = _working(stage, calendar)
    SECONDS.labels(stage.name, stage.agency).observe(max((stage.ends - stage.begins).total_seconds(), 0))
    WORKING.labels(stage.name, stage.agency).observe(working)
    BY_CATEGORY.labels(stage.name, stage.category).observe(working)


def _working(stage: Stage, calendar: Calendar) -> float:
    """In seconds. What is committed must not fail any more: a request may state any time, also one outside the years of the calendar."""
    try:
        return max(calendar.between(stage.begins, stage.ends).total_seconds(), 0)
    except ValueError:
        return 0
