"""Lists are read in the order of an index, so that they cost what they show and not what there is."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text

from services.intake.domain.georeport import SPAN
from services.intake.store import open311 as store
from shared.clock import now
from tests.intake.conftest import Office
from tests.intake.georeport import posted

HIDDEN = {"DV01", "XH01"}

SAME = "portal, fingerprint, external_ref, category, description, location, attributes, urgent, language, media_urls, status, agency"
MANY = f"""
    INSERT INTO reports (report_id, tracking_code, key, received_at, updated_at, status_version, version, due_version, {SAME})
    SELECT gen_random_uuid(), n, n, now() - n * interval '1 minute', now() - n * interval '1 minute', 0, 0, 0, {SAME}
    FROM reports, generate_series(1, 3000) n
"""
TWO_EACH = """
    INSERT INTO timeline SELECT report_id, gen_random_uuid(), received_at, topic, 1, 'dh', CAST('{}' AS jsonb)
    FROM reports, (VALUES ('case.opened'), ('case.accepted')) topics (topic)
"""


@pytest.fixture(scope="module")
def many(door: Office) -> Office:
    """Enough rows for the planner to care."""
    posted(door)
    with door.rooms.begin() as session:
        for statement in (MANY, TWO_EACH, "SET ROLE NONE", "ANALYZE intake.reports", "ANALYZE intake.timeline"):
            session.execute(text(statement))
    return door


class TestOrder:
    def plan(self, office: Office, ask: Any) -> str:
        """How PostgreSQL would find what ``ask`` asks for."""
        asked: list[tuple[str, Any]] = []
        engine = office.rooms.kw["bind"]
        hear = lambda *told: asked.append((told[2], told[3]))  # noqa: E731
        event.listen(engine, "before_cursor_execute", hear)
        with office.rooms() as session:
            ask(session)
            event.remove(engine, "before_cursor_execute", hear)
            statement, values = asked[-1]
            return "\n".join(session.connection().exec_driver_sql(f"EXPLAIN {statement}", values).scalars())

    def test_of_requests_is_the_order_of_an_index(self, many):
        span, all_of_them = (now() - SPAN, now()), {"categories": (), "unlisted": HIDDEN, "statuses": (), "limit": 100, "offset": 0}

        received = self.plan(many, lambda session: store.reports_within(session, received=span, updated=None, **all_of_them))
        updated = self.plan(many, lambda session: store.reports_within(session, received=None, updated=span, **all_of_them))

        assert "reports_by_receipt" in received
        assert "reports_by_update" in updated
        assert "Sort" not in received + updated

    def test_of_updates_is_the_order_of_an_index(self, many):
        plan = self.plan(
            many, lambda session: store.updates_within(session, (now() - SPAN, now()), [], unlisted=HIDDEN, limit=100, offset=0)
        )

        assert "timeline_updates" in plan
        assert "Sort" not in plan

    def test_of_the_whole_table_is_the_order_of_an_index(self, many):
        plan = self.plan(many, lambda session: store.reports_after(session, (now() - SPAN, UUID(int=0)), now(), unlisted=HIDDEN, limit=100))

        assert "reports_by_receipt" in plan
        assert "Sort" not in plan

    def test_of_notes_is_a_look_up_for_each_report(self, many):
        with many.rooms() as session:
            ids = session.scalars(text("SELECT report_id FROM reports LIMIT 1000")).all()

        plan = self.plan(many, lambda session: store.last_notes(session, ids))

        assert "Nested Loop" in plan
        assert "timeline_pkey" in plan
        assert "Seq Scan on timeline" not in plan

    def test_what_the_same_content_made_before_is_found_by_an_index(self, many):
        assert "reports_keyless" in self.plan(many, lambda session: store.newest_alike(session, "app", "x"))
