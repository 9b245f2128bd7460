"""A database that is in use, brought up to date: what was kept before is found afterwards."""

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import text

from services.intake.domain.searching import Search
from services.intake.store import searching
from shared.database import engine, migrate, sessions
from tests.builders import MONDAY

OLD = """
    INSERT INTO reports (
        report_id, tracking_code, portal, key, fingerprint, external_ref, category, description, location, attributes, urgent, language,
        received_at, status, status_version, agency, version, due_version
    ) VALUES (
        :id, 'QT-' || :id, 'app', :id, '', '', 'CS01', 'Đèn đường hỏng, gọi 0905 123 456',
        jsonb_build_object('area', 'dh', 'latitude', 16.8, 'longitude', 107.1), '{}', false, 'vi', :at, 'routed', 1, 'dh', 1, 0
    )
"""


class TestReportsOfBefore:
    def test_are_found_by_their_words_place_and_last_update(self, database_url):
        migrate(database_url, "intake", revision="0002")
        of = engine(database_url, "intake")
        moved, still = uuid4(), uuid4()
        with sessions(of).begin() as session:
            session.execute(text(OLD), [{"id": str(one), "at": MONDAY} for one in (moved, still)])
            entry = "INSERT INTO timeline VALUES (:report, :id, :at, 'case.assigned', 2, 'dh', '{}')"
            session.execute(text(entry), {"report": moved, "id": uuid4(), "at": MONDAY + timedelta(hours=1)})

        migrate(database_url, "intake")

        with sessions(of)() as session:
            found = searching.found(session, Search(words="den duong", area="dh"), after=None, limit=5)
            hidden = searching.found(session, Search(words="0905"), after=None, limit=5)
            points = searching.points(session, Search(), limit=5)
        of.dispose()
        assert {report.report_id: report.updated_at - MONDAY for report in found} == {moved: timedelta(hours=1), still: timedelta()}
        assert hidden == []
        assert [(point["latitude"], point["longitude"]) for point in points] == [(16.8, 107.1)] * 2
