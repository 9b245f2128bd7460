"""A page of a work list reads what it shows and little more: by the index that has its order, however many cases there are."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.dialects import postgresql

from services.sla.domain.worklists import BY_DEADLINE, STATES, View, Wanted
from services.sla.store import worklists
from services.sla.store.worklists import Position, Scope
from shared.database import psycopg_url
from tests.builders import MONDAY
from tests.sla.cases import DAY

MANY, LIMIT = 40_000, 50
SCOPE = Scope(at=MONDAY, soon=MONDAY + DAY, centre="ioc")
FILL = """
    INSERT INTO cases (report_id, tracking_code, category, report, received_at, urgent, agency, policy_version, state, hop, version, moved,
        last_hash, sla_class, due_at, answer, answer_by, paused_at, supporting, explanation, area)
    SELECT gen_random_uuid(), 'QT-' || n, 'CS01', '{"description": "Đèn hỏng"}', moment, false, 'a' || n % 10, 1, state, 1, 2, 2, '', 'S3',
        CASE WHEN state <> 'received' OR n % 3 = 0 THEN moment + interval '3 days' END, '',
        CASE WHEN n / 10 % 40 = 7 THEN moment + interval '1 day' END,
        CASE WHEN state = 'waiting' THEN moment + n / 100 % 2 * interval '4 days' END,
        CASE WHEN n / 10 % 50 = 3 THEN '["sxd"]'::jsonb ELSE '[]' END, '', 'dh'
    FROM (SELECT n, :at + (n - :many / 2) * interval '2 minutes' AS moment, (ARRAY['received', 'routed', 'routed', 'in_progress',
        'in_progress', 'waiting', 'submitted', 'resolved', 'closed', 'cancelled'])[1 + n / 10 % 10] AS state
        FROM generate_series(1, :many) AS n) AS made
"""


@pytest.fixture(scope="module")
def crowd(module_rooms, module_database_url):
    """Very many cases, known to the planner."""
    with module_rooms.begin() as session:
        session.execute(text(FILL), {"at": MONDAY, "many": MANY})
    owner = create_engine(psycopg_url(module_database_url), isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(text("VACUUM ANALYZE sla.cases"))
    owner.dispose()
    return module_rooms


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def planned(session, wanted: Wanted, after: Position | None) -> list[dict[str, Any]]:
    """What PostgreSQL really did for this page."""
    statement = worklists._ordered(wanted, SCOPE, after, LIMIT + 1)
    written = statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})
    [whole] = session.connection().exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {written}".replace("%", "%%")).scalar_one()
    return list(nodes(whole["Plan"]))


def read(node: dict[str, Any]) -> float:
    """Rows that were looked at, shown or not."""
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return float((node["Actual Rows"] + removed) * node["Actual Loops"])


LISTS = [(view, order) for view in STATES for order in ("due", "report") if order == "due" or view not in BY_DEADLINE] + [
    (View.TO_ANSWER, "due")
]


class TestPage:
    @pytest.mark.parametrize("place", ["first", "middle", "undated"])
    @pytest.mark.parametrize("agency", ["", "a7"])
    @pytest.mark.parametrize(("view", "order"), LISTS)
    def test_reads_no_more_than_a_page_from_each_state(self, crowd, view, agency, order, place):
        wanted = Wanted(view=view, agency=agency, order=order)
        with crowd() as session:
            done = planned(session, wanted, position(session, wanted, place))

        scans = [node for node in done if "Scan" in node["Node Type"] and node["Node Type"] not in {"Subquery Scan", "Bitmap Index Scan"}]
        most = 2 * (LIMIT + 1) * len(STATES.get(view, ["all"]))
        assert {node["Node Type"] for node in scans} & {"Seq Scan"} == set()
        assert sum(map(read, scans)) <= most

    def test_of_supported_cases_reads_those_alone(self, crowd):
        with crowd() as session:
            done = planned(session, Wanted(view=View.SUPPORTING, agency="sxd"), None)

        assert "cases_supported" in {node.get("Index Name") for node in done}
        assert "Seq Scan" not in {node["Node Type"] for node in done}

    def test_is_proven_by_a_plan_that_would_show_it(self, crowd):
        with crowd() as session:
            session.execute(
                text("SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexonlyscan = off")
            )
            done = planned(session, Wanted(view=View.MINE, agency="a7", order="due"), None)

        assert max(map(read, done)) > MANY / 2


def position(session, wanted: Wanted, place: str) -> Position | None:
    """Nowhere, somewhere in the middle, or among those that have no deadline."""
    if place == "first":
        return None
    _, end = worklists.page(session, wanted, SCOPE, after=None, limit=30)
    if end is None or place == "middle" or wanted.view == View.TO_ANSWER or wanted.order == "report":
        return end
    return Position(due_at=None, report_id=UUID(int=1 << 120))  # near the end, the planner reads the rest at once, and may


class TestSummary:
    def test_reads_the_open_cases_of_its_agency_alone(self, crowd):
        statement = "SELECT count(*) FROM cases WHERE agency = 'a7'"
        with crowd() as session:
            total = session.execute(text(statement)).scalar_one()
            counted = worklists.counts(session, "a7", SCOPE)

        assert (
            0 < counted[View.MINE] + counted[View.WAITING_FOR_REPORTER] + counted[View.WAITING_FOR_APPROVAL] == counted[View.OPEN] < total
        )
        assert counted[View.DUE_SOON] + counted[View.OVERDUE] > 0
        assert timedelta(0) < SCOPE.soon - SCOPE.at
